"""Rebuilding a projection: its rows are written anew from the log beside those in use, then they switch."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from agent import registry, tasks
from agent.models import Subscriber as Row
from agent.operations.command import Command
from agent.operations.lane import Declared, declared, lock_row
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.registry import NoSuchSubscriberError
from agent.subscriptions import rebuilding
from chat.errors import ChatError

logger = logging.getLogger(__name__)


class NoProjectionError(ChatError):
    """Only projections are rebuilt: a Reaction acts once."""

    status = 404


class RebuildUnderWayError(ChatError):
    """A rebuild is under way. If it was cut short, begin it again with `restart`."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuildProjection(Command):
    """Write a projection's rows anew."""

    act: ClassVar[str] = "rebuild_projection"
    context: ClassVar[str] = "ProjectionRebuild"
    choice: ClassVar[str] = "RebuildBegun"
    needs_reason: ClassVar[bool] = True

    projection: str
    #: Also when one is under way: what that one wrote is thrown away.
    restart: bool = False

    def target(self) -> dict[str, Any]:
        """The projection."""
        return {"subscriber": self.projection}


def rebuild_projection(command: RebuildProjection, *, by: Operator, here: bool) -> Decided:
    """Begin a rebuild and register it in one commit; then carry it out `here`, or in a worker for projections.

    NoSuchSubscriberError, NoProjectionError (404); RebuildUnderWayError (409); RebuildFailedError (500) when it was
    carried out here and met an event that cannot be applied; and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            row = lock_row(command.projection)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            decide(declared(command.projection), _epochs(row), command)
            projection = registry.projection(command.projection)
            epoch = rebuilding.begin(projection)
            change = Change(before=_epochs(row) or {}, after={"rebuilding": epoch})
            decided = register(command, change, by=by)
            if not here:
                transaction.on_commit(partial(_send, projection.name, epoch), robust=True)
    if here:
        rebuilding.carry_out(projection, epoch)
    return decided


def decide(of: Declared | None, epochs: dict[str, Any] | None, command: RebuildProjection) -> None:
    """Whether it may be rebuilt; no I/O."""
    if of is None:
        raise NoSuchSubscriberError
    if of.kind != "projection":
        raise NoProjectionError
    if epochs is None:
        raise NoSuchSubscriberError
    if epochs["rebuilding"] is not None and not command.restart:
        raise RebuildUnderWayError


def _epochs(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {"epoch": row.epoch, "rebuilding": row.rebuilding}


def _send(projection: str, epoch: int) -> None:
    try:
        tasks.rebuild.apply_async((projection, epoch), queue="projections", retry=False, ignore_result=True)
    except (BrokerError, OSError) as error:
        logger.error("the broker took no rebuild of %s: begin it again with restart (%s)", projection, error)  # noqa: TRY400
