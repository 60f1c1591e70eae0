"""Turns: the list, one turn with its writings, having it written anew, and bringing an older writing back."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from agent.admin.acting import Form, number
from agent.admin.door import DeskAdmin, answering, operator_of
from agent.admin.lanes import chat_url
from agent.operations.regenerate import RegenerateTurn, regenerate_turn
from agent.operations.restore import RestoreTurn, restore_turn
from agent.operations.writings import Writings, find_history, may_see, show_new_writing, show_writings
from chat.story.bonds import names_of
from chat.story.models import Turn
from chat.templatetags.rewriting import compared, goes, lines
from chat.templatetags.story_text import plain
from chat.turns.announce import chosen
from chat.turns.regenerate import GUIDANCE_CHARACTERS


@admin.register(Turn)
class TurnAdmin(DeskAdmin):
    """Turns, the newest first; superseded ones stay readable."""

    change_list_template = "admin/agent/change_list.html"
    list_display = ("id", "chat_id", "place", "kind", "speaker_name", "state", "superseded_by", "said_at")
    list_filter = ("kind", "state")
    search_fields = ("=chat__id", "=id")
    search_help_text = "The number of a chat or of a turn."
    actions = ("regenerate",)
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """Its acts stand beside its pages."""
        view = self.admin_site.admin_view
        return [
            path("<int:turn>/regenerate/", view(self.regenerate_view), name="agent_turn_regenerate"),
            path("<int:turn>/restore/", view(self.restore_view), name="agent_turn_restore"),
            path("writing/<str:generation>/", view(self.writing_view), name="agent_turn_writing"),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """For who may act on turns, and for whom Django's own permission lets read them."""
        user = request.user
        return user.is_authenticated and (may_see(operator_of(request)) or user.has_perm("chat.view_turn"))

    def has_regenerate_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return operator_of(request).may("regenerate_turn")

    @admin.action(description="Regenerate the selected turn…", permissions=["regenerate"])
    def regenerate(self, request: HttpRequest, turns: QuerySet[Turn]) -> HttpResponse | None:
        """On to the form."""
        chosen_ones = list(turns.values_list("pk", flat=True)[:2])
        if len(chosen_ones) > 1:
            messages.warning(request, "Choose one turn: each new writing takes a reason of its own.")
            return None
        return HttpResponseRedirect(self.to(request, "turn_regenerate", *chosen_ones))

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One turn with its writings; its plain fields, for who may read turns and no more."""
        by, turn = operator_of(request), number(object_id)
        if not turn or not may_see(by):
            return super().change_view(request, object_id, form_url, extra_context)
        shown = show_writings(turn, by=by)
        return self._page(request, "admin/agent/turn.html", shown, title=f"Turn {turn}", beside=_beside(shown))

    @answering
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was decided about it."""
        turn = number(object_id)
        sought = find_history(turn, by=operator_of(request))
        return self.history_of(request, sought, title=f"turn {turn}", address=self.to_turn(request, turn))

    @answering
    def regenerate_view(self, request: HttpRequest, turn: int) -> HttpResponse:
        """Having it written anew, with a reason: what that would undo, then on to the page that streams it."""
        by, form, guidance = operator_of(request), Form.of(request, RegenerateTurn), request.POST.get("guidance", "")
        command = RegenerateTurn(turn_id=turn, guidance=guidance, **form.why)
        decided = form.carry_out(lambda: async_to_sync(regenerate_turn)(command, by=by, announcer=chosen()))
        if decided:
            address = reverse("admin:agent_turn_writing", args=[decided.after["generation"]])
            # Still true when the page, which goes on looking, has seen it end.
            return self.decided(request, decided, "A new writing was asked for.", address=address)
        shown = show_writings(turn, by=by)
        context = {"guidance": guidance, "longest": GUIDANCE_CHARACTERS, "form": form, **_going(shown)}
        template, title = "admin/agent/regenerate.html", f"Regenerate turn {turn}"
        return self._page(request, template, shown, status=form.status, title=title, **context)

    @answering
    def restore_view(self, request: HttpRequest, turn: int) -> HttpResponse:
        """Bringing a writing back, with a reason."""
        by, form = operator_of(request), Form.of(request, RestoreTurn)
        decided = form.carry_out(lambda: restore_turn(RestoreTurn(turn_id=turn, **form.why), by=by))
        if decided:
            return self.decided(request, decided, "This writing stands again.", address=self.to_turn(request, turn))
        shown = show_writings(turn, by=by)
        context = {"form": form, "beside": _beside(shown), "title": f"Restore turn {turn}"}
        return self._page(request, "admin/agent/restore.html", shown, status=form.status, **context)

    @answering
    def writing_view(self, request: HttpRequest, generation: str) -> HttpResponse:
        """A new writing while it is made, and what came of it beside what stood before."""
        made = show_new_writing(generation, by=operator_of(request))
        runs = compared(plain(made.old.text), plain(made.new.text)) if made.new else None
        return self.page(
            request,
            "admin/agent/writing.html",
            title=f"A new writing of turn {made.old.id}",
            made=made,
            runs=runs,
            turn_url=self.to_turn(request, made.old.id),
            chat_url=chat_url(request, made.chat.id),
        )

    def to_turn(self, request: HttpRequest, turn: int) -> str:
        """The page of a turn."""
        return reverse("admin:chat_turn_change", args=[turn])

    def _page(self, request: HttpRequest, template: str, shown: Writings, **context: Any) -> HttpResponse:
        context |= {"turn": shown.turn, "chat": shown.chat, "turn_url": self.to_turn(request, shown.turn.id)}
        return self.page(request, template, shown=shown, chat_url=chat_url(request, shown.chat.id), **context)


def _beside(shown: Writings) -> dict[str, Any] | None:
    """What stands, word by word beside another writing."""
    if shown.standing is None or shown.standing.id == shown.turn.id:
        return None
    runs = compared(plain(shown.standing.text), plain(shown.turn.text))
    return {"standing": shown.standing, "runs": runs}


def _going(shown: Writings) -> dict[str, Any]:
    """What goes with a turn, counted and in sentences."""
    if shown.undone is None:
        return {}
    return {"goes": goes(shown.undone), "lines": list(lines(shown.undone, names_of(shown.chat)))}
