"""A turn as the deciders see it: plain values, read once; and what the commands about one have in common."""

from dataclasses import dataclass
from typing import Any, ClassVar

from agent.operations.command import Command
from chat.log.streams import lock
from chat.story.models import Chat, Turn
from chat.turns.claims import TurnNotFoundError
from chat.turns.models import Generation
from chat.turns.standing import standing_beside

#: How the Decisions about turns are filed.
OF_TURN = "TurnRegeneration"


@dataclass(frozen=True, kw_only=True, slots=True)
class OfTurn(Command):
    """Which turn: its id, which is its event's position."""

    context: ClassVar[str] = OF_TURN
    needs_reason: ClassVar[bool] = True

    turn_id: int

    def target(self) -> dict[str, Any]:
        """The turn."""
        return {"event": self.turn_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundTurn:
    """What the deciders are told of a turn."""

    id: int
    #: Whether a character said it.
    is_reply: bool
    #: The writing that stands in its place, itself or another; None when it was deleted.
    standing: int | None
    #: Whether a reply is being written in its chat.
    reply_running: bool = False


def look(turn: Turn) -> FoundTurn:
    """What the deciders are told."""
    standing = turn if turn.superseded_by is None else standing_beside(turn)
    running = Generation.objects.filter(chat=turn.chat_id, state=Generation.State.RUNNING)
    return FoundTurn(
        id=turn.id,
        is_reply=turn.kind == Turn.Kind.ASSISTANT,
        standing=standing.id if standing else None,
        reply_running=running.exists(),
    )


def find_turn(turn_id: int) -> Turn:
    """A turn with its chat; TurnNotFoundError, also when the chat was deleted."""
    found = Turn.objects.select_related("chat").filter(id=turn_id).first()
    if found is None:
        raise TurnNotFoundError(f"There is no turn {turn_id}.")
    if found.chat.deleted_at is not None:
        raise TurnNotFoundError("Its chat was deleted.")
    return found


def chat_of(turn_id: int) -> Chat:
    """The chat of a turn; TurnNotFoundError as `find_turn`."""
    return find_turn(turn_id).chat


def lock_chat_of(turn_id: int) -> None:
    """Hold the stream of a turn's chat, deleted or not, to the end of the transaction; of no turn, none."""
    turn = Turn.objects.select_related("chat").filter(id=turn_id).first()
    if turn is not None:
        lock(turn.chat.stream)
