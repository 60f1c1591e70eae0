"""Turns: the list, one turn with its writings, having it written anew, and bringing an older writing back."""

from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from agent.admin.acting import Form, number
from agent.admin.door import DeskAdmin, answering, moment_of, operator_of
from agent.admin.lanes import chat_url
from agent.operations.regenerate import RegenerateTurn, regenerate_turn
from agent.operations.restore import RestoreTurn, restore_turn
from agent.operations.writings import Writings, may_see, show_new_writing, show_writings
from agent.templatetags.desk import chip
from chat.story.models import Turn
from chat.turns.announce import chosen
from chat.turns.comparing import compared
from chat.turns.lines import plain
from chat.turns.numbers import numbers_of
from chat.turns.regenerate import GUIDANCE_CHARACTERS
from chat.turns.standing import with_standing

#: Characters of a turn that a list shows.
EXCERPT = 100


class StateFilter(admin.SimpleListFilter):
    """The turns that stand, those that were rewritten or deleted, and those that were cut off."""

    title, parameter_name = "state", "is"
    meant: ClassVar = {
        "live": Q(superseded_by=None),
        "superseded": Q(superseded_by__isnull=False, stands="superseded"),
        "deleted": Q(superseded_by__isnull=False, stands="deleted"),
        "stopped": Q(state="stopped"),
        "interrupted": Q(state="interrupted"),
    }

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """The words for it."""
        return [(name, name.capitalize()) for name in self.meant]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Turn]) -> QuerySet[Turn]:
        """What is chosen."""
        return queryset.filter(self.meant.get(self.value() or "", Q()))


class SpeakerFilter(admin.SimpleListFilter):
    """What the player said, or what the characters did."""

    title, parameter_name = "speaker", "by"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """The words for it."""
        return [("player", "The player"), ("character", "A character")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Turn]) -> QuerySet[Turn]:
        """What is chosen."""
        kind = {"player": Turn.Kind.USER, "character": Turn.Kind.ASSISTANT}.get(self.value() or "")
        return queryset.filter(kind=kind) if kind else queryset


class Turns(ChangeList):
    """A page of turns with their numbers."""

    def get_results(self, request: HttpRequest) -> None:
        """As many queries as for one turn."""
        super().get_results(request)
        numbers = numbers_of(self.result_list)
        for turn in self.result_list:
            turn.number = numbers[turn.id]


@admin.register(Turn)
class TurnAdmin(DeskAdmin):
    """Turns, the newest first; superseded ones stay readable."""

    change_list_template = "admin/agent/change_list.html"
    list_display = ("called", "says", "who", "of_chat", "standing", "said")
    list_filter = (StateFilter, SpeakerFilter)
    list_per_page = 50
    list_select_related = ("chat",)
    search_fields = ("chat__title", "=chat__id", "=id")
    search_help_text = "A chat’s title or number, or the number of an event"
    actions = ("regenerate",)
    said = moment_of("said_at", "Said")
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Turn]:
        """With how each stands."""
        return with_standing(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Ours."""
        return Turns

    @admin.display(description="Turn", ordering="id")
    def called(self, turn: Any) -> str:
        """As players see it."""
        return f"Turn {turn.number}"

    @admin.display(description="What was said")
    def says(self, turn: Turn) -> str:
        """How it begins."""
        return Truncator(plain(turn.text)).chars(EXCERPT)

    @admin.display(description="By")
    def who(self, turn: Turn) -> str:
        """Who said it."""
        return turn.speaker_name

    @admin.display(description="Chat", ordering="chat")
    def of_chat(self, turn: Turn) -> SafeString:
        """The chat, and the way to all its turns."""
        return format_html('<a href="?chat__id__exact={}">{}</a>', turn.chat_id, turn.chat.title)

    @admin.display(description="State", ordering="superseded_by")
    def standing(self, turn: Any) -> SafeString:
        """Whether it stands in the story, and how it ended if it was cut."""
        return format_html("{} <small>{}</small>", chip(turn.stands), "" if turn.state == "complete" else turn.state)

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
        title = f"Turn {shown.number}"
        return self._page(request, "admin/agent/turn.html", shown, title=title, beside=_beside(shown))

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
        context = {"guidance": guidance, "longest": GUIDANCE_CHARACTERS, "form": form}
        template, title = "admin/agent/regenerate.html", f"Regenerate turn {shown.number}"
        return self._page(request, template, shown, status=form.status, title=title, **context)

    @answering
    def restore_view(self, request: HttpRequest, turn: int) -> HttpResponse:
        """Bringing a writing back, with a reason."""
        by, form = operator_of(request), Form.of(request, RestoreTurn)
        decided = form.carry_out(lambda: restore_turn(RestoreTurn(turn_id=turn, **form.why), by=by))
        if decided:
            return self.decided(request, decided, "This writing stands again.", address=self.to_turn(request, turn))
        shown = show_writings(turn, by=by)
        title = f"Restore writing {shown.writings[turn]} of turn {shown.number}"
        context = {"form": form, "beside": _beside(shown), "title": title}
        return self._page(request, "admin/agent/restore.html", shown, status=form.status, **context)

    @answering
    def writing_view(self, request: HttpRequest, generation: str) -> HttpResponse:
        """A new writing while it is made, and what came of it beside what stood before."""
        made = show_new_writing(generation, by=operator_of(request))
        runs = compared(plain(made.old.text), plain(made.new.text)) if made.new else None
        return self.page(
            request,
            "admin/agent/writing.html",
            title=f"A new writing of turn {made.number}",
            writings=made.writings,
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
        context |= {"number": shown.number, "writings": shown.writings}
        return self.page(request, template, shown=shown, chat_url=chat_url(request, shown.chat.id), **context)


def _beside(shown: Writings) -> dict[str, Any] | None:
    """What stands, word by word beside another writing."""
    if shown.standing is None or shown.standing.id == shown.turn.id:
        return None
    runs = compared(plain(shown.standing.text), plain(shown.turn.text))
    return {"standing": shown.standing, "runs": runs}
