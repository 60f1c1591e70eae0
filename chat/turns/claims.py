"""Claiming the right to write a reply: to what nobody has answered yet, or once more.

One reply per chat at a time is a unique constraint; leases go by the database's clock.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now

from chat.errors import ChatError
from chat.log.models import Event
from chat.rows import fetch
from chat.statements import composed
from chat.story.cast import cards_of
from chat.story.models import CastMember, Chat, Turn
from chat.story.payloads import Card
from chat.turns.models import Generation
from chat.turns.openers import unanswered
from chat.turns.speaker import choose_speaker
from chat.turns.standing import refuse_fallen

LEASE = timedelta(seconds=10)
RECENT_SPEAKERS = 20
#: Who speaks while it is being decided whether anybody does.
NOBODY = Card(id=0, name="")


class ReplyRunningError(ChatError):
    """A reply is being written. Wait for it, or stop it."""

    status = 409


class TurnNotFoundError(ChatError):
    """There is no such turn in this story."""

    status = 404


class NotAReplyError(ChatError):
    """Only what a character said can be rewritten. Edit your own turn instead."""

    status = 422


class NothingToRetryError(ChatError):
    """There is nothing here to try again."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to write one reply."""

    generation: str
    chat: int
    group: int
    answers_up_to: int
    speaker: Card
    rewrites: int | None = None
    guidance: str = ""
    #: Who asked for a new writing; "" for a reply.
    asked_by: str = ""
    #: Of an interjection: the primary reply after which it is.
    follows: int | None = None
    #: The meanwhile for which it is.
    meanwhile: int | None = None

    @property
    def is_undecided(self) -> bool:
        """Whether it is still to be found out if anybody speaks."""
        return self.speaker == NOBODY


def claim_reply(chat_id: int, *, now: datetime, rng: random.Random) -> Claim | None:
    """Claim the reply to whatever nobody has answered yet.

    None when nothing is open, when a reply is running, and when nobody is present.
    """
    if not unanswered(fetch(Chat, id=chat_id)):
        # As after most replies; it is seen without SQLite's one lock, for which everybody else would wait.
        return None
    with transaction.atomic():
        chat = fetch(Chat, id=chat_id)
        openers = unanswered(chat)
        if not openers or _running(chat_id):
            return None
        speaker = _choose(chat, openers, rng)
        if speaker is None:
            return None
        newest = openers[0].position
        return _insert(Generation(chat_id=chat_id, group=newest, answers_up_to=newest, started_at=now), speaker)


def claim_retry(chat_id: int, *, generation: str | None, now: datetime) -> Claim:
    """Claim another attempt at a reply that failed or was cut off: the named one, or the newest.

    Raises NothingToRetryError and ReplyRunningError.
    """
    with transaction.atomic():
        earlier = Generation.objects.filter(chat_id=chat_id)
        if generation is not None:
            earlier = earlier.filter(id=generation)
        before = earlier.order_by("-started_at").first()
        if before is None:
            copied = _cut_short(chat_id, generation)
            return claim_rewriting_of(copied, guidance="", asked_by="", now=now)
        if before.state in {Generation.State.FINISHED, Generation.State.NOBODY}:
            raise NothingToRetryError
        if before.state == Generation.State.RUNNING or _running(chat_id):
            raise ReplyRunningError
        again = Generation(
            chat_id=chat_id,
            group=before.group if before.turn or before.rewrites else _asked(before) or before.group,
            answers_up_to=before.answers_up_to,
            rewrites=_standing(before),
            guidance=before.guidance,
            asked_by=before.asked_by,
            follows=before.follows,
            meanwhile=before.meanwhile,
            started_at=now,
        )
        claim = _insert(again, card_of(chat_id, before.speaker))
        if claim is None:
            raise ReplyRunningError
        return claim


def _cut_short(chat_id: int, generation: str | None) -> Turn:
    """The turn that stands of a reply which was asked for in another chat, of which this one is a branch."""
    cut = Turn.objects.live().filter(chat=chat_id, generation=generation or "").exclude(state="complete")
    if not generation or (found := cut.first()) is None:
        raise NothingToRetryError
    return found


def claim_rewriting(chat_id: int, *, turn: int, guidance: str = "", asked_by: str, now: datetime) -> Claim:
    """Claim a new writing of a character's turn, of any age, in its place.

    Raises TurnNotFoundError, NotAReplyError, NotStandingError and ReplyRunningError.
    """
    with transaction.atomic():
        before = find_standing_reply(chat_id, turn)
        return claim_rewriting_of(before, guidance=guidance, asked_by=asked_by, now=now)


def claim_rewriting_of(before: Turn, *, guidance: str, asked_by: str, now: datetime) -> Claim:
    """The same for a character's turn that is known to stand; ReplyRunningError."""
    again = Generation(
        chat_id=before.chat_id,
        group=before.group,
        meanwhile=before.meanwhile_id,
        # It answers nothing new, and a meanwhile answers nobody.
        answers_up_to=0 if before.meanwhile_id else before.group,
        rewrites=before.id,
        guidance=guidance,
        asked_by=asked_by,
        started_at=now,
    )
    claim = claim_new(again, card_of(before.chat_id, before.speaker or 0))
    if claim is None:
        raise ReplyRunningError
    return claim


def find_turn(chat: Chat | int, turn: int) -> Turn:
    """A turn of this chat, whether it stands or not; TurnNotFoundError."""
    try:
        return Turn.objects.get(chat=chat, id=turn)
    except Turn.DoesNotExist:
        raise TurnNotFoundError from None


def find_standing_reply(chat: Chat | int, turn: int) -> Turn:
    """A character's turn that stands; TurnNotFoundError, NotAReplyError, NotStandingError."""
    found = find_turn(chat, turn)
    if found.kind != Turn.Kind.ASSISTANT:
        raise NotAReplyError
    refuse_fallen(found)
    return found


def claim_new(row: Generation, speaker: Card) -> Claim | None:
    """Claim what a new row stands for; None when a reply is running."""
    return None if _running(row.chat_id) else _insert(row, speaker)


def release(claim: Claim) -> None:
    """Give a claim back unused: whoever looks next takes up what it was for."""
    Generation.objects.filter(id=claim.generation, state=Generation.State.RUNNING).delete()


def claim_of(row: Generation, speaker: Card) -> Claim:
    """The claim that a row stands for."""
    return Claim(
        generation=row.id,
        chat=row.chat_id,
        group=row.group,
        answers_up_to=row.answers_up_to,
        speaker=speaker,
        rewrites=row.rewrites,
        guidance=row.guidance,
        asked_by=row.asked_by,
        follows=row.follows,
        meanwhile=row.meanwhile,
    )


def card_of(chat_id: int, character: int) -> Card:
    """A character as the chat knows it now."""
    return CastMember.objects.get(chat=chat_id, character=character).as_card()


def lease_end() -> models.expressions.CombinedExpression:
    """When a lease taken or extended now passes, by the database's clock."""
    return Now() + LEASE


def _standing(before: Generation) -> int | None:
    """The turn that another attempt would be a new writing of; None when the attempt left no text.

    A cut-off rewriting was superseded by what it was to replace: then that one. NothingToRetryError when
    something else has taken its place.
    """
    written = [turn for turn in (before.turn, before.rewrites) if turn]
    if not written and is_past(before):
        # Its place at the story's end is taken: what was said since has drawn, or will draw, a reply to all of it.
        raise NothingToRetryError
    standing = Turn.objects.live().filter(id__in=written).values_list("id", flat=True).first()
    if written and standing is None:
        raise NothingToRetryError
    return standing


def is_past(row: Generation) -> bool:
    """Whether an attempt that left no text has no place any more: more was said since, or nothing it answers stands."""
    if row.meanwhile is not None:
        return row.chat.last_turn_at > row.started_at
    # The place of a new writing is taken by what it was to replace.
    if row.rewrites is not None or _asked(row) is None:
        return True
    # A reply that was cut off while this one's turn waited has a later place too, but was there before.
    since = Turn.objects.live().filter(chat_id=row.chat_id, place__gt=row.answers_up_to, said_at__gt=row.started_at)
    return since.exists()


def _asked(row: Generation) -> int | None:
    """The turn group that an attempt without text answers: its own, or an earlier one while its own is deleted.

    None when all that it was to answer is deleted.
    """
    said = Turn.objects.filter(chat_id=row.chat_id, kind=Turn.Kind.USER)
    if row.meanwhile is not None or not said.filter(group=row.group).exists():
        return row.group
    standing = said.live().filter(place__gt=row.chat.answered_to, place__lte=row.group)
    return standing.order_by("-place").values_list("group", flat=True).first()


@composed
def _running(chat: int) -> "models.QuerySet[Generation, str]":
    return Generation.objects.filter(chat=chat, state=Generation.State.RUNNING).values_list("id", flat=True)


def _insert(row: Generation, speaker: Card) -> Claim | None:
    row.id, row.leased_until = uuid.uuid4().hex, lease_end()
    row.speaker, row.speaker_name = speaker.id, speaker.name
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another process was quicker: one_reply_at_a_time.
        return None
    return claim_of(row, speaker)


def _choose(chat: Chat, openers: list[Event], rng: random.Random) -> Card | None:
    cards = cards_of(chat.id)
    present = [cards[character] for character in chat.present if character in cards]
    if not present:
        return None
    return choose_speaker(
        present,
        # What came together is answered together: the newest pick and the newest mention count.
        text="\n".join(opener.payload.get("text", "") for opener in openers).strip(),
        picked=next(filter(None, (opener.payload["addressed"] for opener in openers)), None),
        recent=[speaker for speaker in _recent_speakers(chat.id) if speaker],
        rng=rng,
    )


@composed
def _recent_speakers(chat: int) -> "models.QuerySet[Turn, int | None]":
    replies = Turn.objects.live().filter(chat=chat, kind=Turn.Kind.ASSISTANT, meanwhile=None)
    return replies.order_by("-place", "-id").values_list("speaker", flat=True)[:RECENT_SPEAKERS]
