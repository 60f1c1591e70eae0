"""Acts on several lanes at once: the admin's actions lead to one form, and each lane gets a Decision of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from agent.admin.acting import Form, number
from agent.admin.door import operator_of
from agent.models import Bookmark
from agent.operations.desk import show_lane
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.operator import Operator
from agent.operations.registering import Decided
from agent.operations.retry import RetryLane, retry_lane
from agent.operations.shown import LaneDetail
from chat.errors import ChatError

if TYPE_CHECKING:
    from agent.admin.lanes import LaneAdmin

#: Lanes of one form: more of them are a matter for their fingerprint.
MOST = 50
type Perform = Callable[[Bookmark, Form, HttpRequest, Operator], Decided]


@dataclass(frozen=True, slots=True)
class Row:
    """A lane of the form; afterwards with its Decision, or why there is none."""

    mark: Bookmark
    detail: LaneDetail
    decided: Decided | None = None
    refused: ChatError | None = None


def on_to(request: HttpRequest, page: "LaneAdmin", name: str, lanes: QuerySet[Bookmark]) -> HttpResponse:
    """From the list to the form; the selection stands in the address."""
    chosen = ",".join(str(pk) for pk in lanes.values_list("pk", flat=True)[:MOST])
    address = page.to(request, name)
    return HttpResponseRedirect(f"{address}{'&' if '?' in address else '?'}lanes={chosen}")


def dismiss(page: "LaneAdmin", request: HttpRequest) -> HttpResponse:
    """Dismiss the next event of each."""
    words = {"title": "Dismiss the next event of these lanes", "act": "dismiss"}
    return _act(page, request, _dismiss, Form.of(request, DismissEvent), words)


def retry(page: "LaneAdmin", request: HttpRequest) -> HttpResponse:
    """Retry each."""
    return _act(page, request, _retry, Form.of(request, RetryLane), {"title": "Retry these lanes", "act": "retry"})


def _act(page: "LaneAdmin", request: HttpRequest, perform: Perform, form: Form, words: dict[str, Any]) -> HttpResponse:
    by = operator_of(request)
    chosen = [number(pk) for pk in request.GET.get("lanes", "").split(",")][:MOST]
    marks = list(page.get_queryset(request).filter(pk__in=chosen).select_related("subscriber", "stream").order_by("pk"))
    done: dict[int, Decided | ChatError] = {}
    if form.sent:
        done = {mark.pk: _tried(perform, mark, form, request) for mark in marks}
        refusals = [one for one in done.values() if isinstance(one, ChatError)]
        form.refused = refusals[0] if refusals and len(refusals) == len(done) else None
    rows = [_row(mark, done.get(mark.pk), by) for mark in marks]
    context = {
        "rows": rows,
        "form": form,
        "done": any(row.decided for row in rows),
        "address": page.to(request, "bookmark_changelist"),
    }
    return page.page(request, "admin/agent/many.html", status=form.status, **context, **words)


def _tried(perform: Perform, mark: Bookmark, form: Form, request: HttpRequest) -> Decided | ChatError:
    try:
        return perform(mark, form, request, operator_of(request))
    except ChatError as error:
        return error


def _row(mark: Bookmark, done: Decided | ChatError | None, by: Operator) -> Row:
    detail = show_lane(mark.subscriber_id, mark.stream.name, by=by)
    if isinstance(done, ChatError):
        return Row(mark, detail, refused=done)
    return Row(mark, detail, decided=done)


def _dismiss(mark: Bookmark, form: Form, request: HttpRequest, by: Operator) -> Decided:
    command = DismissEvent(
        reaction=mark.subscriber_id,
        event_id=number(request.POST.get(f"event_{mark.pk}")),
        preview_token=request.POST.get(f"token_{mark.pk}", ""),
        **_why(mark, form),
    )
    return dismiss_event(command, by=by)


def _retry(mark: Bookmark, form: Form, request: HttpRequest, by: Operator) -> Decided:
    command = RetryLane(
        subscriber=mark.subscriber_id,
        stream=mark.stream.name,
        preview_token=request.POST.get(f"token_{mark.pk}", ""),
        **_why(mark, form),
    )
    return retry_lane(command, by=by)


def _why(mark: Bookmark, form: Form) -> dict[str, Any]:
    return {**form.why, "key": f"{form.key}:{mark.pk}"}
