"""Regenerating a turn as an operator: the Decision and the claim are one commit, the rest runs as a player's does."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.operations.turn import FoundTurn, OfTurn, find_turn, look
from chat.database import in_thread
from chat.errors import ChatError
from chat.turns import claims, generation, regenerate, undoing
from chat.turns.announce import Announcer
from chat.turns.chats import actor
from chat.turns.claims import Claim, NotAReplyError, ReplyRunningError
from chat.turns.regenerate import ClosingError
from chat.turns.standing import NotStandingError


@dataclass(frozen=True, kw_only=True, slots=True)
class RegenerateTurn(OfTurn):
    """Have a character's turn written anew."""

    act: ClassVar[str] = "regenerate_turn"
    choice: ClassVar[str] = "RegenerationBegun"

    #: What is to be different, for the character's model.
    guidance: str = ""


async def regenerate_turn(command: RegenerateTurn, *, by: Operator, announcer: Announcer) -> Decided:
    """Begin a new writing of a character's turn, of any age; `after` of the Decision names its generation.

    TurnNotFoundError (404), NotAReplyError (422), NotStandingError, ReplyRunningError (409), GuidanceTooLongError
    (413), ClosingError (503); and as every operation. A server that begins to close after the Decision raises
    ClosingError too: then the Decision stands, and its claim is given back.
    """
    # Shielded: whoever asked may hang up between the Decision and the beginning.
    return await asyncio.shield(generation.spawn(_regenerate(command, by, announcer)))


def decide(found: FoundTurn) -> None:
    """Whether it may be written anew; no I/O."""
    if not found.is_reply:
        raise NotAReplyError
    if found.standing != found.id:
        raise NotStandingError(standing=found.standing)
    if found.reply_running:
        raise ReplyRunningError


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
    turn = find_turn(command.turn_id)
    decide(look(turn))
    undone = undoing.undone(turn.chat, turn)
    claim = claims.claim_rewriting_of(turn, guidance=command.guidance, asked_by=actor(by.user), now=by.at)
    change = Change(
        before={"standing": turn.id},
        # What stands goes on standing until the new writing is whole.
        after={"standing": turn.id, "generation": claim.generation},
        inputs={"guidance": command.guidance, "undone": undone.counts | {"later_turns": undone.later_turns}},
        target={"stream": turn.chat.stream},
    )
    return register(command, change, by=by), claim
