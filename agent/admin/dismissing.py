"""The page on which one event is dismissed: what will be skipped, what will not happen, and why."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from agent import registry
from agent.admin.acting import Form, number
from agent.admin.door import operator_of
from agent.models import Bookmark
from agent.operations.audit import Sought, list_decisions
from agent.operations.desk import chat_of_stream, show_lane, titles_of
from agent.operations.dismiss import DismissEvent, EventPassedError, dismiss_event
from agent.operations.lane import pending
from agent.operations.operator import Operator
from agent.operations.preview import preview_dismissal
from agent.operations.registering import Decided
from chat.errors import ChatError

if TYPE_CHECKING:
    from agent.admin.lanes import LaneAdmin


def dismiss(page: "LaneAdmin", request: HttpRequest, mark: Bookmark) -> HttpResponse:
    """Show it, or do it; a refusal changes nothing, says what happened since, and keeps what was typed."""
    by, form = operator_of(request), Form.of(request)
    event = number(request.POST.get("event_id") or request.GET.get("event")) or next_event(mark)
    if request.method == "POST":
        command = DismissEvent(
            reaction=mark.subscriber_id,
            event_id=event,
            expected_skipped=number(request.POST.get("expected_skipped")),
            preview_token=form.preview_token,
            **form.why,
        )
        try:
            decided = dismiss_event(command, by=by)
        except ChatError as error:
            form.refused = error
        else:
            return page.decided(request, decided, f"Event {event} is dismissed.", address=page.lane_url(request, mark))
    return _shown(page, request, mark, event, form)


def next_event(mark: Bookmark) -> int:
    """The event that a lane stands before; 0 for none."""
    subscriber = next((one for one in registry.subscribers() if one.name == mark.subscriber_id), None)
    ahead = pending(mark, frozenset(subscriber.kinds), limit=1) if subscriber else []
    return ahead[0].position if ahead else 0


def _shown(page: "LaneAdmin", request: HttpRequest, mark: Bookmark, event: int, form: Form) -> HttpResponse:
    by = operator_of(request)
    chat = chat_of_stream(mark.stream.name)
    context: dict[str, Any] = {
        "mark": mark,
        "event": event,
        "form": form,
        "title": f"Dismiss event {event}" if event else "Nothing to dismiss",
        "chat_title": titles_of([mark.stream.name]).get(chat, ""),
        "address": page.lane_url(request, mark),
        "retry_url": page.to(request, "bookmark_retry", mark.pk),
        "loss": registry.loss_of(mark.subscriber_id),
    }
    try:
        context["preview"] = preview_dismissal(mark.subscriber_id, event_id=event, by=by)
    except EventPassedError as passed:
        form.refused = passed
    except ChatError as error:
        form.refused = form.refused or error
    if form.moved is not None:
        context |= {"detail": show_lane(mark.subscriber_id, mark.stream.name, by=by), "since": _decided_since(mark, by)}
    return page.page(request, "admin/agent/dismiss.html", status=form.status, **context)


def _decided_since(mark: Bookmark, by: Operator) -> Decided | None:
    """The newest Decision about the lane, for who may read it."""
    if not by.may("view_audit"):
        return None
    sought = Sought(subscriber=mark.subscriber_id, stream=mark.stream.name)
    return next(iter(list_decisions(sought, limit=1, by=by)), None)
