"""The caution drafter watches over who knows what: after a scene, and where a turn was rewritten.

What it drafts is made from turns that all of its audience has witnessed, so a caution can never tell anybody what
they have not seen themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, Field

from agent import decisions
from agent.reactions.reading import newest_that_fit, prompt, reader, window
from agent.reactions.scene_page import scene_page
from agent.subscriptions.base import Done, Outcome, Reaction, Skip, chat_of
from chat.database import in_thread
from chat.llm import word_reader
from chat.llm.client import LanguageModel
from chat.log.models import Event
from chat.story.fact_payloads import DecisionRegistered
from chat.story.models import Chat, Turn
from chat.story.payloads import SceneClosed, kind_of
from chat.story.rewriting_payloads import TurnSuperseded

#: Of a rewritten turn the later ones that are read with it.
LATER_TURNS = 8
TEXT_CHARACTERS = 300
INSTRUCTIONS = """\
You watch over who knows what in a story. Each turn names in brackets who witnessed it. Say whether some of those who \
may be cautioned need one short caution, so that they do not give away or presume what another has not witnessed, for \
example to Ilse: “Mara does not know of the letter.” Usually nobody needs one."""


class Caution(BaseModel):
    """A caution, or none."""

    needed: bool
    text: str = Field(description="One sentence; empty when none is needed")
    audience: list[str] = Field(description="Names of those it is for, never of the one it protects against")
    reasoning: str = Field(description="Why, in one sentence")


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """Turns to look at, and whom a caution made from them may be for."""

    turns: tuple[Turn, ...]
    names: dict[int, str]
    may_hear: tuple[int, ...]


class CautionDrafter(Reaction):
    """Drafts a caution for the owner to promote or decline; usually decides that none is needed."""

    name: ClassVar[str] = "caution_drafter"
    kinds: ClassVar[tuple[str, ...]] = (kind_of(TurnSuperseded), kind_of(SceneClosed))
    keeps: ClassVar[str] = "the cautions"
    loss: ClassVar[str] = "No caution will be drafted from this."

    async def react(self, event: Event) -> Outcome:
        """Look at the closed scene, or at what stands where a turn was rewritten."""
        watched = await in_thread(_watched, event)
        if watched is None:
            return Skip("nothing stands here to look at")
        decided = await _decided(reader(), watched)
        return Done([decided], turns=decided.turns)


async def _decided(model: LanguageModel | None, watched: Watched) -> DecisionRegistered:
    turns = [turn.id for turn in watched.turns]
    if model is None:
        return decisions.no_caution(
            reasoning="The word reader drafts no cautions.", turns=turns, decided_by=word_reader.NAME
        )
    if not watched.may_hear:
        return decisions.no_caution(
            reasoning="Nobody saw all of it, so nobody may be cautioned.", turns=turns, decided_by="rule"
        )
    kept = newest_that_fit(watched.turns, tokens=window(model))
    said = await model.structured(prompt(INSTRUCTIONS, _material(watched, kept)), Caution)
    audience = _audience(said, watched)
    text = " ".join(said.text.split())[:TEXT_CHARACTERS]
    if not (said.needed and text and audience):
        return decisions.no_caution(reasoning=said.reasoning.strip(), turns=turns, decided_by=model.name)
    return decisions.caution_drafted(
        text, audience=audience, reasoning=said.reasoning.strip(), turns=turns, decided_by=model.name
    )


def _watched(event: Event) -> Watched | None:
    chat = Chat.objects.get(id=chat_of(event))
    names = dict(chat.cast.values_list("character", "name"))
    if event.kind == kind_of(SceneClosed):
        page = scene_page(chat.id, event.payload["scene"])
        if page is None:
            return None
        return Watched(turns=page.turns, names=names, may_hear=tuple(page.witnesses_of_all()))
    standing = chat.turns.live().filter(id=event.payload["by"]).first()
    if standing is None:
        return None
    later = chat.turns.live().filter(place__gt=standing.place).in_story_order()[:LATER_TURNS]
    saw = set(standing.witnesses)
    turns = (standing, *(turn for turn in later if saw <= set(turn.witnesses)))
    return Watched(turns=turns, names=names, may_hear=tuple(sorted(saw)))


def _material(watched: Watched, turns: Sequence[Turn]) -> str:
    may_hear = ", ".join(watched.names[who] for who in watched.may_hear if who in watched.names)
    lines = [f"{turn.speaker_name} [{_witnesses(turn, watched.names)}]: {turn.text}" for turn in turns]
    return f"May be cautioned: {may_hear}.\n\n" + "\n\n".join(lines)


def _witnesses(turn: Turn, names: dict[int, str]) -> str:
    return ", ".join(names[witness] for witness in turn.witnesses if witness in names)


def _audience(said: Caution, watched: Watched) -> list[int]:
    named = {name.strip().casefold() for name in said.audience}
    return [who for who in watched.may_hear if watched.names.get(who, "").casefold() in named]
