"""The API: each address translates, makes one call, and translates back."""

from typing import Annotated, Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest
from ninja import Header, NinjaAPI, Path, Query, Router, Status
from ninja.operation import Operation

from agent.api import schemas
from agent.api.auth import Bearer, Session, operator_of
from agent.api.refusing import refuse_with_problems
from agent.operations import audit, desk, shown
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.pause import Pause, Resume, pause, resume
from agent.operations.preview import preview_dismissal
from agent.operations.retry import RetryLane, retry_lane
from chat.log.text import LARGEST_NUMBER

Key = Annotated[str | None, Header(alias="Idempotency-Key")]
Position = Annotated[int, Query(ge=0, le=LARGEST_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=desk.MOST_LANES)]
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 422, 503), schemas.Problem)


class Site(NinjaAPI):
    """Ours."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name with the word that it is mounted under, e.g. `reactions_list_lanes`."""
        return "_".join([*(operation.tags or ()), operation.view_func.__name__])


api = Site(
    title="Palimpsest: the operators' desk",
    version="1",
    description="See what is stuck and why, and put it right, with a reason on record.",
    auth=[Bearer(), Session()],
    docs_decorator=staff_member_required,
    urls_namespace="agent-api",
)
refuse_with_problems(api)
#: Of a subscriber, which is a Reaction or a Projection; mounted under both words.
lanes = Router()


@api.get("/subscribers", response={200: list[schemas.Subscriber], **REFUSALS}, tags=["subscribers"])
def list_subscribers(request: HttpRequest) -> Any:
    """Every subscriber, worst first."""
    return [one.as_json() for one in desk.list_subscribers(by=operator_of(request))]


@api.post("/reactions/{name}/dismiss-event", response={201: schemas.Decision, **REFUSALS}, tags=["reactions"])
def dismiss(request: HttpRequest, name: str, body: schemas.DismissIn, key: Key = None) -> Any:
    """Move the Reaction's lane past an event."""
    command = DismissEvent(reaction=name, key=key, **_said(body))
    return Status(201, dismiss_event(command, by=operator_of(request)).as_json())


@api.post("/reactions/{name}/dismissal-preview", response={200: schemas.Preview, **REFUSALS}, tags=["reactions"])
def preview(request: HttpRequest, name: str, body: schemas.PreviewIn) -> Any:
    """Exactly what a dismissal of that event would skip, and the token that holds it to that."""
    return preview_dismissal(name, event_id=body.event_id, by=operator_of(request)).as_json()


@api.get("/reactions/{name}/dismissal-preview", response={200: schemas.Preview, **REFUSALS}, tags=["reactions"])
def preview_of(request: HttpRequest, name: str, event_id: int) -> Any:
    """The same, for a page that links to it."""
    return preview_dismissal(name, event_id=event_id, by=operator_of(request)).as_json()


@lanes.post("/pause", response={201: schemas.Decision, **REFUSALS})
def pause_subscriber(request: HttpRequest, name: Path[str], body: schemas.PauseIn, key: Key = None) -> Any:
    """Claim nothing of it any more."""
    return Status(201, pause(Pause(subscriber=name, key=key, **_said(body)), by=operator_of(request)).as_json())


@lanes.post("/resume", response={201: schemas.Decision, **REFUSALS})
def resume_subscriber(
    request: HttpRequest, name: Path[str], body: schemas.ResumeIn | None = None, key: Key = None
) -> Any:
    """Let it be claimed again."""
    return Status(201, resume(Resume(subscriber=name, key=key, **_said(body)), by=operator_of(request)).as_json())


@lanes.get("/lanes", response={200: list[schemas.Lane], **REFUSALS})
def list_lanes(
    request: HttpRequest, name: Path[str], state: schemas.State | None = None, after: Position = 0, limit: Limit = 50
) -> Any:
    """Its lanes, those in a state if one is given; the next page begins after the last one's `id`."""
    found = desk.list_lanes(name, state=state, after=after, limit=limit, by=operator_of(request))
    return [lane.as_json() for lane in found]


@lanes.get("/lanes/{stream}", response={200: schemas.LaneDetail, **REFUSALS})
def show_lane(request: HttpRequest, name: Path[str], stream: str, *, reveal: bool = False) -> Any:
    """One lane with its trouble; `reveal` shows what its next event says."""
    return desk.show_lane(name, stream, reveal=reveal, by=operator_of(request)).as_json()


@lanes.post("/lanes/{stream}/retry", response={201: schemas.Decision, **REFUSALS})
def retry(
    request: HttpRequest, name: Path[str], stream: str, body: schemas.RetryIn | None = None, key: Key = None
) -> Any:
    """Let it try its next event again, at once."""
    command = RetryLane(subscriber=name, stream=stream, key=key, **_said(body))
    return Status(201, retry_lane(command, by=operator_of(request)).as_json())


@lanes.post("/lanes/{stream}/pause", response={201: schemas.Decision, **REFUSALS})
def pause_lane(request: HttpRequest, name: Path[str], stream: str, body: schemas.PauseIn, key: Key = None) -> Any:
    """Claim nothing of this lane any more."""
    command = Pause(subscriber=name, stream=stream, key=key, **_said(body))
    return Status(201, pause(command, by=operator_of(request)).as_json())


@lanes.post("/lanes/{stream}/resume", response={201: schemas.Decision, **REFUSALS})
def resume_lane(
    request: HttpRequest, name: Path[str], stream: str, body: schemas.ResumeIn | None = None, key: Key = None
) -> Any:
    """Let this lane be claimed again."""
    command = Resume(subscriber=name, stream=stream, key=key, **_said(body))
    return Status(201, resume(command, by=operator_of(request)).as_json())


@api.get("/decisions", response={200: list[schemas.Decision], **REFUSALS}, tags=["audit"])
def list_decisions(request: HttpRequest, sought: Query[schemas.Sought]) -> Any:
    """What operators decided, the newest first; the next page is what stands before the last one's `decision_id`."""
    said = sought.model_dump(exclude={"search", "before", "limit"})
    by, wanted = operator_of(request), audit.Sought(text=sought.search, **said)
    return [one.as_json() for one in audit.list_decisions(wanted, before=sought.before, limit=sought.limit, by=by)]


@api.get("/refusals", response={200: list[schemas.Refusal], **REFUSALS}, tags=["audit"])
def list_refusals(request: HttpRequest, limit: Limit = 50) -> Any:
    """Who was refused what lately, the newest first."""
    return [shown.refused(one) for one in audit.list_refusals(limit=limit, by=operator_of(request))]


def _said(body: schemas.Sent | None) -> dict[str, Any]:
    """What was sent, without what was left out."""
    return {} if body is None else body.model_dump(exclude_none=True)


api.add_router("/reactions/{name}", lanes, tags=["reactions"], url_name_prefix="reaction")
api.add_router("/subscribers/{name}", lanes, tags=["subscribers"], url_name_prefix="subscriber")
