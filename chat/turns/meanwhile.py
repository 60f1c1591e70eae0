"""A meanwhile: characters who are elsewhere talk among themselves, for as many turns as the player wishes.

Nothing of it reaches those who are not there; the player reads it as a reader. Each turn is a generation like any
other; the next one begins when it is whole and nobody waits for an answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from chat.database import in_thread
from chat.errors import ChatError
from chat.story import writer
from chat.story.meanwhile_payloads import MeanwhileContinued, MeanwhileOpened
from chat.story.models import Chat, Meanwhile
from chat.story.payloads import Card
from chat.turns import claims, exchange, generation, leases, openers
from chat.turns.announce import Announcer
from chat.turns.chats import source
from chat.turns.claims import Claim, ReplyRunningError
from chat.turns.limits import count_turn
from chat.turns.models import Generation
from chat.turns.scenes import NotInTheCastError
from chat.turns.speaker import choose_for_meanwhile

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FEWEST_CHARACTERS, MOST_TURNS, DIRECTION_CHARACTERS = 2, 20, 2000
#: Turns looked at for who has been silent longest.
RECENT = 20

type Wish = MeanwhileOpened | MeanwhileContinued


class TooFewCharactersError(ChatError):
    """A meanwhile needs two characters or more."""

    status = 422


class TurnsOutOfRangeError(ChatError):
    """A meanwhile has from 1 to 20 turns at a time."""

    status = 422


class DirectionTooLongError(ChatError):
    """Say in 2,000 characters at most what it is about."""

    status = 413


class NoSuchMeanwhileError(ChatError):
    """There is no such meanwhile in this story."""

    status = 404


async def open_meanwhile(  # noqa: PLR0913  (what a player sends)
    chat: Chat, *, user: "User", characters: Sequence[int], direction: str, turns: int, announcer: Announcer
) -> Claim:
    """Begin a meanwhile; the claim of its first turn.

    Raises TooFewCharactersError, NotInTheCastError, TurnsOutOfRangeError, DirectionTooLongError, ReplyRunningError
    and TooManyTurnsError; then nothing is recorded.
    """
    direction, there = direction.strip(), tuple(dict.fromkeys(characters))
    if len(there) < FEWEST_CHARACTERS:
        raise TooFewCharactersError
    if len(direction) > DIRECTION_CHARACTERS:
        raise DirectionTooLongError
    wish = MeanwhileOpened(characters=there, direction=direction, turns=_checked(turns))
    return await _begin(chat, wish, user, announcer)


async def continue_meanwhile(chat: Chat, *, user: "User", meanwhile: int, turns: int, announcer: Announcer) -> Claim:
    """Let a meanwhile go on; the claim of its next turn.

    Raises NoSuchMeanwhileError, TurnsOutOfRangeError, ReplyRunningError and TooManyTurnsError.
    """
    return await _begin(chat, MeanwhileContinued(meanwhile=meanwhile, turns=_checked(turns)), user, announcer)


async def _begin(chat: Chat, wish: Wish, user: "User", announcer: Announcer) -> Claim:
    await in_thread(count_turn, user.pk)
    # A task of its own, shielded: whoever asked may hang up between the claim and the beginning.
    return await asyncio.shield(generation.spawn(_claimed(chat, wish, user, announcer)))


async def _claimed(chat: Chat, wish: Wish, user: "User", announcer: Announcer) -> Claim:
    claim = await in_thread(claim_first, chat, wish, by=user, now=timezone.now())
    _ = generation.spawn(_play(claim, wish.turns, announcer))
    return claim


async def _play(claim: Claim, turns: int, announcer: Announcer) -> None:
    """One turn after the other, until one is not whole, somebody waits for an answer, or all are said."""
    left = turns
    following: Claim | None = claim
    while following is not None:
        if generation.closing():
            await in_thread(claims.release, following)
            return
        running = generation.begin(following, announcer)
        await generation.settled(running)
        left -= 1
        whole = running.ended is not None and running.ended.state == Generation.State.FINISHED
        following = await in_thread(claim_following, running.claim, now=timezone.now()) if whole and left else None
    await exchange.answer(claim.chat, announcer)


def claim_first(chat: Chat, wish: Wish, *, by: "User", now: datetime) -> Claim:
    """Record what the player wishes, and claim the first turn of it."""
    with transaction.atomic():
        there, direction = _those_there(chat, wish)
        row = Generation(chat_id=chat.id, group=0, answers_up_to=0, started_at=now)
        # The lease before the stream, as everywhere; so its group is only known afterwards.
        claim = claims.claim_new(row, _next_speaker(chat, there, direction))
        if claim is None:
            raise ReplyRunningError
        position = writer.write(chat.id, [wish], source(by, at=now)).events[0].position
        meanwhile = wish.meanwhile if isinstance(wish, MeanwhileContinued) else position
        Generation.objects.filter(id=claim.generation).update(group=position, meanwhile=meanwhile)
        return replace(claim, group=position, meanwhile=meanwhile)


def claim_following(before: Claim, *, now: datetime) -> Claim | None:
    """Claim the turn after one; None when it was stopped, when somebody waits for an answer, or a reply runs."""
    with transaction.atomic():
        chat = Chat.objects.get(id=before.chat)
        if leases.stopped(chat.id) or openers.unanswered(chat):
            return None
        meanwhile = Meanwhile.objects.get(id=before.meanwhile or 0)
        there = _cards(chat, meanwhile.characters)
        row = Generation(chat=chat, group=before.group, meanwhile=before.meanwhile, answers_up_to=0, started_at=now)
        return claims.claim_new(row, _next_speaker(chat, there, meanwhile.direction))


def _those_there(chat: Chat, wish: Wish) -> tuple[list[Card], str]:
    """The cards of those who are there, and what they are to talk about."""
    if isinstance(wish, MeanwhileOpened):
        return _cards(chat, wish.characters), wish.direction
    meanwhile = Meanwhile.objects.filter(chat=chat, id=wish.meanwhile).first()
    if meanwhile is None:
        raise NoSuchMeanwhileError
    return _cards(chat, meanwhile.characters), meanwhile.direction


def _cards(chat: Chat, characters: Sequence[int]) -> list[Card]:
    cards = {member.character: member.as_card() for member in chat.cast.filter(character__in=characters)}
    if set(characters) - set(cards):
        raise NotInTheCastError
    return [cards[character] for character in characters]


def _next_speaker(chat: Chat, there: list[Card], direction: str) -> Card:
    # The condition of the index live_turns_of_meanwhiles.
    last = chat.turns.live().filter(meanwhile__isnull=False).order_by("-place")
    recent = [speaker for speaker in last.values_list("speaker", flat=True)[:RECENT] if speaker is not None]
    return choose_for_meanwhile(there, direction=direction, recent=recent)


def _checked(turns: int) -> int:
    if not 1 <= turns <= MOST_TURNS:
        raise TurnsOutOfRangeError
    return turns
