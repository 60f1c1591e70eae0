"""What operators are shown: subscribers, lanes, events and tries as plain values, the same through every door."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from agent.desk_models import Refusal
from agent.models import Attempt
from agent.operations.lane import Lane, State
from agent.subscriptions.standing import Standing
from chat.log.models import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An event as a list shows it: not what it says."""

    event_id: int
    kind: str
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A try, as a list shows it."""

    id: int
    event_id: int
    outcome: str
    started_at: datetime
    ended_at: datetime | None
    duration_ms: int | None
    error: str
    message: str
    fingerprint: str
    worker: str
    code_version: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriberView:
    """A subscriber over all its lanes."""

    standing: Standing
    state: State
    reads: tuple[str, ...]
    paused_at: datetime | None
    paused_by: str
    paused_reason: str
    rebuilding: bool

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        said = as_json_values({name: getattr(self, name) for name in self.__slots__ if name != "standing"})
        return {**self.standing.as_json(), **said}


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneView:
    """A lane in a list."""

    #: Where the next page begins (`after`).
    id: int
    subscriber: str
    stream: str
    chat: int
    chat_title: str
    state: State
    position: int
    behind: int
    next_event: int | None
    wedged_at: datetime | None
    wedged_reason: str
    fingerprint: str
    paused_by: str

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        said: dict[str, Any] = as_json_values(asdict(self))
        return said


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneDetail:
    """One lane with its trouble."""

    lane: Lane
    chat: int
    chat_title: str
    #: When it is tried again by itself; None when it is not.
    due_at: datetime | None
    paused_at: datetime | None
    paused_by: str
    paused_reason: str
    #: Tries at the next event, the newest first.
    attempts: tuple[Tried, ...]
    #: Of the newest of them.
    traceback: str
    #: Whether the code is another since that one.
    code_changed: bool
    event: Waiting | None
    #: What the next event says; its texts are masked unless they were asked for.
    payload: dict[str, Any]
    #: What waits behind the next event: how many, and the first of them.
    behind: int
    following: tuple[Waiting, ...]

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        said: dict[str, Any] = as_json_values({name: _plain(getattr(self, name)) for name in self.__slots__})
        return said | {"lane": self.lane.as_json(), "preview_token": self.lane.token}


def waiting(event: Event) -> Waiting:
    """An event without what it says."""
    return Waiting(event_id=event.position, kind=event.kind, recorded_at=event.recorded_at)


def tried(attempt: Attempt) -> Tried:
    """A try, as a list shows it."""
    said = {name: getattr(attempt, name) for name in Tried.__dataclass_fields__ if name != "event_id"}
    return Tried(**said, event_id=attempt.event)


def as_json_values(value: Any) -> Any:
    """Dates as text, tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: as_json_values(item) for name, item in value.items()}
    return [as_json_values(item) for item in value] if isinstance(value, list | tuple) else value


def refused(refusal: Refusal) -> dict[str, Any]:
    """A refusal, as every door shows it."""
    names = ("at", "principal_name", "channel", "client", "act", "target", "status", "problem", "detail")
    said: dict[str, Any] = as_json_values({name: getattr(refusal, name) for name in names})
    return said


def masked(value: Any) -> Any:
    """JSON values with every text but short words of ours (kinds, states) told by its length alone."""
    if isinstance(value, str):
        return f"({len(value)} characters)" if value else ""
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Waiting | Tried):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
