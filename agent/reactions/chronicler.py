"""The Chronicler reads each settled turn, once: what it moves, who remembers it, who feels otherwise."""

from typing import ClassVar, cast

from agent.reactions.chronicle import Chronicle, by_words, entry
from agent.reactions.reading import as_lines, newest_that_fit, prompt, reader, window
from agent.reactions.turn_page import TurnPage, page_of
from agent.subscriptions.base import Done, Outcome, Reaction, Skip, chat_of
from chat.database import in_thread
from chat.llm import word_reader
from chat.llm.client import LanguageModel
from chat.log.models import Event
from chat.story.fact_models import StoryEvent, TurnReading
from chat.story.lifecycle import Status
from chat.story.payloads import AssistantTurn, Payload, UserTurn, kind_of
from chat.story.rewriting_payloads import TurnRestored

INSTRUCTIONS = """\
You keep the chronicle of a story that is told in turns. You are given its latest turn, with a few before it, and say \
what the latest turn changes, strictly from its words. Most turns change little: leave a list empty rather than guess.
- planned: what the turn makes likely to happen later (a promise, a plan, a threat); nothing that is listed already.
- moved: of the listed story events those that the turn begins (active), brings to their end (completed), or makes \
impossible (cancelled).
- memories: for each of those present at most two things worth remembering for a long time, from what they themselves \
could see and hear in the latest turn.
- feelings: whose feelings toward whom the turn changes, and by how much."""


class Chronicler(Reaction):
    """Writes what a turn has caused, and that it was read, even when it has caused nothing."""

    name: ClassVar[str] = "chronicler"
    kinds: ClassVar[tuple[str, ...]] = (kind_of(UserTurn), kind_of(AssistantTurn), kind_of(TurnRestored))
    accepts_late: ClassVar[bool] = True
    keeps: ClassVar[str] = "what is afoot and what they remember"
    loss: ClassVar[str] = "No story events, memories or relationships will be read from this turn."

    async def react(self, event: Event) -> Outcome:
        """Read the event's turn with the model, or by words alone, if nobody has yet.

        A turn comes twice when it was brought back, or is redelivered after that.
        """
        turn = event.payload["turn"] if event.kind == kind_of(TurnRestored) else event.position
        page = await in_thread(page_of, chat_of(event), turn, reader=self.name)
        if page is None:
            return Skip("superseded meanwhile")
        if await in_thread(_was_read, turn):
            return Skip("read before")
        model = reader()
        chronicle = by_words(page) if model is None else await _asked(model, page)
        name = word_reader.NAME if model is None else model.name

        def payloads() -> list[Payload]:
            # Under the lock: the player may have moved a story event by hand while the model was asked.
            return entry(page, chronicle, reader=name, statuses=_statuses(page)).payloads

        expected = entry(page, chronicle, reader=name, statuses=_statuses_as_read(page))
        return Done(payloads, note=expected.note, turns=page.rests_on)


def _was_read(turn: int) -> bool:
    return TurnReading.objects.filter(turn=turn).exists()


async def _asked(model: LanguageModel, page: TurnPage) -> Chronicle:
    return await model.structured(prompt(INSTRUCTIONS, material(page, tokens=window(model))), Chronicle)


def material(page: TurnPage, *, tokens: int) -> str:
    """What the model is given of a turn."""
    *earlier, latest = newest_that_fit([*page.earlier, page.turn], tokens=tokens)
    listed = [f"{one.id}. {one.title} ({'active' if one.active else 'planned'})" for one in page.open]
    parts = [
        f"Present: {', '.join(page.witnesses.values())}. The player is {page.persona}.",
        "Story events:\n" + ("\n".join(listed) or "(none)"),
        f"Before:\n{as_lines(earlier)}" if earlier else "",
        f"The latest turn:\n{as_lines([latest])}",
    ]
    return "\n\n".join(part for part in parts if part)


def _statuses(page: TurnPage) -> dict[int, Status]:
    listed = [one.id for one in (*page.open, *page.hidden)]
    # Visible still: what a turn planned that was rewritten meanwhile is not brought back by a late answer.
    found = StoryEvent.objects.filter(id__in=listed).visible().values_list("id", "status")
    return {story_event: cast("Status", status) for story_event, status in found}


def _statuses_as_read(page: TurnPage) -> dict[int, Status]:
    return {one.id: "active" if one.active else "planned" for one in (*page.open, *page.hidden)}
