"""The life of a story event: planned, active, then completed or cancelled. Pure functions.

planned ──► active ──► completed
   └───────────┴─────► cancelled
"""

from dataclasses import dataclass
from typing import Literal, get_args

from chat.story.fact_payloads import EventCancelled, EventCompleted, EventStarted, Transition

type Status = Literal["planned", "active", "completed", "cancelled"]
type Change = Literal["event_started", "event_completed", "event_cancelled"]

STATUSES: tuple[Status, ...] = get_args(Status.__value__)

_RESULTS: dict[Change, Status] = {
    "event_started": "active",
    "event_completed": "completed",
    "event_cancelled": "cancelled",
}
_ALLOWED: dict[Status, frozenset[Change]] = {
    "planned": frozenset({"event_started", "event_cancelled"}),
    "active": frozenset({"event_completed", "event_cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
#: What a story event was before a transition, where the log no longer holds one that stands.
_PRIOR_STATUS_MAP: dict[Change, Status] = {
    "event_started": "planned",
    "event_completed": "active",
    "event_cancelled": "active",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The turn that brings something about, by its kind; neither: by hand."""

    assistant_turn: int | None = None
    user_turn: int | None = None

    @property
    def turn(self) -> int | None:
        """The turn, whatever its kind."""
        return self.assistant_turn or self.user_turn


BY_HAND = Cause()


def change_of(transition: Transition) -> Change:
    """The kind of a transition's event."""
    match transition:
        case EventStarted():
            return "event_started"
        case EventCompleted():
            return "event_completed"
        case EventCancelled():
            return "event_cancelled"


def after(status: Status, change: Change) -> Status | None:
    """The status that a change leads to, the same when it is that already; None when it is not allowed."""
    return _RESULTS[change] if change in _ALLOWED[status] or _RESULTS[change] == status else None


def prior(change: Change) -> Status:
    """The status before a change of which nothing else is known."""
    return _PRIOR_STATUS_MAP[change]


def steps(status: Status, wanted: Status) -> tuple[Change, ...]:
    """The changes that lead from one status to another; none when there is no way.

    What is completed while planned was started and completed.
    """
    if status == "planned" and wanted == "completed":
        return ("event_started", "event_completed")
    return tuple(change for change in _ALLOWED[status] if _RESULTS[change] == wanted)


def transitions(story_event: int, *, status: Status, to: Status, cause: Cause = BY_HAND) -> list[Transition]:
    """The events that bring a story event from one status to another; none when that is not allowed."""
    return [_transition(change, story_event, cause) for change in steps(status, to)]


def _transition(change: Change, story_event: int, cause: Cause) -> Transition:
    payloads: dict[Change, type[Transition]] = {
        "event_started": EventStarted,
        "event_completed": EventCompleted,
        "event_cancelled": EventCancelled,
    }
    return payloads[change](
        story_event=story_event,
        triggered_by_assistant_turn_id=cause.assistant_turn,
        triggered_by_user_turn_id=cause.user_turn,
    )
