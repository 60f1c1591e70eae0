"""Lanes: the list with its filters and actions, and one lane with its trouble and what can be done about it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from agent.admin import dismissing, many
from agent.admin.acting import Form, new_key
from agent.admin.door import DeskAdmin, answering, operator_of
from agent.models import Bookmark, DismissedEvent
from agent.operations.desk import chat_of_stream, in_state, show_lane, titles_of
from agent.operations.lane import NoSuchLaneError, State, find_bookmark, state_of
from agent.operations.pause import Pause, Resume, pause, resume
from agent.operations.performing import consulting
from agent.operations.retry import RetryLane, retry_lane
from agent.registry import accepts_late, loss_of
from agent.templatetags.desk import chip, when
from chat.story.access import ChatNotFoundError, get_chat_for

ACTS = ("dismiss", "retry", "pause", "resume")
#: Of a lane's dismissed events, the newest that its page names.
DISMISSED_SHOWN = 3
STATES: tuple[State, ...] = ("wedged", "backing off", "paused", "behind", "running", "live")


class StateFilter(admin.SimpleListFilter):
    """The lanes in one state."""

    title, parameter_name = "state", "state"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """The words for states."""
        return [(state, state.capitalize()) for state in STATES]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Bookmark]) -> QuerySet[Bookmark]:
        """As the operations know them."""
        return in_state(queryset, next((state for state in STATES if state == self.value()), None))


class Lanes(ChangeList):
    """A page of lanes with the titles of their chats."""

    def get_results(self, request: HttpRequest) -> None:
        """One query for all titles."""
        super().get_results(request)
        titles = titles_of(lane.stream.name for lane in self.result_list)
        for lane in self.result_list:
            lane.chat_title = titles.get(chat_of_stream(lane.stream.name), "")


@admin.register(Bookmark)
class LaneAdmin(DeskAdmin):
    """One bookmark = one lane."""

    list_display = ("state", "lane", "position", "since", "why")
    list_display_links = ("lane",)
    list_filter = (StateFilter, "subscriber")
    list_per_page = 50
    list_select_related = ("subscriber", "stream")
    search_fields = ("stream__name",)
    actions = ("dismiss_next", "retry")
    ordering: ClassVar = [F("wedged_at").asc(nulls_last=True), F("due_at").asc(nulls_last=True), "-id"]

    def get_urls(self) -> list[URLPattern]:
        """Its acts stand beside its pages."""
        view = self.admin_site.admin_view
        acts = {
            "dismiss": self.dismiss_view,
            "retry": self.retry_view,
            "pause": self.pause_view,
            "resume": self.resume_view,
        }
        return [
            path("of/<str:subscriber>/<str:stream>/", view(self.find_view), name="agent_lane"),
            path("dismiss/", view(self.dismiss_many_view), name="agent_bookmark_dismiss_many"),
            path("retry/", view(self.retry_many_view), name="agent_bookmark_retry_many"),
            *(
                path(f"of/<str:subscriber>/<str:stream>/{act}/", view(show), name=f"agent_lane_{act}")
                for act, show in acts.items()
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bookmark]:
        """The lanes in use: none of a rebuild that is under way."""
        return super().get_queryset(request).filter(epoch=F("subscriber__epoch"))

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Ours."""
        return Lanes

    @admin.display(description="State")
    def state(self, lane: Bookmark) -> SafeString:
        """In one word."""
        return chip(state_of(lane, behind=lane.due_at is not None, now=timezone.now()))

    @admin.display(description="Lane", ordering="subscriber")
    def lane(self, lane: Any) -> str:
        """What people call it."""
        title = f" “{lane.chat_title}”" if lane.chat_title else ""
        return f"{lane.subscriber_id} / {lane.stream.name}{title}"

    @admin.display(description="Since", ordering="wedged_at")
    def since(self, lane: Bookmark) -> SafeString:
        """When it was wedged or paused."""
        return when(lane.wedged_at or lane.paused_at or lane.subscriber.paused_at, timezone.now())

    @admin.display(description="Why")
    def why(self, lane: Bookmark) -> str:
        """What is the matter."""
        return lane.wedged_reason or lane.paused_reason or lane.subscriber.paused_reason

    @admin.action(description="Dismiss the next event of the selected lanes…", permissions=["dismiss"])
    def dismiss_next(self, request: HttpRequest, lanes: QuerySet[Bookmark]) -> HttpResponse:
        """On to the form."""
        return many.on_to(request, self, "bookmark_dismiss_many", lanes)

    @admin.action(description="Retry the selected lanes…", permissions=["retry"])
    def retry(self, request: HttpRequest, lanes: QuerySet[Bookmark]) -> HttpResponse:
        """On to the form."""
        return many.on_to(request, self, "bookmark_retry_many", lanes)

    def has_dismiss_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return operator_of(request).may("dismiss_event")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return operator_of(request).may("retry_lane")

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One lane."""
        mark = self.row(request, object_id)
        detail = show_lane(
            mark.subscriber_id, mark.stream.name, reveal="reveal" in request.GET, by=operator_of(request)
        )
        return self.page(
            request,
            "admin/agent/lane.html",
            title=f"{mark.subscriber_id} / {mark.stream.name}",
            mark=mark,
            detail=detail,
            key=new_key(),
            chat_url=chat_url(request, detail.chat),
            revealed="reveal" in request.GET,
            loss=loss_of(mark.subscriber_id),
            accepts_late=accepts_late(mark.subscriber_id),
            dismissed=DismissedEvent.objects.of_lane(mark.subscriber_id, mark.stream_id)[:DISMISSED_SHOWN],
            urls={
                **{page: self.to(request, f"bookmark_{page}", mark.pk) for page in ("change", "history")},
                **{act: self.to(request, f"lane_{act}", mark.subscriber_id, mark.stream.name) for act in ACTS},
            },
        )

    @answering
    def find_view(self, request: HttpRequest, subscriber: str, stream: str) -> HttpResponse:
        """The page of a lane by its names, for links from elsewhere."""
        with consulting(operator_of(request)):
            mark = find_bookmark(subscriber, stream)
        if mark is None:
            raise NoSuchLaneError
        return HttpResponseRedirect(self.to(request, "bookmark_change", mark.pk))

    @answering
    def dismiss_view(self, request: HttpRequest, subscriber: str, stream: str) -> HttpResponse:
        """Dismissing an event: a page of its own."""
        return dismissing.dismiss(self, request, subscriber, stream)

    @answering
    def dismiss_many_view(self, request: HttpRequest) -> HttpResponse:
        """Dismissing the next event of several lanes."""
        return many.dismiss(self, request)

    @answering
    def retry_many_view(self, request: HttpRequest) -> HttpResponse:
        """Retrying several lanes."""
        return many.retry(self, request)

    @answering
    def retry_view(self, request: HttpRequest, subscriber: str, stream: str) -> HttpResponse:
        """Try the next event again; from the lane's page, with no form in between."""
        by, form = operator_of(request), Form.of(request, RetryLane)
        address, said = self.lane_url(request, subscriber, stream), "The lane tries its next event again."
        command = RetryLane(subscriber=subscriber, stream=stream, preview_token=form.preview_token, **form.why)
        return self.at_once(request, lambda: retry_lane(command, by=by), said, address=address)

    @answering
    def pause_view(self, request: HttpRequest, subscriber: str, stream: str) -> HttpResponse:
        """Pausing one lane, with a reason."""
        by, form, address = operator_of(request), Form.of(request, Pause), self.lane_url(request, subscriber, stream)
        decided = form.carry_out(lambda: pause(Pause(subscriber=subscriber, stream=stream, **form.why), by=by))
        if decided:
            return self.decided(request, decided, "The lane is paused.", address=address)
        return self.page(
            request,
            "admin/agent/pause.html",
            status=form.status,
            title=f"Pause {subscriber} / {stream}",
            lane=f"{subscriber} / {stream}",
            form=form,
            address=address,
        )

    @answering
    def resume_view(self, request: HttpRequest, subscriber: str, stream: str) -> HttpResponse:
        """Let it go on."""
        command = Resume(subscriber=subscriber, stream=stream, **Form.of(request, Resume).why)
        by, address = operator_of(request), self.lane_url(request, subscriber, stream)
        return self.at_once(request, lambda: resume(command, by=by), "The lane goes on.", address=address)

    def lane_url(self, request: HttpRequest, subscriber: str, stream: str) -> str:
        """The page of a lane."""
        return self.to(request, "lane", subscriber, stream)


def chat_url(request: HttpRequest, chat: int) -> str:
    """The page of a chat, if the operator may see it; "" otherwise."""
    try:
        get_chat_for(request.user, chat)
    except ChatNotFoundError:
        return ""
    return reverse("chat", args=[chat])
