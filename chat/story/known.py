"""What a character knows beside the turns it witnessed, as of a place: the ingredients of its prompts.

Every ingredient has its witnesses: memories and relationships are the character's own, a debrief has a part written
for it from the turns it saw, a caution names its audience, and a story event is known to those who witnessed both
its planning (unless the player planned it) and its start. Planned story events are known to nobody.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from chat.statements import composed
from chat.story import decisions
from chat.story.bonds import bonds, names_of
from chat.story.fact_models import Memory, StoryEvent, StoryTransition, live_turn
from chat.story.models import END, Chat
from chat.story.retrieval import Candidate, recalled

#: Of each character the newest so many memories are weighed.
MOST_MEMORIES = 1000
#: A memory costs about a token per four characters, and some for its line.
CHARACTERS_PER_TOKEN = 4
TOKENS_PER_LINE = 2


@dataclass(slots=True)
class Stood:
    """How a story event stood as of a place, once something had moved it."""

    status: str
    #: Those who were there when it began last, and the turn that began it (None: by hand).
    begun_before: Collection[int] = ()
    begun_by: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """What one character knows; each a sentence or a few."""

    #: Of each closed scene what it saw there, oldest first.
    before: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    bonds: tuple[str, ...] = ()
    #: Titles of story events under way.
    afoot: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


def known_to(chat: Chat, character: int, *, before: int = END, about: str, tokens: int) -> Knowledge:
    """What a character knows from causes with an earlier place; its memories within `tokens`."""
    return Knowledge(
        before=tuple(_debriefs(chat, character, before)),
        memories=tuple(_memories(chat, character, before, about, tokens)),
        bonds=tuple(_bonds(chat, character, before)),
        afoot=tuple(_afoot(chat, character, before)),
        cautions=tuple(_cautions(chat, character, before)),
    )


def _debriefs(chat: Chat, character: int, before: int) -> Iterable[str]:
    for debrief in decisions.debriefs(chat, before=before):
        if part := debrief.body.get("parts", {}).get(str(character)):
            yield part


def _memories(chat: Chat, character: int, before: int, about: str, tokens: int) -> list[str]:
    memories = _remembered(chat.id, character, before)[::-1]
    candidates = [Candidate(text, importance, _cost(text)) for text, importance in memories]
    return [candidates[index].text for index in recalled(candidates, about=about, tokens=tokens)]


@composed
def _remembered(chat: int, character: int, before: int) -> "QuerySet[Memory, tuple[str, int]]":
    memories = Memory.objects.filter(chat=chat, witness=character, place__lt=before).active()
    return memories.order_by("-place", "-id").values_list("text", "importance")[:MOST_MEMORIES]


def _bonds(chat: Chat, character: int, before: int) -> Iterable[str]:
    felt = [bond for bond in bonds(chat, character=character, before=before) if bond.level]
    if not felt:
        return
    names = names_of(chat)
    for bond in felt:
        if bond.toward in names:
            yield f"{names[character]} {bond.word} {_object(names[bond.toward])}."


def _object(name: str) -> str:
    return "the player" if name == "You" else name


def stood(chat: int, *, before: int = END) -> dict[int, Stood]:
    """By id the story events that were moved from causes with an earlier place; all others are as planned."""
    found: dict[int, Stood] = {}
    for story_event, status, witnesses, turn in _transitions(chat, before):
        one = found.setdefault(story_event, Stood(status))
        one.status = status
        if status == StoryEvent.Status.ACTIVE:
            one.begun_before, one.begun_by = witnesses, turn
    return found


def _afoot(chat: Chat, character: int, before: int) -> list[str]:
    under_way = [
        story_event
        for story_event, one in stood(chat.id, before=before).items()
        if one.status == StoryEvent.Status.ACTIVE and character in one.begun_before
    ]
    if not under_way:
        return []
    # Stricter than what a player sees: the title of one whose planning was rewritten may quote the old writing.
    planned = Q(planned_by=None) | live_turn("planned_by")
    known = StoryEvent.objects.filter(planned, id__in=under_way).before(before).order_by("place", "id")
    return [one.title for one in known if one.witnesses is None or character in one.witnesses]


@composed
def _transitions(chat: int, before: int) -> "QuerySet[StoryTransition, tuple[int, str, list[int], int | None]]":
    transitions = StoryTransition.objects.filter(chat=chat, place__lt=before).standing().order_by("id")
    return transitions.values_list("story_event", "status", "witnesses", "turn")


def _cautions(chat: Chat, character: int, before: int) -> Iterable[str]:
    for caution in decisions.cautions(chat, before=before):
        if character in caution.body.get("audience", []):
            yield str(caution.body["text"])


def _cost(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN + TOKENS_PER_LINE
