"""What the Chronicler reads of a turn: only what every witness of it has witnessed too.

So nothing that it writes for one of them can come from a turn which that one did not see. Story events that were
planned or begun out of sight of a witness (`hidden`) are kept from the model; words alone tell whether the turn moves
them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.subscriptions.interventions import dismissed_of
from chat.llm.word_reader import Afoot
from chat.story.bonds import PLAYER
from chat.story.fact_models import StoryEvent
from chat.story.known import Stood, stood
from chat.story.lifecycle import Cause
from chat.story.models import Chat, Turn

EARLIER_TURNS = 8
#: Turns looked at for those.
_LOOKED_AT = 40
_OPEN = (StoryEvent.Status.PLANNED, StoryEvent.Status.ACTIVE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnPage:
    """A turn with its surroundings."""

    chat: int
    turn: Turn
    cause: Cause
    persona: str
    #: Names by id.
    witnesses: dict[int, str]
    #: Turns before it, oldest first.
    earlier: tuple[Turn, ...]
    open: tuple[Afoot, ...]
    hidden: tuple[Afoot, ...]
    #: Titles of everything afoot or past, without regard to case.
    titles: frozenset[str]
    #: The turns that all of this was taken from: its own, those before it, those that planned or began what is afoot.
    rests_on: tuple[int, ...]

    @property
    def names(self) -> dict[str, int]:
        """Ids by name without regard to case, the player's too; the witnesses and nobody else."""
        named = {name.casefold(): character for character, name in self.witnesses.items()}
        return {"you": PLAYER, "the player": PLAYER, self.persona.casefold(): PLAYER} | named


def page_of(chat_id: int, turn_id: int, *, reader: str) -> TurnPage | None:
    """The page of a turn as of its place; None when the turn is no longer live.

    Turns that the Reaction `reader` was spared are left out of what stands before it: what choked it once would again.
    """
    turn = Turn.objects.live().filter(chat=chat_id, id=turn_id).first()
    if turn is None:
        return None
    chat = Chat.objects.get(id=chat_id)
    story_events = list(StoryEvent.objects.filter(chat=chat).visible().before(turn.place).order_by("id"))
    scope = set(turn.witnesses)
    moved = stood(chat_id, before=turn.place)
    still_open = [one for one in story_events if one.id not in moved or moved[one.id].status in _OPEN]
    active = {id_: one for id_, one in moved.items() if one.status == StoryEvent.Status.ACTIVE}
    names = dict(chat.cast.values_list("character", "name"))
    earlier = _earlier(chat, turn, scope, reader)
    return TurnPage(
        chat=chat_id,
        turn=turn,
        cause=Cause(user_turn=turn.id) if turn.kind == Turn.Kind.USER else Cause(assistant_turn=turn.id),
        persona=chat.persona,
        witnesses={witness: names[witness] for witness in turn.witnesses if witness in names},
        earlier=earlier,
        open=_afoot(still_open, active, scope, seen=True),
        hidden=_afoot(still_open, active, scope, seen=False),
        titles=frozenset(one.title.casefold() for one in story_events),
        rests_on=(turn.id, *(one.id for one in earlier), *_causes(chat, still_open, active)),
    )


def _earlier(chat: Chat, turn: Turn, scope: set[int], reader: str) -> tuple[Turn, ...]:
    before = list(chat.turns.live().filter(place__lt=turn.place).order_by("-place", "-id")[:_LOOKED_AT])
    spared = dismissed_of(reader, [one.id for one in before])
    seen = [one for one in before if scope <= set(one.witnesses) and one.id not in spared]
    return tuple(seen[:EARLIER_TURNS][::-1])


def _causes(chat: Chat, still_open: Iterable[StoryEvent], active: Mapping[int, Stood]) -> Iterable[int]:
    turns = [*(one.planned_by for one in still_open), *(one.begun_by for one in active.values())]
    return chat.turns.live().filter(id__in={turn for turn in turns if turn}).values_list("id", flat=True)


def _afoot(
    still_open: Iterable[StoryEvent], active: Mapping[int, Stood], scope: set[int], *, seen: bool
) -> tuple[Afoot, ...]:
    found = [one for one in still_open if _seen_by(one, active, scope) is seen]
    return tuple(Afoot(one.id, one.title, active=one.id in active) for one in found)


def _seen_by(story_event: StoryEvent, active: Mapping[int, Stood], scope: set[int]) -> bool:
    """Whether all of them were there when it was planned, and when it began."""
    if story_event.witnesses is not None and not scope <= set(story_event.witnesses):
        return False
    return story_event.id not in active or scope <= set(active[story_event.id].begun_before)
