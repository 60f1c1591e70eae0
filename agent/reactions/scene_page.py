"""What is read of a scene that was closed: its live turns, and for each reader those that it saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from chat.story.bonds import PLAYER
from chat.story.fact_models import Memory, StoryEvent, StoryTransition
from chat.story.models import Chat, Scene, Turn


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenePage:
    """A closed scene."""

    chat: int
    scene: int
    #: The position at which the next scene was opened; None: none was.
    until: int | None
    title: str
    persona: str
    #: Live, in story order.
    turns: tuple[Turn, ...]
    #: Names of the cast by id.
    names: Mapping[int, str]
    #: What each saw, by character; all of it for the player (0).
    seen: Mapping[int, tuple[Turn, ...]]

    def witnesses_of_all(self) -> list[int]:
        """The characters who saw every turn of it."""
        return [who for who, turns in self.seen.items() if who != PLAYER and len(turns) == len(self.turns)]


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a scene without reading it: (title, status) pairs, (memory, importance) pairs, open titles."""

    moves: Sequence[tuple[str, str]]
    memories: Sequence[tuple[str, int]]
    open: Sequence[str]


def scene_page(chat_id: int, scene_id: int) -> ScenePage | None:
    """The page of a scene; None when it is open or nothing that was said in it stands."""
    chat = Chat.objects.get(id=chat_id)
    scene = Scene.objects.filter(chat=chat, id=scene_id).exclude(closed_at=None).first()
    turns = tuple(chat.turns.live().filter(scene=scene_id).in_story_order())
    if scene is None or not turns:
        return None
    names = dict(chat.cast.values_list("character", "name"))
    seen = {who: tuple(turn for turn in turns if who in turn.witnesses) for who in names}
    return ScenePage(
        chat=chat_id,
        scene=scene_id,
        until=chat.scenes.filter(id__gt=scene_id).order_by("id").values_list("id", flat=True).first(),
        title=scene.title,
        persona=chat.persona,
        turns=turns,
        names=names,
        seen={PLAYER: turns} | {who: saw for who, saw in seen.items() if saw},
    )


def found_in(page: ScenePage, who: int) -> Found:
    """What the scene has caused, as far as this reader (0: the player) may know of it."""
    turns = [turn.id for turn in page.seen[who]]
    moves = [move for move in _moves(page, turns) if who == PLAYER or who in move.witnesses]
    titles = {one.id: one for one in StoryEvent.objects.filter(id__in=[move.story_event for move in moves])}
    memories = Memory.objects.filter(turn__in=turns).active().order_by("place", "id")
    if who != PLAYER:
        titles = {id_: one for id_, one in titles.items() if one.witnesses is None or who in one.witnesses}
        memories = memories.filter(witness=who)
    last = {titles[move.story_event].title: move.status for move in moves if move.story_event in titles}
    return Found(
        moves=[(title, status) for title, status in last.items() if status != StoryEvent.Status.ACTIVE],
        memories=list(dict.fromkeys(memories.values_list("text", "importance"))),
        open=[title for title, status in last.items() if status == StoryEvent.Status.ACTIVE],
    )


def _moves(page: ScenePage, turns: Sequence[int]) -> QuerySet[StoryTransition]:
    """What these turns have moved, and what the player moved by hand while the scene was played."""
    by_hand = Q(turn=None, place__gt=page.scene)
    if page.until is not None:
        by_hand &= Q(place__lt=page.until)
    moves = StoryTransition.objects.filter(Q(turn__in=turns) | by_hand, chat=page.chat)
    return moves.standing().order_by("place", "id")
