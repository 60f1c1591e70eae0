"""What the Chronicler reads of a turn: only what every witness of it has witnessed too.

So nothing that it writes for one of them can come from a turn which that one did not see. Story events planned out
of sight of a witness (`hidden`) are kept from the model; words alone tell whether the turn moves them.
"""

from dataclasses import dataclass

from agent.subscriptions.interventions import dismissed_of
from chat.llm.word_reader import Afoot
from chat.story.bonds import PLAYER
from chat.story.fact_models import StoryEvent
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
    #: The turns that all of this was taken from: its own, those before it, and those that planned what is afoot.
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
    still_open = [one for one in story_events if one.status in _OPEN]
    names = dict(chat.cast.values_list("character", "name"))
    earlier = _earlier(chat, turn, scope, reader)
    planners = chat.turns.live().filter(id__in={one.planned_by for one in still_open if one.planned_by})
    return TurnPage(
        chat=chat_id,
        turn=turn,
        cause=Cause(user_turn=turn.id) if turn.kind == Turn.Kind.USER else Cause(assistant_turn=turn.id),
        persona=chat.persona,
        witnesses={witness: names[witness] for witness in turn.witnesses if witness in names},
        earlier=earlier,
        open=tuple(_afoot(one) for one in still_open if _seen_by(one, scope)),
        hidden=tuple(_afoot(one) for one in still_open if not _seen_by(one, scope)),
        titles=frozenset(one.title.casefold() for one in story_events),
        rests_on=(turn.id, *(one.id for one in earlier), *planners.values_list("id", flat=True)),
    )


def _earlier(chat: Chat, turn: Turn, scope: set[int], reader: str) -> tuple[Turn, ...]:
    before = list(chat.turns.live().filter(place__lt=turn.place).order_by("-place", "-id")[:_LOOKED_AT])
    spared = dismissed_of(reader, [one.id for one in before])
    seen = [one for one in before if scope <= set(one.witnesses) and one.id not in spared]
    return tuple(seen[:EARLIER_TURNS][::-1])


def _seen_by(story_event: StoryEvent, scope: set[int]) -> bool:
    return story_event.witnesses is None or scope <= set(story_event.witnesses)


def _afoot(story_event: StoryEvent) -> Afoot:
    return Afoot(story_event.id, story_event.title, active=story_event.status == StoryEvent.Status.ACTIVE)
