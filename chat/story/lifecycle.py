"""The life of a story event: planned, active, then completed or cancelled. Pure functions.

planned ──► active ──► completed
   └───────────┴─────► cancelled
"""

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
    """The status that a change leads to; None when it is not allowed."""
    return _RESULTS[change] if change in _ALLOWED[status] else None


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
