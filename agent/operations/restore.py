"""Restoring an older writing of a turn as an operator, in one commit with the Decision."""

from dataclasses import dataclass
from typing import ClassVar

from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.operations.turn import FoundTurn, OfTurn, find_turn, lock_chat_of, look
from chat.turns import rewriting
from chat.turns.rewriting import StandsAlreadyError


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreTurn(OfTurn):
    """Bring an older writing of a turn back."""

    act: ClassVar[str] = "restore_turn"
    choice: ClassVar[str] = "WritingRestored"


def restore_turn(command: RestoreTurn, *, by: Operator) -> Decided:
    """Let another writing stand again, with all that it had caused.

    TurnNotFoundError (404), StandsAlreadyError and AnswersNothingError (409); and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            lock_chat_of(command.turn_id)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            turn = find_turn(command.turn_id)
            found = look(turn)
            decide(found)
            rewriting.restore(turn.chat, turn=turn.id, by=by.user)
            target = {"stream": turn.chat.stream}
            change = Change(before={"standing": found.standing}, after={"standing": turn.id}, target=target)
            return register(command, change, by=by)


def decide(found: FoundTurn) -> None:
    """Whether it may stand again; no I/O."""
    if found.standing == found.id:
        raise StandsAlreadyError
