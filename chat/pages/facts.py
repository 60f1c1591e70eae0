"""What players see of a story's facts: what is afoot, memories, relationships, milestones, cautions to decide on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from chat.llm import word_reader
from chat.llm.client import get_reader
from chat.llm.errors import NoReaderError
from chat.story import decisions
from chat.story.bonds import Bond, bonds, names_of
from chat.story.fact_models import Decision, Memory, Milestone, StoryEvent
from chat.story.models import Chat
from chat.turns.numbers import numbers_of

#: Of what is over, of each character's memories and of the milestones the panel shows the newest; the page all.
SHOWN = 6
OPEN = (StoryEvent.Status.ACTIVE, StoryEvent.Status.PLANNED)

type Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Because:
    """The turn that caused a fact: where its link leads and how it is called on screen."""

    turn: int
    place: int
    #: The how manieth turn of the story it is.
    number: int


@dataclass(frozen=True, slots=True)
class Shown[T]:
    """A fact with the turn that caused it; None: by hand."""

    fact: T
    because: Because | None
    #: A story event under way although the turn that began it was rewritten.
    begun_by_nobody: bool = False


@dataclass(frozen=True, slots=True)
class Newest[T]:
    """The newest facts of one sort, and how many older ones there are."""

    shown: list[T]
    more: int


@dataclass(frozen=True, slots=True)
class Mind:
    """What one of the cast remembers."""

    character: int
    name: str
    memories: Newest[Shown[Memory]]

    @property
    def anchor(self) -> str:
        """Where its memories stand on the page of all facts."""
        return f"mind-{self.character}"


def story_panel(chat: Chat, *, owner: bool, whole: bool = False) -> Context:
    """What the Story tab shows, or with `whole` its page, where nothing is left out; `owner` may decide on cautions."""
    most = None if whole else SHOWN
    names = names_of(chat)
    events = list(StoryEvent.objects.filter(chat=chat).visible().order_by("place", "id"))
    over = sorted((one for one in events if one.status not in OPEN), key=lambda one: -one.status_position)
    memories = _newest_memories(chat, most)
    milestones = list(Milestone.objects.filter(chat=chat).live().order_by("-place", "-id"))
    felt = [bond for bond in bonds(chat) if bond.character in names and bond.toward in names]
    causes = _Causes(
        chat,
        [
            *(event.because_of for event in events),
            *(memory.turn for memory in memories),
            *(milestone.turn for milestone in milestones),
            *(bond.because_of for bond in felt),
        ],
    )
    lost = set(StoryEvent.objects.filter(chat=chat).begun_by_nobody().values_list("id", flat=True))
    return {
        "afoot": [
            replace(causes.shown(one, one.because_of), begun_by_nobody=one.id in lost)
            for status in OPEN
            for one in events
            if one.status == status
        ],
        "over": _newest([causes.shown(one, one.because_of) for one in over], most),
        "minds": list(_minds(names, memories, causes)),
        "milestones": _newest([causes.shown(one, one.turn) for one in milestones], most),
        "bonds": [_bond(bond, names, causes) for bond in felt],
        "cautions": _cautions(chat, names) if owner else [],
        "previously": previously(chat),
        "reader": reader_sentence(),
    }


def previously(chat: Chat) -> str:
    """What happened in the scene that was closed last, for the player; "" when no debrief stands."""
    debriefs = decisions.debriefs(chat)
    return str(debriefs[-1].body.get("text", "")) if debriefs else ""


def reader_sentence() -> str:
    """Which reader is at work."""
    try:
        return f"{get_reader().name} reads each turn."
    except NoReaderError:
        why = "was asked for" if settings.READER == "words" else "is at work: no model that reads is connected"
        return f"The word reader ({word_reader.NAME}) {why}. It goes by names and the words of what is planned."


class _Causes:
    """Turns by id as they are called on screen, found with few queries, however long the story."""

    def __init__(self, chat: Chat, turns: Iterable[int | None]) -> None:
        wanted = {turn for turn in turns if turn is not None}
        self._found = chat.turns.only("id", "chat_id", "place").in_bulk(wanted) if wanted else {}
        self._numbers = numbers_of(self._found.values())

    def of(self, turn: int | None) -> Because | None:
        found = self._found.get(turn) if turn is not None else None
        return Because(found.id, found.place, self._numbers[found.id]) if found else None

    def shown[T](self, fact: T, turn: int | None) -> Shown[T]:
        return Shown(fact, self.of(turn))


def _newest[T](newest_first: list[T], most: int | None) -> Newest[T]:
    shown = newest_first[:most]
    return Newest(shown, len(newest_first) - len(shown))


def _newest_memories(chat: Chat, most: int | None) -> list[Any]:
    """Of each witness the newest, newest first, each with how many it has; one query however long the story."""
    nth = Window(RowNumber(), partition_by=[F("witness")], order_by=[F("place").desc(), F("id").desc()])
    of = Window(Count("id"), partition_by=[F("witness")])
    memories = Memory.objects.filter(chat=chat).active().annotate(nth=nth, of=of)
    return list((memories.filter(nth__lte=most) if most else memories).order_by("-place", "-id"))


def _minds(names: dict[int, str], memories: list[Any], causes: _Causes) -> Iterable[Mind]:
    for character, name in names.items():
        own = [memory for memory in memories if memory.witness == character]
        if own:
            shown = [causes.shown(memory, memory.turn) for memory in own]
            yield Mind(character, name, Newest(shown, own[0].of - len(own)))


def _bond(bond: Bond, names: dict[int, str], causes: _Causes) -> Context:
    return {
        "of": names[bond.character],
        "toward": names[bond.toward],
        "level": bond.level,
        "word": bond.short_word,
        "why": bond.why,
        "because": causes.of(bond.because_of),
    }


def _cautions(chat: Chat, names: dict[int, str]) -> list[Context]:
    """Those to decide on, and those in force."""
    drafted = list(
        Decision.objects.filter(chat=chat, choice=decisions.CAUTION_DRAFTED)
        .exclude(verdict=decisions.DECLINED)
        .order_by("id")
    )
    stale = decisions.stale_of(drafted)
    return [
        {
            "id": one.id,
            "text": one.body.get("text", ""),
            "audience": ", ".join(names.get(who, "") for who in one.body.get("audience", [])),
            "reasoning": one.reasoning,
            "promoted": one.verdict == decisions.PROMOTED,
        }
        for one in drafted
        if one.id not in stale
    ]
