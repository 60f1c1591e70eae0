"""Retrying: the failures of a lane's next event are forgotten, and it is tried again at once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from agent.models import Bookmark
from agent.operations.command import Command
from agent.operations.lane import (
    Lane,
    LaneConflictError,
    LaneMovedError,
    NoSuchLaneError,
    declared,
    freed,
    lane_of,
    lock_bookmark,
)
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.registry import NoSuchSubscriberError
from agent.subscriptions import interventions


class NothingToRetryError(LaneConflictError):
    """This lane is neither wedged nor backing off: there is nothing to retry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryLane(Command):
    """Try a lane's next event again."""

    act: ClassVar[str] = "retry_lane"
    context: ClassVar[str] = "LaneRetry"
    choice: ClassVar[str] = "LaneRetried"

    subscriber: str
    stream: str
    #: Of `show_lane` or `preview_dismissal`: then a lane that has moved since is refused.
    preview_token: str = ""

    def target(self) -> dict[str, Any]:
        """The lane."""
        return {"subscriber": self.subscriber, "stream": self.stream}


def retry_lane(command: RetryLane, *, by: Operator, after: timedelta = timedelta(0)) -> Decided:
    """Let a wedged lane, or one that backs off, try its next event again, `after` a while.

    NoSuchSubscriberError, NoSuchLaneError (404); NothingToRetryError, LaneMovedError (409); and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            bookmark = lock_bookmark(command.subscriber, command.stream)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            lane = decide(look(command.subscriber, bookmark, by=by), command)
            assert bookmark is not None  # noqa: S101  (without one the decider has refused)
            interventions.retry(bookmark, after=after)
            change = Change(before=lane.as_json(), after=freed(lane).as_json())
            return register(command, change, by=by)


def decide(lane: Lane | None, command: RetryLane) -> Lane:
    """The lane that is to be tried again, or a refusal; no I/O."""
    if lane is None:
        raise NoSuchLaneError
    if command.preview_token and command.preview_token != lane.token:
        raise LaneMovedError(lane)
    if lane.wedged_at is None and lane.state != "backing off":
        raise NothingToRetryError(lane)
    return lane


def look(subscriber: str, bookmark: Bookmark | None, *, by: Operator) -> Lane | None:
    """What the decider is told; NoSuchSubscriberError."""
    of = declared(subscriber)
    if of is None:
        raise NoSuchSubscriberError
    return None if bookmark is None else lane_of(bookmark, of, now=by.at)
