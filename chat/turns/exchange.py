"""An exchange: recording what the player says, at once, and seeing to it that somebody answers."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from chat.database import in_thread
from chat.errors import ChatError
from chat.log import bell, read
from chat.log.text import clean
from chat.story import writer
from chat.story.models import Chat
from chat.story.payloads import ReplyRequested, UserTurn
from chat.turns import claims, generation, interject, leases, openers, rewriting
from chat.turns.announce import Announcer, Ended
from chat.turns.chats import actor
from chat.turns.claims import Claim, NothingToRetryError, ReplyRunningError
from chat.turns.generation import spawn
from chat.turns.leases import LeaseLostError, Settled
from chat.turns.limits import TURN_CHARACTERS, TooManyTurnsError, TurnTooLongError, count_turn
from chat.turns.models import Generation
from chat.turns.running import Running

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = [
    "NothingToRetryError",
    "ReplyRunningError",
    "TooManyTurnsError",
    "TurnTooLongError",
    "post_turn",
    "retry",
    "stop",
    "sweep",
]

logger = logging.getLogger(__name__)

KEY_CHARACTERS = 200
#: Chance stands here, at the edge of what is pure below.
_rng = random.SystemRandom()


class UnknownSpeakerError(ChatError):
    """Nobody of that name is in the cast of this story."""

    status = 422


class AbsentSpeakerError(ChatError):
    """Who is to speak is not in the scene. Let that character enter first, or choose someone who is there."""

    status = 409


class KeyTooLongError(ChatError):
    """An idempotency key may have 200 characters at most."""

    status = 422


class UnwritableKeyError(ChatError):
    """An idempotency key has to be text that can be written: without U+0000 and without halves of characters."""

    status = 422


class EmptyCastError(ChatError):
    """Nobody is here who could go on. Open a scene, or let someone enter, first."""

    status = 409


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of posting: the turn (None for an empty one: "someone goes on"); `repeated` for a key seen before."""

    turn_id: int | None
    repeated: bool


async def post_turn(  # noqa: PLR0913  (what a player sends)
    chat: Chat,
    *,
    user: "User",
    text: str,
    speaker: int | None = None,
    key: str | None = None,
    announcer: Announcer,
) -> Posted:
    """Record a turn at once, even while a reply runs, and begin a reply if none does.

    `speaker` is the character whom the player wants to hear next. An empty text records no turn: someone goes
    on, if anyone is present. A turn that nobody hears draws no reply. Raises TurnTooLongError, EmptyCastError,
    UnknownSpeakerError, AbsentSpeakerError, KeyTooLongError, UnwritableKeyError, KeyReusedError, TooManyTurnsError;
    then nothing is recorded.
    """
    posted = await in_thread(_count_and_record, chat, user=user, text=text, speaker=speaker, key=key)
    if not posted.repeated:
        await answer(chat.id, announcer)
    return posted


async def answer(chat: int, announcer: Announcer) -> None:
    """Begin the reply to what nobody has answered yet, if none is running anywhere."""
    # A task of its own, shielded: whoever asked may hang up between the claim and the beginning.
    await asyncio.shield(generation.spawn(_answer(chat, announcer)))


async def retry(chat: Chat, *, user: "User", generation: str | None = None, announcer: Announcer) -> None:
    """Try a reply that failed or was cut off once more, in its place: the named one, or the newest.

    Raises NothingToRetryError and ReplyRunningError.
    """
    await in_thread(count_turn, user.pk)
    await asyncio.shield(spawn(_retry(chat.id, generation, announcer)))


async def stop(chat: Chat) -> bool:
    """Stop the running reply, in whatever process it runs; True when one was running.

    Returns when the reply is settled, if it is one of this process.
    """
    requested = await in_thread(leases.request_stop, chat.id)
    if (running := generation.in_flight_tasks.get(chat.id)) is not None and running.task is not None:
        running.end_stream(Generation.State.STOPPED)
        await generation.settled(running)
    elif requested:
        await in_thread(bell.ring, chat.stream, 0)
    return requested


async def sweep(announcer: Announcer) -> int:
    """Settle the replies whose process is gone, and begin those that nobody began; how many of both."""
    done = 0
    for claim in await in_thread(leases.expired):
        if not generation.writes(claim):
            done += await _heal(claim.chat, _settle_interrupted(claim, announcer))
    for chat in await in_thread(openers.waiting, now=timezone.now()):
        done += await _heal(chat, answer(chat, announcer))
    return done


def _count_and_record(chat: Chat, *, user: "User", key: str | None, **sent: Any) -> Posted:
    try:
        count_turn(user.pk)
    except TooManyTurnsError:
        if not _is_recorded(chat, user, key):
            raise
    return record_turn(chat, user=user, key=key, **sent)


def record_turn(chat: Chat, *, user: "User", text: str, speaker: int | None, key: str | None) -> Posted:
    """Write a player's turn, or the request to go on, into the log (see `post_turn`)."""
    text = clean(text).strip()
    _check(text, key)
    try:
        _check_scene(chat, text, speaker)
    except ChatError:
        # Of what was taken before, somebody may have left since.
        if not _is_recorded(chat, user, key):
            raise
    said = UserTurn(text=text, addressed=speaker) if text else ReplyRequested(addressed=speaker)
    source = writer.Source(actor=actor(user), at=timezone.now(), key=_key(user, key))
    appended = writer.write(chat.id, [said], source)
    return Posted(appended.events[0].position if text else None, appended.repeated)


def find_speaker(chat: Chat, named: str) -> int | None:
    """The character of the cast meant by an id or a name; None for an empty one. UnknownSpeakerError."""
    named = named.strip()
    if not named:
        return None
    for member in chat.cast.all():
        if named == str(member.character) or named.casefold() == member.name.casefold():
            return member.character
    raise UnknownSpeakerError


async def _answer(chat: int, announcer: Announcer) -> None:
    if generation.closing():
        return
    claim = await in_thread(claims.claim_reply, chat, now=timezone.now(), rng=_rng)
    if claim is not None:
        await begin(claim, announcer)


async def _retry(chat: int, before: str | None, announcer: Announcer) -> None:
    claim = await in_thread(claims.claim_retry, chat, generation=before, now=timezone.now())
    await begin(claim, announcer)


async def begin(claim: Claim, announcer: Announcer) -> asyncio.Task[None] | None:
    """Begin the claimed reply; the task that ends when what follows it has begun, None if this process is ending."""
    if generation.closing():
        # Another process, or the next, takes it up.
        await in_thread(claims.release, claim)
        return None
    running = generation.begin(claim, announcer)
    return generation.spawn(_then_answer(running, announcer))


async def _then_answer(running: Running, announcer: Announcer) -> None:
    """When this reply is settled, let a silent witness speak up, then answer together what came meanwhile."""
    await generation.settled(running)
    ended = running.ended
    if ended is not None and ended.turn and ended.state == Generation.State.FINISHED:
        rewritten = running.rewrites
        before = await in_thread(rewriting.interjection_gone_with, rewritten) if rewritten else None
        await interject.let_witness_speak(ended.turn, rewrites=before, announcer=announcer)
    await answer(running.claim.chat, announcer)


async def _heal(chat: int, healing: Coroutine[None, None, None]) -> int:
    """One chat that cannot be healed must not keep the others waiting."""
    try:
        await healing
    except Exception:
        logger.exception("chat %d: cannot be healed", chat)
        return 0
    return 1


async def _settle_interrupted(claim: Claim, announcer: Announcer) -> None:
    try:
        settled, turn = await in_thread(_settle_checkpoint, claim)
    except LeaseLostError:
        return
    announcer.announce(
        Ended(
            chat=claim.chat,
            generation=claim.generation,
            speaker_name=claim.speaker.name,
            state=settled.state,
            turn=turn,
        )
    )
    await answer(claim.chat, announcer)


def _settle_checkpoint(claim: Claim) -> tuple[Settled, int | None]:
    text = Generation.objects.values_list("text", flat=True).get(id=claim.generation)
    settled = Settled(
        state=Generation.State.INTERRUPTED,
        text=text.strip(),
        error="The reply was cut off: its process ended.",
    )
    settled = leases.counted(claim, settled)
    return settled, leases.settle(claim, settled, at=timezone.now())


def _is_recorded(chat: Chat, user: "User", key: str | None) -> bool:
    written = _key(user, key)
    return written is not None and read.is_recorded(chat.stream, written)


def _key(user: "User", key: str | None) -> str | None:
    return f"{actor(user)}:{key}" if key else None


def _check(text: str, key: str | None) -> None:
    if len(text) > TURN_CHARACTERS:
        raise TurnTooLongError
    if key and len(key) > KEY_CHARACTERS:
        raise KeyTooLongError
    if key and clean(key) != key:
        raise UnwritableKeyError


def _check_scene(chat: Chat, text: str, speaker: int | None) -> None:
    if not text and not chat.present:
        raise EmptyCastError
    if speaker is not None and speaker not in chat.present:
        raise AbsentSpeakerError if chat.cast.filter(character=speaker).exists() else UnknownSpeakerError
