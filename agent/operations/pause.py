"""Pausing and resuming a subscriber, or one lane of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from agent.models import Bookmark
from agent.models import Subscriber as Row
from agent.operations.command import Command
from agent.operations.lane import NoSuchLaneError, declared, lock_bookmark, lock_row
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.registry import NoSuchSubscriberError
from agent.subscriptions import interventions
from chat.errors import ChatError


class AlreadyPausedError(ChatError):
    """It is paused already."""

    status = 409


class NotPausedError(ChatError):
    """It is not paused."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfSubscriber(Command):
    """What a pause and its end are about."""

    subscriber: str
    #: One lane of it; "" for all.
    stream: str = ""

    def target(self) -> dict[str, Any]:
        """The subscriber, or the lane."""
        return {"subscriber": self.subscriber} | ({"stream": self.stream} if self.stream else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause(_OfSubscriber):
    """Claim nothing of it any more."""

    act: ClassVar[str] = "pause_subscriber"
    context: ClassVar[str] = "SubscriberPause"
    choice: ClassVar[str] = "Paused"
    needs_reason: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume(_OfSubscriber):
    """Let it be claimed again."""

    act: ClassVar[str] = "resume_subscriber"
    context: ClassVar[str] = "SubscriberPause"
    choice: ClassVar[str] = "Resumed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Paused:
    """What the deciders are told."""

    #: Whether there is such a subscriber, and, if one was named, such a lane.
    subscriber: bool
    lane: bool
    since: datetime | None = None
    by: str = ""
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """How it stands."""
        if self.since is None:
            return {"paused": False}
        return {"paused": True, "since": self.since.isoformat(), "by": self.by, "reason": self.reason}


def pause(command: Pause, *, by: Operator) -> Decided:
    """Claim nothing of a subscriber, or of one lane, from now on; what runs is finished.

    NoSuchSubscriberError, NoSuchLaneError (404); AlreadyPausedError (409); and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            row = _lock(command)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            before = decide_pause(_look(command, row))
            if row is not None:
                interventions.pause(row, by=by.name, reason=command.reason)
            after = Paused(subscriber=True, lane=True, since=by.at, by=by.name, reason=command.reason)
            return register(command, Change(before=before.as_json(), after=after.as_json()), by=by)


def resume(command: Resume, *, by: Operator) -> Decided:
    """Let a subscriber, or one lane of it, be claimed again; errors as in `pause`, and NotPausedError (409)."""
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            row = _lock(command)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            before = decide_resume(_look(command, row))
            if row is not None:
                interventions.resume(row)
            return register(command, Change(before=before.as_json(), after={"paused": False}), by=by)


def decide_pause(found: Paused) -> Paused:
    """How it stood before, or a refusal; no I/O."""
    if _there(found).since is not None:
        raise AlreadyPausedError
    return found


def decide_resume(found: Paused) -> Paused:
    """How it stood before, or a refusal; no I/O."""
    if _there(found).since is None:
        raise NotPausedError
    return found


def _there(found: Paused) -> Paused:
    if not found.subscriber:
        raise NoSuchSubscriberError
    if not found.lane:
        raise NoSuchLaneError
    return found


def _lock(command: _OfSubscriber) -> Row | Bookmark | None:
    if command.stream:
        return lock_bookmark(command.subscriber, command.stream)
    return lock_row(command.subscriber)


def _look(command: _OfSubscriber, row: Row | Bookmark | None) -> Paused:
    known = declared(command.subscriber) is not None
    if row is None:
        # Not registered by any worker yet: as if it were not there.
        return Paused(subscriber=known and bool(command.stream), lane=False)
    return Paused(subscriber=known, lane=True, since=row.paused_at, by=row.paused_by, reason=row.paused_reason)
