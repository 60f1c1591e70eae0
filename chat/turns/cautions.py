"""Drafted cautions: the chat's owner promotes one, so that it enters its audience's prompts, or declines it."""

from typing import TYPE_CHECKING

from chat.errors import ChatError
from chat.story import decisions, writer
from chat.story.fact_models import Decision
from chat.story.fact_payloads import DecisionRegistered
from chat.story.models import Chat
from chat.story.payloads import Payload
from chat.turns.chats import actor, source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NoSuchCautionError(ChatError):
    """There is no such caution in this story."""

    status = 404


class NotTheOwnerError(ChatError):
    """Only the owner of the story decides on its cautions."""

    status = 403


class StaleCautionError(ChatError):
    """This caution was drafted from a turn that was rewritten since. It will be made anew."""

    status = 409


def promote(chat: Chat, *, caution: int, reasoning: str = "", by: "User") -> None:
    """Let a caution enter its audience's prompts. NotTheOwnerError, NoSuchCautionError, StaleCautionError."""
    _decide(chat, caution, decisions.PROMOTED, reasoning, by)


def decline(chat: Chat, *, caution: int, reasoning: str = "", by: "User") -> None:
    """Keep a caution out of every prompt, also one that was promoted before; errors as in `promote`."""
    _decide(chat, caution, decisions.DECLINED, reasoning, by)


def _decide(chat: Chat, caution: int, choice: str, reasoning: str, by: "User") -> None:
    # A superuser is the site's operator.
    if by.pk != chat.owner_id and not by.is_superuser:
        raise NotTheOwnerError
    review(chat, caution=caution, choice=choice, reasoning=reasoning, by=by)


def review(chat: Chat, *, caution: int, choice: str, reasoning: str, by: "User") -> None:
    """Promote or decline, whoever it is that decides: the caller has asked. NoSuchCautionError, StaleCautionError."""

    def decider(now: Chat) -> list[Payload]:
        drafted = _drafted(now, caution)
        if not decide(drafted.verdict, choice=choice, stale=bool(decisions.stale_of([drafted]))):
            return []
        return [
            DecisionRegistered(
                context=decisions.CAUTION_REVIEW,
                choice=choice,
                reasoning=reasoning.strip()[:2000],
                decided_by=actor(by),
                turns=tuple(drafted.turns),
                about=caution,
            )
        ]

    writer.decide(chat.id, decider, source(by))


def decide(verdict: str, *, choice: str, stale: bool) -> bool:
    """Whether the choice changes the verdict that a caution has; no I/O. StaleCautionError."""
    if verdict == choice:
        return False
    if stale and choice == decisions.PROMOTED:
        raise StaleCautionError
    return True


def _drafted(chat: Chat, caution: int) -> Decision:
    drafted = Decision.objects.filter(
        chat=chat, id=caution, context=decisions.CAUTION_PROPOSAL, choice=decisions.CAUTION_DRAFTED
    ).first()
    if drafted is None:
        raise NoSuchCautionError
    return drafted
