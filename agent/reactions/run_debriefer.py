"""The run debriefer looks back on a closed scene: for the player, and for each witness from what it saw."""

from typing import ClassVar

from pydantic import BaseModel, Field

from agent import decisions
from agent.reactions.reading import as_lines, newest_that_fit, prompt, reader, window
from agent.reactions.scene_page import ScenePage, found_in, scene_page
from agent.subscriptions.base import Done, Outcome, Reaction, Skip, chat_of
from chat.database import in_thread
from chat.llm import word_reader
from chat.llm.client import LanguageModel
from chat.log.models import Event
from chat.story.bonds import PLAYER
from chat.story.decisions import RUN_DEBRIEF
from chat.story.fact_models import Decision
from chat.story.fact_payloads import TurnRead
from chat.story.models import Turn
from chat.story.payloads import SceneClosed, kind_of
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded

INSTRUCTIONS = """\
You sum up a scene of a story, as it would stand under “Previously” at the head of the next one: in plain prose, in \
the third person and the past tense, and from nothing but the turns you are given."""


AS_IT_STANDS = "debriefed as it stands"


class Debrief(BaseModel):
    """A scene in a few sentences."""

    happened: str = Field(description="What happened, in two to four sentences")
    open: str = Field(description="What is left open, in one sentence; empty when nothing is")


class RunDebriefer(Reaction):
    """Debriefs a run (a scene, from opening to close), and once more when other turns of it stand than before.

    A turn of it may be read, and an interjection be written anew, after it was closed: `turn_read` tells of both.
    """

    name: ClassVar[str] = "run_debriefer"
    kinds: ClassVar[tuple[str, ...]] = tuple(
        map(kind_of, (SceneClosed, TurnSuperseded, TurnDeleted, TurnRestored, TurnRead))
    )
    accepts_late: ClassVar[bool] = True
    keeps: ClassVar[str] = "“Previously…”"
    loss: ClassVar[str] = "There will be no “Previously…” of this scene, for the player or for any witness."
    timeout: ClassVar[float] = 300.0

    async def react(self, event: Event) -> Outcome:
        """Debrief the event's scene."""
        scene = await in_thread(_scene_of, event)
        if scene is None:
            return Skip("no debrief rests on this turn")
        page = await in_thread(scene_page, chat_of(event), scene)
        if page is None:
            return Skip("nothing was said in this scene")
        turns, before = [turn.id for turn in page.turns], await in_thread(_newest, chat_of(event), scene)
        model = reader()
        if before is not None and before.turns == turns and not (model is None and _by_words_too(before)):
            return Skip(AS_IT_STANDS)
        parts = await in_thread(_by_words, page) if model is None else await _asked(model, page)
        decided = decisions.debriefed(
            page.scene,
            text=parts.pop(PLAYER),
            parts=parts,
            turns=turns,
            decided_by=word_reader.NAME if model is None else model.name,
        )
        if before is not None and (before.turns, before.body) == (turns, decided.body):
            return Skip(AS_IT_STANDS)
        return Done([decided], turns=tuple(turns))


def _scene_of(event: Event) -> int | None:
    """The scene to debrief: the one that was closed, or the one of another turn if it was debriefed before."""
    if event.kind == kind_of(SceneClosed):
        return int(event.payload["scene"])
    scene = Turn.objects.filter(id=event.payload["turn"]).values_list("scene", flat=True).first()
    return scene if scene is not None and _newest(chat_of(event), scene) is not None else None


def _newest(chat: int, scene: int) -> Decision | None:
    return Decision.objects.filter(chat=chat, context=RUN_DEBRIEF, scene=scene).order_by("-id").first()


def _by_words_too(debrief: Decision) -> bool:
    """Whether it was made of what the turns had caused by then, which may have become more."""
    return debrief.decided_by == word_reader.NAME


def _by_words(page: ScenePage) -> dict[int, str]:
    parts = {}
    for who in page.seen:
        found = found_in(page, who)
        parts[who] = word_reader.debrief(found.moves, found.memories, found.open)
    return parts


async def _asked(model: LanguageModel, page: ScenePage) -> dict[int, str]:
    """One question for all who saw the same turns."""
    said: dict[tuple[int, ...], str] = {}
    parts = {}
    for who, turns in page.seen.items():
        saw = tuple(turn.id for turn in turns)
        if saw not in said:
            kept = newest_that_fit(turns, tokens=window(model))
            material = f"The scene: {page.title or 'unnamed'}. The player is {page.persona}.\n\n{as_lines(kept)}"
            answer = await model.structured(prompt(INSTRUCTIONS, material), Debrief)
            said[saw] = f"{answer.happened.strip()} {answer.open.strip()}".strip()
        parts[who] = said[saw]
    return parts
