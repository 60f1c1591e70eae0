"""How the subscribers stand: one row a subscriber for operators, one word a lane for players."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Count, F, Q

from agent.models import Attempt, Bookmark, SuspendedEndpoint
from agent.models import Subscriber as Row
from agent.subscriptions import breaker
from agent.subscriptions.base import Reaction, Subscriber
from agent.subscriptions.counting import Lanes, events_ahead, lanes_by_subscriber, recorded_at
from chat.llm.errors import ModelOutputError, ModelTimeoutError
from chat.log.models import Event

type State = Literal["live", "behind", "backing off", "wedged", "paused"]
_NONE = Lanes(lanes=0, backing_off=0, wedged=0, paused=0, reached=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A subscriber over all its lanes; events of its kinds only."""

    name: str
    kind: str
    lanes: int
    behind_events: int
    behind_seconds: float
    backing_off: int
    wedged: int
    paused: int
    #: When the newest event that it has dealt with was recorded.
    read_up_to: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """As `manage.py subscribers --format json` prints it."""
        return asdict(self) | {"read_up_to": self.read_up_to.isoformat() if self.read_up_to else None}


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneStanding:
    """One lane of one chat, as its players see it."""

    name: str
    #: What falls behind with it, in their words.
    keeps: str
    state: State
    behind: int
    #: Since when it has been failing, wedged, paused or suspended; None for live and behind.
    since: datetime | None = None
    #: What is the matter; "" for a wedge, which is an operator's business.
    reason: str = ""


def standings(subscribers: Iterable[Subscriber], *, now: datetime) -> list[Standing]:
    """How each subscriber stands, in the order given; three queries, however many there are."""
    subscribers = list(subscribers)
    lanes, ahead = lanes_by_subscriber(), events_ahead(subscribers)
    positions = [counted["reached"] for counted in lanes.values()] + [oldest for _, oldest in ahead.values()]
    recorded = recorded_at(positions)
    return [
        _standing(one, lanes.get(one.name, _NONE), ahead.get(one.name, (0, 0)), recorded, now=now)
        for one in subscribers
    ]


def lanes_of_chat(reactions: Iterable[Reaction], chat: int) -> list[LaneStanding]:
    """How far each Reaction has read one chat."""
    stream = f"chat-{chat}"
    marks = {
        mark.subscriber_id: mark for mark in Bookmark.objects.filter(stream__name=stream, epoch=F("subscriber__epoch"))
    }
    rows, suspended = Row.objects.in_bulk(), SuspendedEndpoint.objects.in_bulk()
    reactions = list(reactions)
    behind = _behind_in(stream, reactions, marks)
    return [
        _lane(
            reaction,
            rows.get(reaction.name),
            marks.get(reaction.name),
            suspended.get(breaker.endpoint_of(reaction)),
            behind=behind[reaction.name],
        )
        for reaction in reactions
    ]


def _standing(
    subscriber: Subscriber, lanes: Lanes, ahead: tuple[int, int], recorded: Mapping[int, datetime], *, now: datetime
) -> Standing:
    events, oldest = ahead
    behind = (now - recorded[oldest]).total_seconds() if oldest in recorded else 0.0
    return Standing(
        name=subscriber.name,
        kind="reaction" if isinstance(subscriber, Reaction) else "projection",
        lanes=lanes["lanes"],
        behind_events=events,
        behind_seconds=round(max(0.0, behind), 1),
        backing_off=lanes["backing_off"],
        wedged=lanes["wedged"],
        paused=lanes["paused"],
        read_up_to=recorded.get(lanes["reached"]),
    )


def _behind_in(stream: str, reactions: Iterable[Reaction], marks: Mapping[str, Bookmark]) -> dict[str, int]:
    """Events of each Reaction's kinds behind its bookmark; one query."""
    done = {one.name: marks[one.name].position if one.name in marks else 0 for one in reactions}
    events = Event.objects.filter(stream__name=stream, position__gt=min(done.values(), default=0))
    counts: dict[str, int] = events.aggregate(
        **{one.name: Count("position", filter=Q(kind__in=one.kinds, position__gt=done[one.name])) for one in reactions}
    )
    return counts


def _lane(
    reaction: Reaction, row: Row | None, mark: Bookmark | None, suspended: SuspendedEndpoint | None, *, behind: int
) -> LaneStanding:
    state, since, reason = _state(row, mark, suspended, behind=behind)
    keeps = reaction.keeps or reaction.name.replace("_", " ")
    return LaneStanding(name=reaction.name, keeps=keeps, state=state, behind=behind, since=since, reason=reason)


def _state(
    row: Row | None, mark: Bookmark | None, suspended: SuspendedEndpoint | None, *, behind: int
) -> tuple[State, datetime | None, str]:
    if mark is not None and mark.wedged_at is not None:
        return "wedged", mark.wedged_at, ""
    if row is not None and row.paused_at is not None:
        return "paused", row.paused_at, row.paused_reason
    if mark is not None and mark.paused_at is not None:
        return "paused", mark.paused_at, mark.paused_reason
    if not behind:
        return "live", None, ""
    if suspended is not None:
        return "paused", suspended.suspended_at, suspended.reason
    return _failing(mark) if mark is not None and mark.fingerprint else ("behind", None, "")


def _failing(mark: Bookmark) -> tuple[State, datetime | None, str]:
    attempts = mark.attempts.filter(event__gt=mark.position, failure__gt="").order_by("id")
    first, last = attempts.first(), attempts.last()
    if first is None or last is None:
        return "behind", None, ""
    return "backing off", first.started_at, _plainly(last)


def _plainly(attempt: Attempt) -> str:
    """Why a try failed: what models say of themselves, and nothing of what goes on inside of us."""
    if attempt.failure == "output":
        return ModelOutputError.message()
    if attempt.error == TimeoutError.__name__:
        return ModelTimeoutError.message()
    return attempt.message if attempt.error.startswith("Model") else "Something went wrong on our side."
