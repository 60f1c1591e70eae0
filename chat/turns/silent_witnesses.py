"""Whether one of those who heard a reply in silence speaks up: asked of the model that reads, or decided by words.

What is shown of the story is only what every one of the silent witnesses saw, so the answer cannot rest on more.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from pydantic import BaseModel, Field

from chat.llm import word_reader
from chat.llm.client import LanguageModel, Message, Prompt, get_reader
from chat.llm.errors import ModelError, NoReaderError
from chat.story.chat_payloads import Eagerness
from chat.story.models import Turn
from chat.story.payloads import Card
from chat.turns.prompts import clipped
from chat.turns.speaker import first_mentioned

#: Of the turns before the reply the newest so many are shown, each clipped to so many tokens.
LINES, TOKENS_PER_LINE, TOKENS_PER_CARD = 6, 250, 120
ANSWER_TOKENS = 200
#: By words, an eager cast has somebody speak up unasked who talks at least this much.
TALKATIVE = 0.8
INSTRUCTIONS = """\
You watch over a story that is told in turns. Somebody has just spoken. Say whether one of the silent witnesses would \
now speak up unasked, at once, and who. It has to be theirs to speak: they are addressed or named, it concerns them, \
or they could not keep silent."""
READINESS: dict[Eagerness, str] = {
    "off": "Nobody speaks up.",
    "rarely": "This should be rare: only when silence would be out of character.",
    "normal": "Most of the time nobody does.",
    "eager": "They like to join in: let one of them speak up whenever it is plausible.",
}


class Interjection(BaseModel):
    """Whether a silent witness speaks up."""

    interject: bool
    who: str = Field(description="The name of the silent witness; empty when nobody speaks up")
    why: str = Field(description="In one short sentence")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Who might speak up after which reply; `lines` are what all of the witnesses saw, oldest first."""

    witnesses: tuple[Card, ...]
    reply: Turn
    lines: tuple[Turn, ...]
    eagerness: Eagerness

    @property
    def addressed(self) -> str:
        """What the player said to draw the reply, if all of them heard it."""
        return "\n".join(line.text for line in self.lines if line.id == self.reply.group and line.speaker is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Who speaks up (None: nobody), why, and who decided; `failed` is the sentence when that could not be decided."""

    who: Card | None
    why: str = ""
    by: str
    failed: str = ""

    def as_json(self, question: Question) -> dict[str, Any]:
        """The verdict as it is kept for "Why this reply"."""
        return {
            "witnesses": [card.name for card in question.witnesses],
            "who": self.who.name if self.who else "",
            "why": self.why,
            "by": self.by,
            "failed": self.failed,
        }


def reader_of_the_room() -> LanguageModel | None:
    """The model that decides; None when words must do."""
    try:
        return get_reader()
    except NoReaderError:
        return None


async def detect_interjection(question: Question, reader: LanguageModel | None) -> Verdict:
    """Who speaks up: asked of the reader for INTERJECTION_SECONDS, or by words. A failure is told, never raised."""
    if reader is None:
        return by_words(question)
    seconds = settings.INTERJECTION_SECONDS
    try:
        async with asyncio.timeout(seconds):
            said = await reader.structured(prompt_for(question), Interjection)
    except TimeoutError:
        return Verdict(who=None, by=reader.name, failed=f"It took more than {seconds:g} seconds to decide.")
    except ModelError as error:
        return Verdict(who=None, by=reader.name, failed=error.detail)
    return _verdict(question, said, reader)


def by_words(question: Question) -> Verdict:
    """Who is named in the player's turn or in the reply; in both, where they rarely speak up."""
    witnesses = question.witnesses
    named = first_mentioned(witnesses, question.addressed), first_mentioned(witnesses, question.reply.text)
    if question.eagerness == "rarely" and not all(named):
        named = None, None
    if (who := named[0] or named[1]) is not None:
        return Verdict(who=who, why=f"{who.name} is named.", by=word_reader.NAME)
    talkative = max(witnesses, key=lambda card: card.talkativeness)
    if question.eagerness == "eager" and talkative.talkativeness >= TALKATIVE:
        return Verdict(who=talkative, why=f"{talkative.name} likes to talk.", by=word_reader.NAME)
    return Verdict(who=None, why="None of them is named.", by=word_reader.NAME)


def _verdict(question: Question, said: Interjection, reader: LanguageModel) -> Verdict:
    why = " ".join(said.why.split())
    if not said.interject:
        return Verdict(who=None, why=why, by=reader.name)
    wanted = said.who.strip().casefold()
    who = next((card for card in question.witnesses if card.name.casefold() == wanted), None)
    who = who or first_mentioned(question.witnesses, said.who)
    if who is None:
        return Verdict(who=None, by=reader.name, failed="It named nobody who was there in silence.")
    return Verdict(who=who, why=why, by=reader.name)


def prompt_for(question: Question) -> Prompt:
    """What the model that reads is asked."""
    reply = question.reply
    witnesses = [f"- {card.name}: {clipped(card.description, TOKENS_PER_CARD)}" for card in question.witnesses]
    said = [f"{turn.speaker_name}: {clipped(turn.text, TOKENS_PER_LINE)}" for turn in (*question.lines, reply)]
    told = "\n\n".join(
        [
            f"The silent witnesses:\n{'\n'.join(witnesses)}",
            "The last turns:\n" + "\n\n".join(said),
            f"{reply.speaker_name} has just spoken. {READINESS[question.eagerness]} Does one of them speak up?",
        ]
    )
    return Prompt(
        messages=(Message(role="system", content=INSTRUCTIONS), Message(role="user", content=told)),
        max_tokens=ANSWER_TOKENS,
    )
