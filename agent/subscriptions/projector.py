"""The projector: hands Projections their events in batches over several lanes; rows and bookmarks move together."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from agent.models import Bookmark
from agent.subscriptions import due, lanes, retry, sql
from agent.subscriptions.base import Projection
from agent.subscriptions.due import ProjectionLane
from chat.database import AWAY
from chat.log.models import Event
from chat.rows import columns, select

logger = logging.getLogger(__name__)

#: On SQLite a batch holds the only write lock: a player's turn must not wait longer for it.
SQLITE_SECONDS = 0.02
#: Lanes looked at for one batch.
MOST_LANES = 64

_PENDING = """
WITH lane (stream_id, since, head) AS (VALUES {lanes})
SELECT {columns} FROM lane JOIN chat_event e
  ON e.stream_id = lane.stream_id AND e.position > lane.since AND e.position <= lane.head
WHERE e.kind IN ({kinds}) ORDER BY e.stream_id, e.position LIMIT %(limit)s"""
_MOVE = """
WITH moved (id, position, at_head) AS (VALUES {moves})
UPDATE agent_bookmark SET position = moved.position, due_at = CASE WHEN moved.at_head = 1 THEN NULL ELSE due_at END
FROM moved WHERE agent_bookmark.id = moved.id"""


class LaneFailedError(Exception):
    """Some event of the batch could not be applied."""


@dataclass(slots=True)
class Pace:
    """How many events a batch may have: fewer where batches take long; with a pause between them on SQLite."""

    size: int
    most: int
    seconds: float | None = None
    pause: Callable[[float], None] = time.sleep

    def note(self, took: float) -> None:
        """Learn from how long a batch took, and rest."""
        if self.seconds is None:
            return
        if took > self.seconds:
            self.size = max(1, int(self.size * self.seconds / took))
        else:
            self.size = min(self.most, self.size + max(1, self.size // 4))
        self.pause(max(took, self.seconds / 4))


@dataclass(slots=True)
class Batch:
    """What is handed over at once, and where the bookmarks stand afterwards."""

    events: list[Event] = field(default_factory=list)
    #: Bookmarks, their new positions, and whether those are the heads.
    moves: list[tuple[int, int, bool]] = field(default_factory=list)


def pace_of(projection: Projection, size: int | None = None) -> Pace:
    """The pace of a database: SQLite's begins small."""
    most = size or projection.batch_size
    if connection.vendor == "sqlite":
        return Pace(size=min(most, 20), most=most, seconds=SQLITE_SECONDS)
    return Pace(size=most, most=most)


def work_off(
    projection: Projection,
    *,
    pace: Pace | None = None,
    epoch: int | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Apply what is due until nothing is; how many events. `epoch`: the one in use, unless a rebuild says another."""
    pace = pace or pace_of(projection)
    applied = 0
    while not stopping():
        began = time.perf_counter()
        found = step(projection, pace.size, epoch=epoch)
        if found is None:
            break
        applied += found
        pace.note(time.perf_counter() - began)
    return applied


def step(projection: Projection, size: int, *, epoch: int | None = None) -> int | None:
    """One batch of at most `size` events; how many, None when no lane was due."""
    try:
        with transaction.atomic():
            held = due.hold_lanes(projection, epoch=epoch, limit=min(size, MOST_LANES))
            if not held:
                return None
            batch = _gather(projection, held, size)
            _apply(projection, batch.events, held[0].epoch)
            _move(batch)
    except LaneFailedError as error:
        logger.info("%s: a batch failed (%r); replaying it lane by lane", projection.name, error.__cause__)
        return sum(_replay(projection, lane, size) for lane in held)
    return len(batch.events)


def _gather(projection: Projection, held: Sequence[ProjectionLane], size: int) -> Batch:
    """The next events of as many of these lanes as fit, whole lanes but for the last one.

    One query for one lane, then two, then four: a long lane fills a batch alone, many short ones take few queries.
    """
    batch, at, number = Batch(), 0, 1
    while at < len(held) and (room := size - len(batch.events)) > 0:
        chunk = held[at : at + number]
        _deal_out(batch, chunk, _pending(projection, chunk, room), room)
        at, number = at + number, number * 2
    return batch


def _pending(projection: Projection, chunk: Sequence[ProjectionLane], limit: int) -> list[Event]:
    bounds = [bound for lane in chunk for bound in (lane.stream.pk, lane.position, lane.stream.head)]
    lanes_, of_lanes = sql.named("lane", bounds, by=3)
    kinds, of_kinds = sql.named("kind", projection.kinds)
    statement = _PENDING.format(columns=columns(Event, "e"), lanes=lanes_, kinds=kinds)
    return select(Event, statement, {**of_lanes, **of_kinds, "limit": limit})


def _deal_out(batch: Batch, chunk: Sequence[ProjectionLane], events: list[Event], room: int) -> None:
    streams = {lane.stream.pk: lane.stream for lane in chunk}
    stream: Any = Event.stream.field
    for event in events:
        # As `event.stream = …` would, without its looks at what is the same for all of them.
        stream.set_cached_value(event, streams[event.stream_id])
    batch.events += events
    last = events[-1] if len(events) == room else None
    for lane in chunk:
        if last is None or lane.stream.pk < last.stream_id:
            batch.moves.append((lane.bookmark, lane.stream.head, True))
        elif lane.stream.pk == last.stream_id:
            batch.moves.append((lane.bookmark, last.position, False))


def _apply(projection: Projection, events: Sequence[Event], epoch: int) -> None:
    if not events:
        return
    try:
        with transaction.atomic():
            projection.apply(events, epoch=epoch)
    except AWAY:
        # The database's trouble, not the events'.
        raise
    except Exception as error:
        raise LaneFailedError from error


def _move(batch: Batch) -> None:
    values = [value for bookmark, position, at_head in batch.moves for value in (bookmark, position, int(at_head))]
    moves, parameters = sql.named("move", values, by=3)
    sql.execute(_MOVE.format(moves=moves), parameters)


def _replay(projection: Projection, failed: ProjectionLane, size: int) -> int:
    """Apply one lane's part of a failed batch event by event; the lane wedges before the one that fails."""
    applied = 0
    with transaction.atomic():
        for lane in due.hold_lanes(projection, epoch=failed.epoch, limit=1, only=failed.bookmark):
            batch = _gather(projection, [lane], size)
            for event in batch.events:
                try:
                    _apply(projection, [event], lane.epoch)
                except LaneFailedError as error:
                    _wedge(lane, event, error.__cause__ or error)
                    return applied
                Bookmark.objects.filter(id=lane.bookmark).update(position=event.position)
                applied += 1
            _move(batch)
    return applied


def _wedge(lane: ProjectionLane, event: Event, error: BaseException) -> None:
    bookmark = Bookmark.objects.select_related("stream").get(id=lane.bookmark)
    lanes.wedge(bookmark, event=event.position, failure=retry.failure_of(error), worker="projector")
