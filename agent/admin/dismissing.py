"""The page on which one event is dismissed: what will be skipped, what will not happen, and why."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from agent.admin.acting import Form, number
from agent.admin.door import operator_of
from agent.operations.audit import Sought, list_decisions
from agent.operations.desk import chat_of_stream, show_lane, titles_of
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.operator import NotPermittedError, Operator
from agent.operations.preview import preview_dismissal
from agent.operations.registering import Decided
from agent.registry import loss_of
from chat.errors import ChatError

if TYPE_CHECKING:
    from agent.admin.lanes import LaneAdmin


class NothingToDismissError(ChatError):
    """This lane stands before no event: it has dealt with everything."""

    status = 409


def dismiss(page: "LaneAdmin", request: HttpRequest, reaction: str, stream: str) -> HttpResponse:
    """Show it, or do it; a refusal changes nothing, says what happened since, and keeps what was typed."""
    by, form = operator_of(request), Form.of(request, DismissEvent)
    asked = request.POST.get("event_id") if form.sent else request.GET.get("event")
    event = number(asked) if form.sent or asked else _next_event(reaction, stream, by)
    command = DismissEvent(
        reaction=reaction,
        event_id=event,
        expected_skipped=number(request.POST.get("expected_skipped")),
        preview_token=form.preview_token,
        **form.why,
    )
    decided = form.carry_out(lambda: dismiss_event(command, by=by))
    if decided is None:
        return _shown(page, request, (reaction, stream, event), form)
    address = page.lane_url(request, reaction, stream)
    return page.decided(request, decided, f"Event {event} is dismissed.", address=address)


def _next_event(reaction: str, stream: str, by: Operator) -> int:
    """The event that a lane stands before; 0 for none."""
    event = show_lane(reaction, stream, by=by).event
    return event.event_id if event else 0


def _shown(page: "LaneAdmin", request: HttpRequest, which: tuple[str, str, int], form: Form) -> HttpResponse:
    by, (reaction, stream, event) = operator_of(request), which
    context: dict[str, Any] = {
        "reaction": reaction,
        "stream": stream,
        "form": form,
        "title": f"Dismiss event {event}" if event else "Nothing to dismiss",
        "address": page.lane_url(request, reaction, stream),
        "retry_url": page.to(request, "lane_retry", reaction, stream),
        "loss": loss_of(reaction),
    }
    try:
        if not event:
            raise NothingToDismissError
        context["preview"] = preview_dismissal(reaction, event_id=event, by=by)
    except NotPermittedError:
        raise
    except ChatError as error:
        form.refused = form.refused or error
    context["chat_title"] = titles_of([stream]).get(chat_of_stream(stream), "")
    if form.moved is not None:
        context["since"] = _decided_since(reaction, stream, by)
    return page.page(request, "admin/agent/dismiss.html", status=form.status, **context)


def _decided_since(reaction: str, stream: str, by: Operator) -> Decided | None:
    """The newest Decision about the lane, for who may read it."""
    if not by.may("view_audit"):
        return None
    return next(iter(list_decisions(Sought(subscriber=reaction, stream=stream), limit=1, by=by)), None)
