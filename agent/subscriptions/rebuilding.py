"""Rebuilding a Projection while it serves: the next epoch is written beside the one in use, then they switch."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction

from agent.models import Bookmark
from agent.models import Subscriber as Row
from agent.subscriptions import projector, seeding
from agent.subscriptions.base import Projection
from chat.errors import ChatError

logger = logging.getLogger(__name__)

#: Threads that write a rebuild, each on a connection of its own.
WRITERS = 2


class RebuildFailedError(ChatError):
    """The rebuild met an event that cannot be applied; the rows in use stay as they are."""


def rebuild(
    projection: Projection, *, batch_size: int | None = None, told: Callable[[int], None] = lambda _: None
) -> int:
    """Write the Projection's rows anew from the log and switch to them; how many events were read.

    Readers see the old rows until the new ones are complete. What a rebuild that was cut short left is removed
    first. `told` is called with the number of events after each round. Raises RebuildFailedError.
    """
    seeding.register([projection])
    return carry_out(projection, begin(projection), batch_size=batch_size, told=told)


def begin(projection: Projection) -> int:
    """Choose the epoch that a rebuild writes, and say in the row that it does; to be followed by `carry_out`."""
    with transaction.atomic():
        row = Row.objects.select_for_update().get(name=projection.name)
        left, epoch = row.rebuilding, max(row.epoch, row.rebuilding or 0) + 1
        row.rebuilding = epoch
        row.save(update_fields=["rebuilding"])
        if left is not None:
            _remove(projection, left)
    return epoch


def carry_out(
    projection: Projection,
    epoch: int,
    *,
    batch_size: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the epoch that was begun, and switch to it; as `rebuild`."""
    seeding.begin_epoch(projection, epoch)
    applied = _write_side_by_side(projection, epoch, batch_size)
    told(applied)
    # What came meanwhile; lanes with nothing of its kinds are moved on by the same look.
    seeding.notice([projection])
    applied += projector.work_off(projection, pace=projector.pace_of(projection, batch_size), epoch=epoch)
    if Bookmark.objects.filter(subscriber=projection.name, epoch=epoch, wedged_at__isnull=False).exists():
        raise RebuildFailedError
    before = _switch(projection, epoch)
    _remove(projection, before)
    seeding.notice([projection])
    return applied


def _write_side_by_side(projection: Projection, epoch: int, batch_size: int | None) -> int:
    """Work off different lanes in a few threads; how many events. While one waits for the database, another reads."""

    def work(_: int) -> int:
        try:
            return projector.work_off(projection, pace=projector.pace_of(projection, batch_size), epoch=epoch)
        finally:
            connection.close()

    # SQLite has one writer.
    writers = 1 if connection.vendor == "sqlite" else WRITERS
    with ThreadPoolExecutor(writers, thread_name_prefix="rebuild") as threads:
        return sum(threads.map(work, range(writers)))


def _switch(projection: Projection, epoch: int) -> int:
    with transaction.atomic():
        row = Row.objects.select_for_update().get(name=projection.name)
        if row.rebuilding != epoch:
            # Another rebuild was begun meanwhile, and has removed what this one wrote.
            raise RebuildFailedError
        before, row.epoch, row.rebuilding = row.epoch, epoch, None
        row.save(update_fields=["epoch", "rebuilding"])
    logger.info("%s: epoch %d is in use", projection.name, epoch)
    return before


def _remove(projection: Projection, epoch: int) -> None:
    with transaction.atomic():
        Bookmark.objects.filter(subscriber=projection.name, epoch=epoch).delete()
        projection.clear(epoch=epoch)
