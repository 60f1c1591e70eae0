"""Relationships: how each of the cast feels toward another or toward the player, as of a place.

A relationship is the sum of its live steps in story order, kept between -5 and 5 after each step.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from chat.statements import composed
from chat.story.fact_models import RelationshipChange
from chat.story.models import END, Chat

LOWEST, HIGHEST = -5, 5
#: Stands for the player where a character's id stands otherwise.
PLAYER = 0
WORDS = {
    -5: "hates", -4: "is hostile to", -3: "is bitter toward", -2: "is cold toward", -1: "is wary of",
    0: "is even with",
    1: "is open to", 2: "likes", 3: "is fond of", 4: "is devoted to", 5: "loves",
}  # fmt: skip
#: The same for a meter, where both names stand before it.
SHORT_WORDS = {
    -5: "hatred", -4: "hostile", -3: "bitter", -2: "cold", -1: "wary",
    0: "even",
    1: "open", 2: "warm", 3: "fond", 4: "devoted", 5: "love",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Bond:
    """How a character feels toward another (0: the player), and the newest step that made it so."""

    character: int
    toward: int
    level: int
    why: str
    because_of: int

    @property
    def word(self) -> str:
        """The level as a verb, to stand between the two names."""
        return WORDS[self.level]

    @property
    def short_word(self) -> str:
        """The level as an adjective."""
        return SHORT_WORDS[self.level]


def names_of(chat: Chat) -> dict[int, str]:
    """Names by character, the player's under 0."""
    return dict(chat.cast.order_by("id").values_list("character", "name")) | {PLAYER: chat.persona}


def clipped_sum(deltas: Iterable[int]) -> int:
    """The level that steps lead to."""
    level = 0
    for delta in deltas:
        level = max(LOWEST, min(HIGHEST, level + delta))
    return level


def bonds(chat: Chat, *, character: int | None = None, before: int = END) -> list[Bond]:
    """Every relationship that has ever moved, of one character or of all, from steps with an earlier place."""
    changes = _changes(chat.id, before) if character is None else _changes_of(chat.id, character, before)
    steps: dict[tuple[int, int], list[RelationshipChange]] = {}
    for change in changes:
        steps.setdefault((change.character, change.toward), []).append(change)
    return [
        Bond(
            character=of,
            toward=toward,
            level=clipped_sum(change.delta for change in taken),
            why=taken[-1].why,
            because_of=taken[-1].turn,
        )
        for (of, toward), taken in steps.items()
    ]


@composed
def _changes(chat: int, before: int) -> "QuerySet[RelationshipChange]":
    return RelationshipChange.objects.filter(chat=chat, place__lt=before).active().order_by("place", "id")


@composed
def _changes_of(chat: int, character: int, before: int) -> "QuerySet[RelationshipChange]":
    changes = RelationshipChange.objects.filter(chat=chat, character=character, place__lt=before)
    return changes.active().order_by("place", "id")
