"""What the Chronicler finds in a turn: the form of a reader's answer, and what of it is written to the log."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, Field

from agent.reactions.turn_page import TurnPage
from chat.llm import word_reader
from chat.story.bonds import PLAYER
from chat.story.fact_payloads import EventPlanned, MemoryFormed, MilestoneReached, RelationshipChanged, TurnRead
from chat.story.lifecycle import Status, transitions
from chat.story.payloads import Payload

MOST_PLANNED, MOST_MEMORIES, LARGEST_DELTA = 3, 2, 2
TITLE_CHARACTERS, TEXT_CHARACTERS = 200, 500


class Planned(BaseModel):
    """Something that this turn makes likely to happen later in the story."""

    title: str = Field(description="A few words, such as: Open the sealed letter")
    description: str


class Moved(BaseModel):
    """A listed story event that this turn moves."""

    story_event: int = Field(description="The number that stands before it")
    to: Literal["active", "completed", "cancelled"]


class Remembered(BaseModel):
    """What one of those present will remember of this turn."""

    witness: str = Field(description="The name of one of those present")
    text: str = Field(description="One sentence, in the third person")
    importance: int = Field(description="1 (mundane) to 10 (life-changing)")


class Felt(BaseModel):
    """How this turn changes what one of those present feels toward another or toward the player."""

    character: str
    toward: str
    change: int = Field(description="-2, -1, 1 or 2")
    why: str = Field(description="A few words")


class Chronicle(BaseModel):
    """What a turn changes; empty lists when it changes nothing, which is usual."""

    planned: list[Planned]
    moved: list[Moved]
    memories: list[Remembered]
    feelings: list[Felt]


@dataclass(slots=True)
class Entry:
    """What is written of an answer, and what was dropped of it and why."""

    page: TurnPage
    payloads: list[Payload] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        """What was dropped, in one line; "" when all was taken."""
        return f"dropped: {'; '.join(self.dropped)}" if self.dropped else ""


def by_words(page: TurnPage) -> Chronicle:
    """What the word_reader finds."""
    names = page.witnesses | {PLAYER: page.persona}
    found = word_reader.read_turn(
        word_reader.Page(
            speaker=PLAYER if page.turn.speaker is None else page.turn.speaker,
            speaker_name=page.turn.speaker_name,
            text=page.turn.text,
            witnesses=page.witnesses,
            afoot=page.open,
        )
    )
    return Chronicle(
        planned=[],
        moved=[Moved(story_event=story_event, to=to) for story_event, to in found.moved],
        memories=[
            Remembered(witness=names[one.witness], text=one.text, importance=one.importance) for one in found.memories
        ],
        feelings=[
            Felt(character=names[one.character], toward=names[one.toward], change=one.delta, why=one.why)
            for one in found.feelings
            if one.toward in names
        ],
    )


def entry(page: TurnPage, chronicle: Chronicle, *, reader: str, statuses: Mapping[int, Status]) -> Entry:
    """What is written of a chronicle, given the statuses as they are now; `turn_read` last, whatever was found."""
    written = Entry(page)
    _moves(written, chronicle.moved, dict(statuses))
    _plans(written, chronicle.planned)
    _memories(written, chronicle.memories)
    _feelings(written, chronicle.feelings)
    written.payloads.append(TurnRead(turn=page.turn.id, reader=reader, note=written.note))
    return written


def _moves(written: Entry, moved: Iterable[Moved], statuses: dict[int, Status]) -> None:
    page = written.page
    for listed, moves in ((page.open, moved), (page.hidden, _hidden_moves(page))):
        titles = {one.id: one.title for one in listed}
        for move in moves:
            if move.story_event in titles and move.story_event in statuses:
                _move(written, move, titles[move.story_event], statuses)
            else:
                written.dropped.append(f"no story event {move.story_event}")


def _move(written: Entry, move: Moved, title: str, statuses: dict[int, Status]) -> None:
    status = statuses[move.story_event]
    steps = transitions(move.story_event, status=status, to=move.to, cause=written.page.cause)
    if not steps:
        written.dropped.append(f"story event {move.story_event} from {status} to {move.to}")
        return
    statuses[move.story_event] = move.to
    written.payloads += steps
    if move.to == "completed":
        turn = written.page.turn.id
        written.payloads.append(MilestoneReached(story_event=move.story_event, text=title, turn=turn))


def _hidden_moves(page: TurnPage) -> Iterator[Moved]:
    read = word_reader.Page(speaker=PLAYER, speaker_name="", text=page.turn.text, witnesses={}, afoot=page.hidden)
    for story_event, to in word_reader.read_turn(read).moved:
        yield Moved(story_event=story_event, to=to)


def _plans(written: Entry, planned: Iterable[Planned]) -> None:
    cause, titles = written.page.cause, set(written.page.titles)
    taken = 0
    for plan in planned:
        title = _short(plan.title, TITLE_CHARACTERS)
        if not title or title.casefold() in titles:
            written.dropped.append(f"planned again: {title}")
        elif taken == MOST_PLANNED:
            written.dropped.append(f"one plan too many: {title}")
        else:
            taken += 1
            titles.add(title.casefold())
            written.payloads.append(
                EventPlanned(
                    title=title,
                    description=_short(plan.description, TEXT_CHARACTERS),
                    triggered_by_assistant_turn_id=cause.assistant_turn,
                    triggered_by_user_turn_id=cause.user_turn,
                )
            )


def _memories(written: Entry, memories: Iterable[Remembered]) -> None:
    page = written.page
    taken = dict.fromkeys(page.witnesses, 0)
    for memory in memories:
        witness = page.names.get(memory.witness.strip().casefold(), PLAYER)
        if witness not in taken:
            written.dropped.append(f"a memory of {memory.witness}, who was not there")
        elif taken[witness] == MOST_MEMORIES:
            written.dropped.append(f"one memory too many of {memory.witness}")
        elif text := _short(memory.text, TEXT_CHARACTERS):
            taken[witness] += 1
            importance = max(1, min(10, memory.importance))
            formed = MemoryFormed(witness=witness, text=text, importance=importance, turn=page.turn.id)
            written.payloads.append(formed)


def _feelings(written: Entry, feelings: Iterable[Felt]) -> None:
    page = written.page
    seen: set[tuple[int, int]] = set()
    for felt in feelings:
        character = page.names.get(felt.character.strip().casefold(), PLAYER)
        toward = page.names.get(felt.toward.strip().casefold())
        delta = max(-LARGEST_DELTA, min(LARGEST_DELTA, felt.change))
        if character == PLAYER or toward is None or toward == character or (character, toward) in seen:
            written.dropped.append(f"a feeling of {felt.character} toward {felt.toward}")
        elif delta:
            seen.add((character, toward))
            why = _short(felt.why, TEXT_CHARACTERS)
            changed = RelationshipChanged(character=character, toward=toward, delta=delta, why=why, turn=page.turn.id)
            written.payloads.append(changed)


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
