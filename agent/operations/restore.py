"""Restoring an older writing of a turn as an operator, in one commit with the Decision."""

from dataclasses import dataclass
from typing import ClassVar

from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.operations.turn import FoundTurn, OfTurn, chat_of, find_turn, look
from chat.log.streams import lock
from chat.turns import rewriting
from chat.turns.rewriting import StandsAlreadyError


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreTurn(OfTurn):
    """Bring an older writing of a turn back."""

    act: ClassVar[str] = "restore_turn"
    choice: ClassVar[str] = "WritingRestored"


def restore_turn(command: RestoreTurn, *, by: Operator) -> Decided:
    """Let another writing stand again, with all that it had caused.

    TurnNotFoundError (404), StandsAlreadyError (409); and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            chat = chat_of(command.turn_id)
            lock(chat.stream)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            # Read anew: what stands may have changed while the lock was waited for.
            found = look(find_turn(command.turn_id))
            decide(found)
            rewriting.restore(chat, turn=found.id, by=by.user)
            change = Change(
                before={"standing": found.standing}, after={"standing": found.id}, target={"stream": chat.stream}
            )
            return register(command, change, by=by)


def decide(found: FoundTurn) -> None:
    """Whether it may stand again; no I/O."""
    if found.standing == found.id:
        raise StandsAlreadyError
