"""After a primary reply: one of those who heard it in silence may speak up.

It is a generation of its own, with a lease from the first question on: nothing else begins meanwhile, Stop works,
and when the process dies before a word was said, nobody has spoken up.
"""

from dataclasses import replace
from datetime import datetime
from typing import cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat.database import in_thread
from chat.rows import fetch
from chat.statements import composed
from chat.story.cast import cards_of
from chat.story.chat_payloads import Eagerness
from chat.story.models import Chat, Turn
from chat.story.payloads import Card
from chat.turns import claims, generation, leases
from chat.turns.announce import Announcer, Deciding
from chat.turns.claims import NOBODY, Claim, card_of
from chat.turns.models import Generation
from chat.turns.running import Running
from chat.turns.silent_witnesses import LINES, Question, Verdict, detect_interjection, reader_of_the_room


async def let_witness_speak(primary: int, *, rewrites: int | None = None, announcer: Announcer) -> None:
    """Have decided whether a silent witness speaks up after a primary reply, and have that written; then return.

    `rewrites` is the interjection of which it is a new writing. If it cannot be decided, nobody speaks up; of a new
    writing, the witness of the old one does. Nothing happens while a reply runs in this chat.
    """
    claim = await in_thread(claim_interjection, primary, rewrites=rewrites, now=timezone.now())
    if claim is None:
        return
    if generation.closing():
        await in_thread(claims.release, claim)
        return
    await generation.settled(generation.begin(claim, announcer, find_voice=find_voice))


def claim_interjection(primary: int, *, rewrites: int | None, now: datetime) -> Claim | None:
    """Claim the right to find out whether a silent witness speaks up after a standing reply, and to write it.

    None when nobody is there to ask, when a reply runs or was stopped at its very end, when the story has gone on or
    has one there already, and when the chat has interjections switched off.
    """
    with transaction.atomic():
        reply = _with_chat(primary)
        if (reply.superseded_by, reply.interjection_of, reply.meanwhile_id) != (None, None, None):
            return None
        if reply.chat.interjections == "off" or not silent_witnesses(reply, rewrites=rewrites):
            return None
        if rewrites is None and _newest_place(reply.chat_id) != [reply.place]:
            return None
        if leases.stopped(reply.chat_id):
            return None
        row = Generation(
            chat=reply.chat,
            group=reply.group,
            # It answers nothing that its primary has not answered.
            answers_up_to=reply.group,
            follows=primary,
            rewrites=rewrites,
            started_at=now,
        )
        return claims.claim_new(row, NOBODY)


def silent_witnesses(reply: Turn, *, rewrites: int | None) -> list[Card]:
    """Those who heard a reply, are still there, and have said nothing in its turn group; of a new writing, as then."""
    chat = reply.chat
    spoke = _speakers_in(chat.id, reply.group)
    there = reply.witnesses if rewrites else [one for one in chat.present if one in reply.witnesses]
    silent = [one for one in there if one not in spoke]
    return [card for character, card in cards_of(chat.id).items() if character in silent] if silent else []


def _with_chat(turn: int) -> Turn:
    found = fetch(Turn, id=turn)
    found.chat = fetch(Chat, id=found.chat_id)
    return found


@composed
def _newest_place(chat: int) -> "QuerySet[Turn, int]":
    return Turn.objects.live().filter(chat=chat).order_by("-place").values_list("place", flat=True)[:1]


@composed
def _speakers_in(chat: int, group: int) -> "QuerySet[Turn, int | None]":
    return Turn.objects.live().filter(chat=chat, group=group).values_list("speaker", flat=True)


async def find_voice(running: Running) -> Claim | None:
    """Find out who speaks up: the claim with its speaker, or None for nobody; what came of it is kept."""
    claim = running.claim
    question = await in_thread(question_of, claim)
    if not question.witnesses:
        # The last of them has just left.
        return None
    if (reader := reader_of_the_room()) is not None:
        names = [card.name for card in question.witnesses]
        running.tell(Deciding(chat=claim.chat, generation=claim.generation, witnesses=names, rewrites=claim.rewrites))
    verdict = await detect_interjection(question, reader)
    if verdict.failed and claim.rewrites is not None:
        before = await in_thread(_speaker_of, claim.rewrites, claim.chat)
        verdict = replace(verdict, who=before)
    await in_thread(_keep, claim, verdict, question)
    return replace(claim, speaker=verdict.who) if verdict.who else None


def question_of(claim: Claim) -> Question:
    """What is asked of a claimed interjection."""
    reply = _with_chat(claim.follows or 0)
    witnesses = silent_witnesses(reply, rewrites=claim.rewrites)
    everybody = {card.id for card in witnesses}
    return Question(
        witnesses=tuple(witnesses),
        reply=reply,
        lines=tuple(turn for turn in _last_before(claim.chat, reply.place)[::-1] if everybody <= set(turn.witnesses)),
        eagerness=cast("Eagerness", reply.chat.interjections),
    )


@composed
def _last_before(chat: int, place: int) -> "QuerySet[Turn]":
    return Turn.objects.live().filter(chat=chat, place__lt=place).order_by("-place", "-id")[:LINES]


def _speaker_of(interjection: int, chat: int) -> Card:
    return card_of(chat, Turn.objects.values_list("speaker", flat=True).get(id=interjection) or 0)


def _keep(claim: Claim, verdict: Verdict, question: Question) -> None:
    speaker = verdict.who or NOBODY
    Generation.objects.filter(id=claim.generation, state=Generation.State.RUNNING).update(
        asked=verdict.as_json(question), speaker=speaker.id, speaker_name=speaker.name
    )
