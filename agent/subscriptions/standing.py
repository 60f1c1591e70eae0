"""How the subscribers stand: one row a subscriber for operators, one word a lane for players."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from agent.models import Bookmark, SuspendedEndpoint
from agent.models import Subscriber as Row
from agent.subscriptions import breaker, sql
from agent.subscriptions.base import Reaction, Subscriber
from chat.log.models import Event

_NONE = {"lanes": 0, "backing_off": 0, "wedged": 0, "paused": 0}
_BEHIND = """
SELECT b.subscriber_id, count(*), min(e.position) FROM agent_bookmark b
JOIN agent_subscriber r ON r.name = b.subscriber_id AND r.epoch = b.epoch
JOIN chat_stream s ON s.id = b.stream_id AND s.head > b.position
JOIN chat_event e ON e.stream_id = b.stream_id AND e.position > b.position
WHERE {theirs} GROUP BY b.subscriber_id"""

type State = Literal["live", "behind", "backing off", "wedged", "paused"]


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

    def as_json(self) -> dict[str, Any]:
        """As `manage.py subscribers --format json` prints it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneStanding:
    """One lane of one chat."""

    name: str
    state: State
    behind: int
    #: Since when it has been failing, wedged, paused or suspended; None for live and behind.
    since: datetime | None = None
    #: What is the matter, for people.
    reason: str = ""


def standings(subscribers: Sequence[Subscriber], *, now: datetime) -> list[Standing]:
    """How each subscriber stands, in the order given; a few statements, however many subscribers there are."""
    rows, counts, behind = Row.objects.in_bulk(), _counts(), _behind(subscribers)
    return [
        _standing(one, rows.get(one.name), counts.get(one.name, _NONE), behind.get(one.name, (0, None)), now)
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
    subscriber: Subscriber,
    row: Row | None,
    counts: Mapping[str, int],
    behind: tuple[int, datetime | None],
    now: datetime,
) -> Standing:
    events, oldest = behind
    all_paused = row is not None and row.paused_at is not None
    return Standing(
        name=subscriber.name,
        kind="reaction" if isinstance(subscriber, Reaction) else "projection",
        lanes=counts["lanes"],
        behind_events=events,
        behind_seconds=round(max(0.0, (now - oldest).total_seconds()), 1) if oldest else 0.0,
        backing_off=counts["backing_off"],
        wedged=counts["wedged"],
        paused=counts["lanes"] if all_paused else counts["paused"],
    )


def _counts() -> dict[str, dict[str, int]]:
    """Lanes in use by subscriber: all, and those in trouble."""
    counted: Iterable[Mapping[str, Any]] = (
        Bookmark.objects.filter(epoch=F("subscriber__epoch"))
        .values("subscriber_id")
        .annotate(
            lanes=Count("id"),
            backing_off=Count("id", filter=Q(due_at__gt=Now(), wedged_at=None, paused_at=None)),
            wedged=Count("id", filter=Q(wedged_at__isnull=False)),
            paused=Count("id", filter=Q(paused_at__isnull=False)),
        )
    )
    return {one["subscriber_id"]: {name: one[name] for name in _NONE} for one in counted}


def _behind(subscribers: Sequence[Subscriber]) -> dict[str, tuple[int, datetime | None]]:
    """By subscriber: events of its kinds behind the bookmarks of all lanes, and when the oldest was recorded."""
    theirs: list[str] = []
    parameters: dict[str, Any] = {}
    for number, subscriber in enumerate(subscribers):
        kinds, named = sql.named(f"kind_{number}_", subscriber.kinds)
        parameters |= {**named, f"name_{number}": subscriber.name}
        theirs.append(f"(b.subscriber_id = %(name_{number})s AND e.kind IN ({kinds}))")
    found = sql.rows(_BEHIND.format(theirs=" OR ".join(theirs)), parameters) if theirs else []
    oldest = Event.objects.filter(position__in=[position for _, _, position in found])
    recorded_at = dict(oldest.values_list("position", "recorded_at"))
    return {name: (events, recorded_at.get(position)) for name, events, position in found}


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
    return LaneStanding(name=reaction.name, state=state, behind=behind, since=since, reason=reason)


def _state(
    row: Row | None, mark: Bookmark | None, suspended: SuspendedEndpoint | None, *, behind: int
) -> tuple[State, datetime | None, str]:
    if mark is not None and mark.wedged_at is not None:
        return "wedged", mark.wedged_at, mark.wedged_reason
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
    return "backing off", first.started_at, last.message or last.error
