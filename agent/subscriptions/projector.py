"""The projector: hands Projections their events in batches over several lanes; rows and bookmarks move together."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models.functions import Now

from agent.models import Bookmark
from agent.models import Subscriber as Row
from agent.subscriptions import lanes, retry
from agent.subscriptions.base import Projection
from chat.log.models import Event

logger = logging.getLogger(__name__)

#: On SQLite a batch holds the only write lock: a player's turn must not wait longer for it.
SQLITE_SECONDS = 0.02
#: Lanes looked at for one batch.
MOST_LANES = 64


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
    #: By bookmark: its new position, and whether that is the head.
    moves: list[tuple[Bookmark, int, bool]] = field(default_factory=list)


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
    row = Row.objects.filter(name=projection.name).first()
    if row is None or (row.paused_at is not None and epoch is None):
        return None
    epoch = row.epoch if epoch is None else epoch
    try:
        with transaction.atomic():
            due = _lock_due(projection, epoch, limit=MOST_LANES)
            if not due:
                return None
            batch = _gather(projection, due, size)
            _apply(projection, batch, epoch)
            _move(batch)
    except LaneFailedError as error:
        logger.info("%s: a batch failed (%r); replaying it lane by lane", projection.name, error.__cause__)
        return sum(_replay(projection, bookmark, size, epoch) for bookmark in due)
    return len(batch.events)


def _lock_due(projection: Projection, epoch: int, *, limit: int, only: int | None = None) -> list[Bookmark]:
    due = Bookmark.objects.filter(
        subscriber=projection.name, epoch=epoch, due_at__lte=Now(), wedged_at=None, paused_at=None
    )
    if only is not None:
        due = due.filter(id=only)
    locked = due.select_for_update(of=("self",), skip_locked=True, no_key=True)
    return list(locked.select_related("stream").order_by("id")[:limit])


def _gather(projection: Projection, due: Sequence[Bookmark], size: int) -> Batch:
    """The next events of as many of these lanes as fit, whole lanes but for the last one.

    One query for one lane, then two, then four: a long lane fills a batch alone, many short ones take few queries.
    """
    batch, at, number = Batch(), 0, 1
    while at < len(due) and (room := size - len(batch.events)) > 0:
        chunk = sorted(due[at : at + number], key=lambda bookmark: bookmark.stream_id)
        events = list(_pending(projection, chunk)[:room])
        full = len(events) == room
        _deal_out(batch, chunk, events, full=full)
        at, number = at + number, number * 2
    return batch


def _pending(projection: Projection, chunk: Sequence[Bookmark]) -> models.QuerySet[Event]:
    of_any = models.Q()
    for mark in chunk:
        of_any |= models.Q(stream_id=mark.stream_id, position__gt=mark.position, position__lte=mark.stream.head)
    return Event.objects.filter(of_any, kind__in=projection.kinds).order_by("stream_id", "position")


def _deal_out(batch: Batch, chunk: Sequence[Bookmark], events: list[Event], *, full: bool) -> None:
    streams = {mark.stream_id: mark.stream for mark in chunk}
    for event in events:
        event.stream = streams[event.stream_id]
    batch.events += events
    last = events[-1] if full else None
    for mark in chunk:
        if last is None or mark.stream_id < last.stream_id:
            batch.moves.append((mark, mark.stream.head, True))
        elif mark.stream_id == last.stream_id:
            batch.moves.append((mark, last.position, False))


def _apply(projection: Projection, batch: Batch, epoch: int) -> None:
    if not batch.events:
        return
    try:
        with transaction.atomic():
            projection.apply(batch.events, epoch=epoch)
    except (OperationalError, InterfaceError):
        # The database's trouble, not the events'.
        raise
    except Exception as error:
        raise LaneFailedError from error


def _move(batch: Batch) -> None:
    for mark, position, at_head in batch.moves:
        mark.position = position
        mark.due_at = None if at_head else mark.due_at
    Bookmark.objects.bulk_update([mark for mark, _, _ in batch.moves], ["position", "due_at"])


def _replay(projection: Projection, bookmark: Bookmark, size: int, epoch: int) -> int:
    """Apply one lane's part of a failed batch event by event; the lane wedges before the one that fails."""
    applied = 0
    with transaction.atomic():
        for mark in _lock_due(projection, epoch, limit=1, only=bookmark.pk):
            batch = _gather(projection, [mark], size)
            for event in batch.events:
                try:
                    _apply(projection, Batch([event]), epoch)
                except LaneFailedError as error:
                    _wedge(mark, event, error.__cause__ or error)
                    return applied
                mark.position = event.position
                Bookmark.objects.filter(id=mark.pk).update(position=event.position)
                applied += 1
            _move(batch)
    return applied


def _wedge(mark: Bookmark, event: Event, error: BaseException) -> None:
    lanes.wedge(mark, event=event.position, failure=retry.failure_of(error), worker="projector")
