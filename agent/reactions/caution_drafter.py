"""The caution drafter watches over who knows what: after a scene, and where a turn was rewritten or deleted.

What it drafts is made from turns that all of its audience has witnessed, so a caution can never tell anybody what
they have not seen themselves.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, Field

from agent import decisions
from agent.reactions.reading import newest_that_fit, prompt, reader, window
from agent.reactions.watching import Watched, watched
from agent.subscriptions.base import Done, Outcome, Reaction, Skip
from chat.database import in_thread
from chat.llm import word_reader
from chat.llm.client import LanguageModel
from chat.log.models import Event
from chat.story.fact_payloads import DecisionRegistered
from chat.story.models import Turn
from chat.story.payloads import SceneClosed, kind_of
from chat.story.rewriting_payloads import TurnDeleted, TurnSuperseded

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


class CautionDrafter(Reaction):
    """Drafts a caution for the owner to promote or decline, and anew when a turn that it was made from has fallen.

    Usually it decides that none is needed.
    """

    name: ClassVar[str] = "caution_drafter"
    kinds: ClassVar[tuple[str, ...]] = tuple(map(kind_of, (TurnSuperseded, TurnDeleted, SceneClosed)))
    keeps: ClassVar[str] = "the cautions"
    loss: ClassVar[str] = "No caution will be drafted from this."

    async def react(self, event: Event) -> Outcome:
        """Look at the closed scene, or at what stands where a turn was rewritten or deleted."""
        looks = await in_thread(watched, event)
        if not looks:
            return Skip("nothing stands here to look at")
        model = reader()
        decided = [await _decided(model, look) for look in looks]
        return Done(decided, turns=tuple({turn.id for look in looks for turn in look.turns}))


async def _decided(model: LanguageModel | None, look: Watched) -> DecisionRegistered:
    turns = [turn.id for turn in look.turns]
    if model is None:
        return decisions.no_caution(
            reasoning="The word reader drafts no cautions.", turns=turns, decided_by=word_reader.NAME
        )
    if not look.may_hear:
        return decisions.no_caution(
            reasoning="Nobody saw all of it, so nobody may be cautioned.", turns=turns, decided_by="rule"
        )
    kept = newest_that_fit(look.turns, tokens=window(model))
    said = await model.structured(prompt(INSTRUCTIONS, _material(look, kept)), Caution)
    audience = _audience(said, look)
    text = " ".join(said.text.split())[:TEXT_CHARACTERS]
    if not (said.needed and text and audience):
        return decisions.no_caution(reasoning=said.reasoning.strip(), turns=turns, decided_by=model.name)
    return decisions.caution_drafted(
        text, audience=audience, reasoning=said.reasoning.strip(), turns=turns, decided_by=model.name
    )


def _material(look: Watched, turns: Sequence[Turn]) -> str:
    may_hear = ", ".join(look.names[who] for who in look.may_hear if who in look.names)
    lines = [f"{turn.speaker_name} [{_witnesses(turn, look.names)}]: {turn.text}" for turn in turns]
    return f"May be cautioned: {may_hear}.\n\n" + "\n\n".join(lines)


def _witnesses(turn: Turn, names: dict[int, str]) -> str:
    return ", ".join(names[witness] for witness in turn.witnesses if witness in names)


def _audience(said: Caution, look: Watched) -> list[int]:
    named = {name.strip().casefold() for name in said.audience}
    return [who for who in look.may_hear if look.names.get(who, "").casefold() in named]
