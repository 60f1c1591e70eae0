"""What the chat page and its JSON show of the facts: what is afoot, memories, relationships, milestones, decisions."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chat.llm import word_reader
from chat.llm.client import get_reader
from chat.llm.errors import NoReaderError
from chat.story import decisions
from chat.story.bonds import PLAYER, Bond, bonds
from chat.story.fact_models import Decision, Memory, Milestone, StoryEvent
from chat.story.models import Chat, Turn

#: Memories of each character on the panel, newest first; the rest is told by their number.
SHOWN_MEMORIES = 6
ORDER = (
    StoryEvent.Status.ACTIVE,
    StoryEvent.Status.PLANNED,
    StoryEvent.Status.COMPLETED,
    StoryEvent.Status.CANCELLED,
)

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
class Mind:
    """What one of the cast remembers."""

    character: int
    name: str
    memories: list[Shown[Memory]]
    more: int


def story_panel(chat: Chat, *, owner: bool) -> Context:
    """Everything on the panel's Story tab, and who remembers what; `owner` may decide on cautions."""
    names = names_of(chat)
    events = list(StoryEvent.objects.filter(chat=chat).visible().order_by("place", "id"))
    memories = list(Memory.objects.filter(chat=chat).active().order_by("-place", "-id"))
    milestones = list(Milestone.objects.filter(chat=chat).live().order_by("place", "id"))
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
        "story_events": [
            Shown(event, causes.of(event.because_of), begun_by_nobody=event.id in lost)
            for status in ORDER
            for event in events
            if event.status == status
        ],
        "minds": {mind.character: mind for mind in _minds(names, memories, causes)},
        "milestones": [Shown(one, causes.of(one.turn)) for one in milestones],
        "bonds": [_bond(bond, names, causes) for bond in felt],
        "cautions": _cautions(chat, names) if owner else [],
        "previously": previously(chat),
        "reader": reader_sentence(),
    }


def story_json(chat: Chat) -> dict[str, Any]:
    """The facts as JSON: `because_of` is the id of the turn that caused one, null when it was done by hand."""
    names = names_of(chat)
    active = set(Memory.objects.filter(chat=chat).active().values_list("id", flat=True))
    decided = list(Decision.objects.filter(chat=chat).order_by("id"))
    stale = decisions.stale_of(decided)
    return {
        "story_events": [
            {
                "id": one.id,
                "title": one.title,
                "description": one.description,
                "status": one.status,
                "because_of": one.because_of,
            }
            for one in StoryEvent.objects.filter(chat=chat).visible().order_by("place", "id")
        ],
        "memories": [
            {
                "id": one.id,
                "witness": names.get(one.witness, ""),
                "witness_id": one.witness,
                "text": one.text,
                "importance": one.importance,
                "because_of": one.turn,
                "active": one.id in active,
            }
            for one in Memory.objects.filter(chat=chat).order_by("place", "id")
        ],
        "relationships": [_bond_json(bond, names) for bond in bonds(chat)],
        "milestones": [
            {"id": one.id, "story_event": one.story_event, "text": one.text, "because_of": one.turn}
            for one in Milestone.objects.filter(chat=chat).live().order_by("place", "id")
        ],
        "decisions": [_decision_json(one, stale=one.id in stale) for one in decided],
    }


def names_of(chat: Chat) -> dict[int, str]:
    """Names by character, the player's under 0."""
    return dict(chat.cast.order_by("id").values_list("character", "name")) | {PLAYER: chat.persona}


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
    """Turns by id as they are called on screen, found with two queries."""

    def __init__(self, chat: Chat, turns: Iterable[int | None]) -> None:
        wanted = {turn for turn in turns if turn is not None}
        self._found = dict(Turn.objects.filter(chat=chat, id__in=wanted).values_list("id", "place")) if wanted else {}
        self._places = list(chat.turns.live().order_by("place").values_list("place", flat=True)) if wanted else []

    def of(self, turn: int | None) -> Because | None:
        place = self._found.get(turn) if turn is not None else None
        if turn is None or place is None:
            return None
        return Because(turn, place, bisect_right(self._places, place))


def _minds(names: dict[int, str], memories: list[Memory], causes: _Causes) -> Iterable[Mind]:
    for character, name in names.items():
        own = [memory for memory in memories if memory.witness == character]
        if own:
            shown = [Shown(memory, causes.of(memory.turn)) for memory in own[:SHOWN_MEMORIES]]
            yield Mind(character, name, shown, len(own) - len(shown))


def _bond(bond: Bond, names: dict[int, str], causes: _Causes) -> Context:
    return {
        "of": names[bond.character],
        "toward": names[bond.toward],
        "level": bond.level,
        "word": bond.short_word,
        "why": bond.why,
        "because": causes.of(bond.because_of),
    }


def _bond_json(bond: Bond, names: dict[int, str]) -> dict[str, Any]:
    return {
        "character": names.get(bond.character, ""),
        "character_id": bond.character,
        "toward": names.get(bond.toward, ""),
        "toward_id": bond.toward,
        "level": bond.level,
        "word": bond.word,
        "why": bond.why,
        "because_of": bond.because_of,
    }


def _decision_json(decision: Decision, *, stale: bool) -> dict[str, Any]:
    return {
        "id": decision.id,
        "context": decision.context,
        "choice": decision.choice,
        "reasoning": decision.reasoning,
        "decided_by": decision.decided_by,
        "turns": decision.turns,
        "about": decision.about,
        "scene": decision.scene,
        "verdict": decision.verdict,
        "stale": stale,
        **decision.body,
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
