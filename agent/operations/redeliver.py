"""Redelivering: a dismissal is taken back, by having the Reaction deal with that one event late."""

import os
import socket
from dataclasses import dataclass
from typing import Any, ClassVar

from agent import registry
from agent.models import Attempt, Bookmark
from agent.operations.command import Command
from agent.operations.dismiss import find_event, reader_of
from agent.operations.lane import Declared, NoSuchLaneError, State, declared, lock_bookmark, state_of
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.subscriptions import interventions, late
from agent.subscriptions.history import End
from agent.subscriptions.lanes import Claim
from chat.errors import ChatError
from chat.log.models import Event
from chat.story.models import Turn


class TooLateError(ChatError):
    """This Reaction does not accept late events: what came after has been read without it."""

    status = 409


class NotDismissedError(ChatError):
    """This event was not dismissed for this Reaction, or has been redelivered since."""

    status = 409


class LaneAtWorkError(ChatError):
    """The lane is at work just now. Pause it, or try again in a moment."""

    status = 409


class TurnGoneError(ChatError):
    """The turn was superseded: there is nothing left to react to."""

    status = 409


class AnswerOutdatedError(ChatError):
    """The Reaction's answer rests on another turn, which was superseded meanwhile. Try again."""

    status = 409


class FailedAgainError(ChatError):
    """The Reaction failed at it again."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeliverEvent(Command):
    """Have a Reaction deal with an event that it was spared."""

    act: ClassVar[str] = "redeliver_event"
    context: ClassVar[str] = "ReactionRedelivery"
    choice: ClassVar[str] = "EventRedelivered"
    needs_reason: ClassVar[bool] = True

    reaction: str
    event_id: int

    def target(self) -> dict[str, Any]:
        """The lane and the event."""
        return {"subscriber": self.reaction, "event": self.event_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the decider is told: None for what is not there."""

    reaction: Declared | None
    kind: str | None
    lane: State | None
    dismissed: bool = False
    #: Whether the event is a turn that no longer stands.
    superseded: bool = False


def redeliver_event(command: RedeliverEvent, *, by: Operator) -> Decided:
    """Run the Reaction for that one event, late; its effect and the Decision are one commit.

    The lane is held meanwhile, for as long as the Reaction may take; no transaction is open while it asks a model.
    ProjectionError, NoSuchSubscriberError, NoSuchLaneError, NoSuchEventError, KindNotReadError (404);
    TooLateError, NotDismissedError, LaneAtWorkError, TurnGoneError, AnswerOutdatedError, FailedAgainError (409); and as
    every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        held = _hold(command, by)
        if isinstance(held, Decided):
            return held
        try:
            outcome = late.ask(registry.reaction(command.reaction), held)
        except Exception as error:
            failure = late.fail(held, error)
            raise FailedAgainError(f"The Reaction failed at it again: {failure.message or failure.error}") from error
        with short_transaction():
            end = late.settle(held, outcome)
            decided = None if end.outcome == Attempt.Outcome.DISCARDED else _register(command, held, end, by)
        if decided is None:
            raise TurnGoneError if _is_gone(held.event) else AnswerOutdatedError
        return decided


def decide(found: Found) -> None:
    """Whether it may be redelivered; no I/O."""
    reaction = reader_of(found.kind, found.reaction)
    if found.lane is None:
        raise NoSuchLaneError
    if not reaction.accepts_late:
        raise TooLateError
    if not found.dismissed:
        raise NotDismissedError
    if found.superseded:
        raise TurnGoneError
    if found.lane == "running":
        raise LaneAtWorkError


def _hold(command: RedeliverEvent, by: Operator) -> Claim | Decided:
    event = find_event(command.event_id)
    with short_transaction():
        bookmark = None if event is None else lock_bookmark(command.reaction, event.stream.name)
        if (earlier := earlier_answer(command, by=by)) is not None:
            return earlier
        decide(_look(command, bookmark, event, by))
        assert bookmark is not None and event is not None  # noqa: S101, PT018  (else the decider has refused)
        worker = f"{by.channel} {socket.gethostname()}:{os.getpid()}"
        return late.hold(bookmark, registry.reaction(command.reaction), event, worker=worker)


def _look(command: RedeliverEvent, bookmark: Bookmark | None, event: Event | None, by: Operator) -> Found:
    of, kind = declared(command.reaction), event.kind if event else None
    if bookmark is None or event is None:
        return Found(reaction=of, kind=kind, lane=None)
    # A lane that is wedged or paused may be held by somebody too.
    leased = bookmark.leased_until is not None and bookmark.leased_until > by.at
    return Found(
        reaction=of,
        kind=kind,
        lane="running" if leased else state_of(bookmark, behind=False, now=by.at),
        dismissed=bool(interventions.dismissed_of(command.reaction, [event.position])),
        superseded=_is_gone(event),
    )


def _is_gone(event: Event) -> bool:
    return Turn.objects.filter(id=event.position).exclude(superseded_by=None).exists()


def _register(command: RedeliverEvent, held: Claim, end: End, by: Operator) -> Decided:
    after = {"dismissed": False, "outcome": end.outcome.value, "note": end.note}
    target = {"stream": held.event.stream.name}
    return register(command, Change(before={"dismissed": True}, after=after, target=target), by=by)
