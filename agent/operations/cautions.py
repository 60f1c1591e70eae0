"""Promoting and declining a drafted caution, as an operator."""

from dataclasses import dataclass
from typing import Any, ClassVar

from agent.operations.command import Command
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from chat.log.streams import lock
from chat.log.text import LARGEST_NUMBER
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.models import Chat
from chat.turns import cautions
from chat.turns.cautions import NoSuchCautionError


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfCaution(Command):
    """Which caution: the position of its Decision."""

    context: ClassVar[str] = decisions.CAUTION_REVIEW

    caution_id: int

    def target(self) -> dict[str, Any]:
        """The caution."""
        return {"caution": self.caution_id}


@dataclass(frozen=True, kw_only=True, slots=True)
class PromoteCaution(_OfCaution):
    """Let it enter its audience's prompts."""

    act: ClassVar[str] = "promote_caution"
    choice: ClassVar[str] = decisions.PROMOTED


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclineCaution(_OfCaution):
    """Keep it out of every prompt."""

    act: ClassVar[str] = "decline_caution"
    choice: ClassVar[str] = decisions.DECLINED


def review_caution(command: PromoteCaution | DeclineCaution, *, by: Operator) -> Decided:
    """Promote or decline a caution: a Decision in its story, and one in the audit, in one commit.

    NoSuchCautionError (404), StaleCautionError (409); and as every operation.
    """
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            chat = _chat_of(command)
            lock(chat.stream)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            before = Decision.objects.values_list("verdict", flat=True).get(id=command.caution_id)
            cautions.review(
                chat, caution=command.caution_id, choice=command.choice, reasoning=command.reason, by=by.user
            )
            change = Change(
                before={"verdict": before}, after={"verdict": command.choice}, target={"stream": chat.stream}
            )
            return register(command, change, by=by)


def _chat_of(command: _OfCaution) -> Chat:
    if not 0 < command.caution_id <= LARGEST_NUMBER:
        raise NoSuchCautionError
    found = Decision.objects.select_related("chat").filter(id=command.caution_id).first()
    if found is None:
        raise NoSuchCautionError
    return found.chat
