"""What is sent to the API and what it answers, as its OpenAPI schema tells."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, StrictInt

from agent.operations.command import Command, presets_of
from agent.operations.dismiss import DismissEvent
from agent.operations.pause import Pause, Resume
from agent.operations.retry import RetryLane
from chat.log.text import LARGEST_NUMBER

type State = Literal["live", "behind", "running", "backing off", "wedged", "paused"]
#: As every door writes it: ISO 8601, to the microsecond.
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


class Sent(Schema):
    """A body; unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")


def preset_for(asks: type[Command]) -> Any:
    """The field of a command's preset."""
    return Field(None, description=f"The kind of reason: {', '.join(presets_of(asks.act))}.")


class Reasoned(Sent):
    """A body with a reason that may be left out."""

    reason: str = Field("", description="Why, for whoever asks later: at most 2,000 characters after trimming.")


class ResumeIn(Reasoned):
    """The end of a pause."""

    preset: str | None = preset_for(Resume)


class RetryIn(Reasoned):
    """A retry."""

    preset: str | None = preset_for(RetryLane)
    preview_token: str | None = Field(None, description="Of the lane as it was looked at.")


class MustSayWhy(Sent):
    """A body with a reason."""

    reason: str = Field(description="Why, for whoever asks later: 1 to 2,000 characters after trimming.")


class PauseIn(MustSayWhy):
    """A pause."""

    preset: str | None = preset_for(Pause)


class DismissIn(MustSayWhy):
    """A dismissal."""

    preset: str | None = preset_for(DismissEvent)
    event_id: StrictInt = Field(description="The event's position in the log.")
    expected_skipped: StrictInt = Field(0, ge=0, description="Events before it that are skipped with it.")
    preview_token: str | None = Field(None, description="Of the preview: then a lane that moved since is refused.")


class PreviewIn(Sent):
    """Which dismissal to preview."""

    event_id: StrictInt = Field(description="The event's position in the log.")


class Sought(Schema):
    """Which decisions are wanted."""

    search: str = Field("", description="In reasons and targets.")
    act: str = ""
    channel: str = ""
    subscriber: str = ""
    stream: str = ""
    since: AwareDatetime | None = Field(None, ge=EARLIEST, le=LATEST)
    until: AwareDatetime | None = Field(None, ge=EARLIEST, le=LATEST)
    before: int | None = Field(None, ge=0, le=LARGEST_NUMBER)
    limit: int = Field(50, ge=1, le=200)


class Decision(Schema):
    """What was decided."""

    decision_id: int
    act: str
    context: str
    choice: str
    decided_at: Moment
    decided_by: str
    channel: str
    target: dict[str, Any]
    preset: str
    reason: str
    inputs: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class Waiting(Schema):
    """An event, without what it says."""

    event_id: int
    kind: str
    recorded_at: Moment


class Tried(Schema):
    """A try at an event."""

    id: int
    event_id: int
    outcome: str
    started_at: Moment
    ended_at: Moment | None
    duration_ms: int | None
    error: str
    message: str
    fingerprint: str
    worker: str
    code_version: str
    note: str


class LaneNow(Schema):
    """How a lane stands."""

    subscriber: str
    stream: str
    position: int
    state: State
    next_event: int | None
    attempts: int
    wedged_reason: str
    fingerprint: str


class Preview(Schema):
    """What a dismissal would do now."""

    lane: LaneNow
    event: Waiting
    cursor_before: int
    cursor_after: int
    skipped: list[Waiting]
    expected_skipped: int
    preview_token: str
    fingerprint: str
    attempts: list[Tried]
    behind: int
    following: list[Waiting]


class Subscriber(Schema):
    """A subscriber over all its lanes."""

    name: str
    kind: Literal["projection", "reaction"]
    state: State
    reads: list[str]
    lanes: int
    behind_events: int
    behind_seconds: float
    backing_off: int
    wedged: int
    paused: int
    paused_at: Moment | None
    paused_by: str
    paused_reason: str
    rebuilding: bool


class Lane(Schema):
    """A lane in a list."""

    id: int
    subscriber: str
    stream: str
    chat: int
    chat_title: str
    state: State
    position: int
    behind: int
    next_event: int | None
    wedged_at: Moment | None
    wedged_reason: str
    fingerprint: str
    paused_by: str


class LaneDetail(Schema):
    """One lane with its trouble."""

    lane: LaneNow
    preview_token: str
    chat: int
    chat_title: str
    due_at: Moment | None
    paused_at: Moment | None
    paused_by: str
    paused_reason: str
    attempts: list[Tried]
    traceback: str
    code_changed: bool
    event: Waiting | None
    payload: dict[str, Any]
    behind: int
    following: list[Waiting]


class Refusal(Schema):
    """Who was refused what."""

    at: Moment
    principal_name: str
    channel: str
    client: str
    act: str
    target: str
    status: int
    problem: str
    detail: str


class Problem(Schema):
    """RFC 9457 problem details; `present` says how the lane stands, `errors` what is wrong with the request."""

    type: str
    title: str
    status: int
    detail: str
    present: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None
