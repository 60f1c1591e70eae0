"""Regenerating a turn as an operator: the Decision and the claim are one commit, the rest runs as a player's does."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from agent.operations.command import Command
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from chat.database import in_thread
from chat.errors import ChatError
from chat.log.streams import lock
from chat.story.models import Chat, Turn
from chat.turns import claims, generation, regenerate, rewriting, undoing
from chat.turns.announce import Announcer
from chat.turns.chats import actor
from chat.turns.claims import Claim, TurnNotFoundError
from chat.turns.regenerate import ClosingError
from chat.turns.standing import standing_beside

#: How the Decisions about turns are filed.
OF_TURN = "TurnRegeneration"


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfTurn(Command):
    """Which turn: its id, which is its event's position."""

    context: ClassVar[str] = OF_TURN
    needs_reason: ClassVar[bool] = True

    turn_id: int

    def target(self) -> dict[str, Any]:
        """The turn."""
        return {"event": self.turn_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class RegenerateTurn(_OfTurn):
    """Have a character's turn written anew."""

    act: ClassVar[str] = "regenerate_turn"
    choice: ClassVar[str] = "RegenerationBegun"

    #: What is to be different, for the character's model.
    guidance: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreTurn(_OfTurn):
    """Bring an older writing of a turn back."""

    act: ClassVar[str] = "restore_turn"
    choice: ClassVar[str] = "WritingRestored"


async def regenerate_turn(command: RegenerateTurn, *, by: Operator, announcer: Announcer) -> Decided:
    """Begin a new writing of a character's turn, of any age; `after` of the Decision names its generation.

    TurnNotFoundError (404), NotAReplyError (422), NotStandingError, ReplyRunningError (409), GuidanceTooLongError
    (413), ClosingError (503); and as every operation. A server that begins to close after the Decision raises
    ClosingError too: then the Decision stands, and its claim is given back.
    """
    # Shielded: whoever asked may hang up between the Decision and the beginning.
    return await asyncio.shield(generation.spawn(_regenerate(command, by, announcer)))


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
            stood = standing_beside(claims.find_turn(chat, command.turn_id))
            rewriting.restore(chat, turn=command.turn_id, by=by.user)
            change = Change(
                before={"standing": stood.id if stood else None},
                after={"standing": command.turn_id},
                target={"stream": chat.stream},
            )
            return register(command, change, by=by)


def chat_of(turn_id: int) -> Chat:
    """The chat of a turn; TurnNotFoundError, also when the chat was deleted."""
    found = Turn.objects.select_related("chat").filter(id=turn_id).first()
    if found is None:
        raise TurnNotFoundError(f"There is no turn {turn_id}.")
    if found.chat.deleted_at is not None:
        raise TurnNotFoundError("Its chat was deleted.")
    return found.chat


async def _regenerate(command: RegenerateTurn, by: Operator, announcer: Announcer) -> Decided:
    decided, claim = await in_thread(_carry_out, command, by)
    if claim is not None:
        await regenerate.begin(claim, announcer)
    return decided


def _carry_out(command: RegenerateTurn, by: Operator) -> tuple[Decided, Claim | None]:
    """The Decision and what it claims; no claim when the same command was answered before."""
    with performing(command, by=by):
        command = replace(command.checked(), guidance=regenerate.checked(command.guidance))
        if generation.closing():
            raise ClosingError
        with short_transaction():
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier, None
            try:
                return _claim(command, by)
            except ChatError:
                # Who was quicker may have been this very command: the claim is what the two meet at.
                if (earlier := earlier_answer(command, by=by)) is not None:
                    return earlier, None
                raise


def _claim(command: RegenerateTurn, by: Operator) -> tuple[Decided, Claim]:
    chat = chat_of(command.turn_id)
    undone = undoing.undone(chat, claims.find_standing_reply(chat, command.turn_id))
    claim = claims.claim_rewriting(
        chat.id, turn=command.turn_id, guidance=command.guidance, asked_by=actor(by.user), now=by.at
    )
    change = Change(
        before={"standing": command.turn_id},
        # What stands goes on standing until the new writing is whole.
        after={"standing": command.turn_id, "generation": claim.generation},
        inputs={"guidance": command.guidance, "undone": undone.counts | {"later_turns": undone.later_turns}},
        target={"stream": chat.stream},
    )
    return register(command, change, by=by), claim
