"""After a primary reply: one of those who heard it in silence may speak up.

It is a generation of its own, with a lease from the first question on: nothing else begins meanwhile, Stop works,
and when the process dies before a word was said, nobody has spoken up.
"""

from dataclasses import replace
from datetime import datetime
from typing import cast

from django.db import transaction
from django.utils import timezone

from chat.database import in_thread
from chat.story.chat_payloads import Eagerness
from chat.story.models import Turn
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
        replies = Turn.objects.live().filter(id=primary, interjection_of=None, meanwhile=None)
        reply = replies.select_related("chat").first()
        if reply is None or reply.chat.interjections == "off" or not silent_witnesses(reply, rewrites=rewrites):
            return None
        if rewrites is None and reply.chat.turns.live().filter(place__gt=reply.place).exists():
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
    spoke = set(chat.turns.live().filter(group=reply.group).values_list("speaker", flat=True))
    there = reply.witnesses if rewrites else [one for one in chat.present if one in reply.witnesses]
    silent = [one for one in there if one not in spoke]
    return [member.as_card() for member in chat.cast.filter(character__in=silent).order_by("id")] if silent else []


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
    reply = Turn.objects.select_related("chat").get(id=claim.follows or 0)
    witnesses = silent_witnesses(reply, rewrites=claim.rewrites)
    before = reply.chat.turns.live().filter(place__lt=reply.place).order_by("-place", "-id")[:LINES]
    everybody = {card.id for card in witnesses}
    return Question(
        witnesses=tuple(witnesses),
        reply=reply,
        lines=tuple(turn for turn in reversed(before) if everybody <= set(turn.witnesses)),
        eagerness=cast("Eagerness", reply.chat.interjections),
    )


def _speaker_of(interjection: int, chat: int) -> Card:
    return card_of(chat, Turn.objects.values_list("speaker", flat=True).get(id=interjection) or 0)


def _keep(claim: Claim, verdict: Verdict, question: Question) -> None:
    speaker = verdict.who or NOBODY
    Generation.objects.filter(id=claim.generation, state=Generation.State.RUNNING).update(
        asked=verdict.as_json(question), speaker=speaker.id, speaker_name=speaker.name
    )
