"""Dismissing: a Reaction is spared an event, for a reason; its lane goes on with the next one at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from agent.models import Bookmark
from agent.operations.command import Command
from agent.operations.lane import (
    Declared,
    Lane,
    LaneConflictError,
    LaneMovedError,
    NoSuchLaneError,
    declared,
    freed,
    lane_of,
    lock_bookmark,
    pending,
)
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.registry import NoSuchSubscriberError
from agent.subscriptions import interventions
from chat.errors import ChatError
from chat.log.models import Event
from chat.log.text import LARGEST_NUMBER

#: Events that one dismissal may skip: more than that is no dismissal.
MOST_SKIPPED = 500


class ProjectionError(ChatError):
    """A projection has nothing to dismiss: it is rebuilt."""

    status = 404


class NoSuchEventError(ChatError):
    """There is no such event."""

    status = 404


class KindNotReadError(ChatError):
    """This Reaction does not read events of that kind."""

    status = 404


class EventPassedError(LaneConflictError):
    """The lane has dealt with this event already: it is at or behind the bookmark."""


class OtherSkippedError(LaneConflictError):
    """Not as many events as you said lie between the bookmark and this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DismissEvent(Command):
    """Spare a Reaction an event."""

    act: ClassVar[str] = "dismiss_event"
    context: ClassVar[str] = "ReactionDismissal"
    choice: ClassVar[str] = "EventDismissed"
    needs_reason: ClassVar[bool] = True

    reaction: str
    event_id: int
    #: Events between the bookmark and this one that are skipped with it.
    expected_skipped: int = 0
    #: Of `preview_dismissal`: then a lane that has moved since is refused.
    preview_token: str = ""

    def target(self) -> dict[str, Any]:
        """The lane and the event."""
        return {"subscriber": self.reaction, "event": self.event_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the decider is told: None for what is not there."""

    reaction: Declared | None
    lane: Lane | None
    #: The kind of the event.
    kind: str | None
    #: Positions of the events of its kinds up to the event.
    pending: tuple[int, ...] = ()
    #: Of the first of its kinds behind the event.
    following: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dismissal:
    """What is to be done: skip these, the event itself last."""

    lane: Lane
    skipped: tuple[int, ...]
    #: How the lane then stands.
    after: Lane


def dismiss_event(command: DismissEvent, *, by: Operator) -> Decided:
    """Move the lane's bookmark past the event, and register the Decision in the same commit.

    Refused as the design's table says: NoReasonError, ReasonTooLongError (400); NotPermittedError (403);
    NoSuchSubscriberError, ProjectionError, NoSuchLaneError, NoSuchEventError, KindNotReadError (404);
    EventPassedError, LaneMovedError, OtherSkippedError (409); KeyReusedError (422); LaneLockedError,
    NoBookmarksError, DatabaseAwayError (503). Nothing changes on a refusal.
    """
    with performing(command, by=by):
        command = command.checked()
        event = find_event(command.event_id)
        with short_transaction():
            bookmark = None if event is None else lock_bookmark(command.reaction, event.stream.name)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            dismissal = decide(look(command.reaction, bookmark, event, now=by.at), command)
            return _carry_out(dismissal, command, bookmark, by=by)


def decide(found: Found, command: DismissEvent) -> Dismissal:
    """What is to be skipped, or a refusal; no I/O."""
    lane, skipped = would_skip(found, command.event_id)
    if command.preview_token and command.preview_token != lane.token:
        raise LaneMovedError(lane)
    if len(skipped) - 1 != command.expected_skipped:
        raise OtherSkippedError(lane)
    after = freed(lane, position=command.event_id, next_event=found.following, attempts=0)
    return Dismissal(lane=lane, skipped=skipped, after=after)


def would_skip(found: Found, event_id: int) -> tuple[Lane, tuple[int, ...]]:
    """The lane, and what a dismissal of that event would skip, the event itself last; no I/O."""
    reader_of(found.kind, found.reaction)
    if found.lane is None:
        raise NoSuchLaneError
    if event_id <= found.lane.position:
        raise EventPassedError(found.lane)
    if len(found.pending) > MOST_SKIPPED or found.pending[-1:] != (event_id,):
        raise OtherSkippedError(found.lane)
    return found.lane, found.pending


def reader_of(kind: str | None, reaction: Declared | None) -> Declared:
    """The Reaction, if there is one and it reads events of that kind (None: there is no such event); no I/O."""
    if reaction is None:
        raise NoSuchSubscriberError
    if reaction.kind == "projection":
        raise ProjectionError
    if kind is None:
        raise NoSuchEventError
    if kind not in reaction.reads:
        raise KindNotReadError
    return reaction


def find_event(event_id: int) -> Event | None:
    """The event at a position, with its stream; None when there is none."""
    if not 0 < event_id <= LARGEST_NUMBER:
        return None
    return Event.objects.select_related("stream").filter(position=event_id).first()


def look(reaction: str, bookmark: Bookmark | None, event: Event | None, *, now: datetime) -> Found:
    """What the decider is told."""
    of = declared(reaction)
    if of is None or event is None or bookmark is None:
        return Found(reaction=of, lane=None, kind=event.kind if event else None)
    ahead = pending(bookmark, of.reads, up_to=event.position, limit=MOST_SKIPPED + 1)
    lane = lane_of(bookmark, of, now=now)
    behind = Event.objects.filter(stream=event.stream, position__gt=event.position, kind__in=of.reads)
    return Found(
        reaction=of,
        lane=lane,
        kind=event.kind,
        pending=tuple(one.position for one in ahead),
        following=behind.order_by("position").values_list("position", flat=True).first(),
    )


def _carry_out(dismissal: Dismissal, command: DismissEvent, bookmark: Bookmark | None, *, by: Operator) -> Decided:
    assert bookmark is not None  # noqa: S101  (without one the decider has refused)
    lane, skipped = dismissal.lane, list(dismissal.skipped)
    inputs: dict[str, Any] = {
        "subscriber": lane.subscriber,
        "stream": lane.stream,
        "event": command.event_id,
        "cursor_before": lane.position,
        "cursor_after": command.event_id,
        "skipped": skipped,
        "fingerprint": lane.fingerprint,
        "attempts": lane.attempts,
    }
    after = dismissal.after.as_json()
    change = Change(before=lane.as_json(), after=after, inputs=inputs, target={"stream": lane.stream})
    decided = register(command, change, by=by)
    interventions.pass_over(bookmark, skipped, decision=decided.decision_id)
    return decided
