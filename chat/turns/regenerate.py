"""Rewriting what a character said: one turn, or all replies from one turn on."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from chat.database import in_thread
from chat.errors import ChatError
from chat.log.text import clean
from chat.story.models import Chat, Turn
from chat.turns import claims, exchange, leases
from chat.turns.announce import Announcer
from chat.turns.chats import actor
from chat.turns.claims import Claim
from chat.turns.generation import spawn
from chat.turns.limits import count_turn
from chat.turns.models import Generation

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

GUIDANCE_CHARACTERS = 2000
#: Who asks on the command line, as the log names them.
CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Begun:
    """A rewriting under way; `aftermath` ends when its interjection, if any, is settled too."""

    claim: Claim
    aftermath: asyncio.Task[None]


class GuidanceTooLongError(ChatError):
    """Say in 2,000 characters at most what is to be different."""

    status = 413


class StoppedError(ChatError):
    """This was stopped."""

    status = 409


class ClosingError(ChatError):
    """This server is about to restart. Try again in a moment."""

    status = 503


async def regenerate_assistant_turn(
    chat: Chat, *, turn: int, guidance: str = "", user: "User | None" = None, announcer: Announcer
) -> str:
    """Begin a new writing of a character's turn, of any age, in its place; the generation's id.

    What stands goes on standing until the new writing is whole; then it falls with all it had caused. `user` is
    None for the command line. Raises TurnNotFoundError, NotAReplyError, NotStandingError, ReplyRunningError,
    GuidanceTooLongError, TooManyTurnsError and ClosingError.
    """
    if user is not None:
        await in_thread(count_turn, user.pk)
    guidance, asked_by = checked(guidance), actor(user) if user else CONSOLE
    begun = await asyncio.shield(spawn(_claim_and_begin(chat.id, turn, guidance, asked_by, announcer)))
    return begun.claim.generation


async def rewrite_from(chat: Chat, *, turn: int, user: "User", announcer: Announcer) -> list[int]:
    """Begin to rewrite a character's turn and every reply after it, in story order; their ids.

    Each waits for the one before. It ends where one of them is stopped, fails, or cannot begin. Raises as
    `regenerate_assistant_turn` does for the first of them.
    """
    await in_thread(count_turn, user.pk)
    replies = [reply.id for reply in await in_thread(replies_from, chat, turn=turn)]
    first = await asyncio.shield(spawn(_claim_and_begin(chat.id, turn, "", actor(user), announcer)))
    _ = spawn(_rewrite_on(first, replies[1:], announcer))
    return replies


def replies_from(chat: Chat, *, turn: int) -> list[Turn]:
    """The standing primary replies from a turn on, in story order: an interjection goes with its reply.

    Raises TurnNotFoundError, NotAReplyError and NotStandingError.
    """
    first = claims.find_standing_reply(chat, turn)
    later = chat.turns.live().filter(kind=Turn.Kind.ASSISTANT, interjection_of=None, place__gt=first.place)
    return [first, *later.in_story_order()]


def claim_next(before: Claim, *, turn: int, now: datetime) -> Claim:
    """Claim the next of several rewritings; as `claims.claim_rewriting`, and StoppedError after a stop."""
    with transaction.atomic():
        if leases.stopped(before.chat):
            raise StoppedError
        return claims.claim_rewriting(before.chat, turn=turn, asked_by=before.asked_by, now=now)


async def begin(claim: Claim, announcer: Announcer) -> Begun:
    """Begin the claimed new writing; ClosingError, and the claim is given back, when this process is ending."""
    aftermath = await exchange.begin(claim, announcer)
    if aftermath is None:
        raise ClosingError
    return Begun(claim, aftermath)


def checked(guidance: str) -> str:
    """What is to be different, trimmed; GuidanceTooLongError."""
    guidance = clean(guidance).strip()
    if len(guidance) > GUIDANCE_CHARACTERS:
        raise GuidanceTooLongError
    return guidance


async def _claim_and_begin(chat: int, turn: int, guidance: str, asked_by: str, announcer: Announcer) -> Begun:
    now = timezone.now()
    claim = await in_thread(claims.claim_rewriting, chat, turn=turn, guidance=guidance, asked_by=asked_by, now=now)
    return await begin(claim, announcer)


async def _rewrite_on(before: Begun, replies: Sequence[int], announcer: Announcer) -> None:
    for turn in replies:
        await asyncio.wait({before.aftermath})
        if not await in_thread(_is_whole, before.claim):
            return
        try:
            claim = await in_thread(claim_next, before.claim, turn=turn, now=timezone.now())
            before = await begin(claim, announcer)
        except ChatError as refusal:
            # By the player's own doing: it was stopped, the turn is gone, or something new is being answered.
            logger.info("chat %d: no rewriting from turn %d on: %s", before.claim.chat, turn, refusal.detail)
            return


def _is_whole(claim: Claim) -> bool:
    """Whether a new writing came to its end."""
    return Generation.objects.filter(id=claim.generation, state=Generation.State.FINISHED).exists()
