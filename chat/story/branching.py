"""Which events of a story belong to a branch: its turns up to one, and all that follows from them alone.

A turn belongs by its place, an older writing with the one that stands there. What follows from turns (a fact, a
supersede) belongs when all that it names does, whenever it was written. What names nothing (a scene, somebody who
enters, what the player did by hand) belongs when it happened before the turn; so does by hand a step of a story event.
"""

from collections.abc import Iterable, Iterator, Mapping

from chat.log.models import Event
from chat.log.read import events_of
from chat.story.chat_payloads import Branched, InterjectionsSet, StorySeeded
from chat.story.fact_payloads import (
    DecisionRegistered,
    EventCancelled,
    EventCompleted,
    EventStarted,
    EventStatusReverted,
    MilestoneReached,
    cause_of,
)
from chat.story.meanwhile_payloads import MeanwhileContinued
from chat.story.models import Chat, Turn
from chat.story.payloads import (
    AssistantTurn,
    CharacterJoined,
    CharacterRevised,
    ChatArchived,
    ChatCreated,
    ChatDeleted,
    ChatPinned,
    ChatRenamed,
    ChatUnarchived,
    ChatUndeleted,
    ChatUnpinned,
    MemberJoined,
    MemberLeft,
    Payload,
    PersonaChanged,
    PremiseChanged,
    SceneClosed,
    UserTurn,
    decode,
)
from chat.story.positions import references

#: What concerns a chat in its list, and who may see it; a branch has its own.
NOT_COPIED = (
    Branched | ChatPinned | ChatUnpinned | ChatArchived | ChatUnarchived | ChatDeleted | ChatUndeleted
    | MemberJoined | MemberLeft
)  # fmt: skip
#: What the whole story is like, however late it was said.
ALWAYS_COPIED = (
    ChatCreated | ChatRenamed | PremiseChanged | PersonaChanged | InterjectionsSet | CharacterJoined | CharacterRevised
    | StorySeeded
)  # fmt: skip

type Recorded = tuple[Event, Payload]


def history_of(chat: Chat, *, turn: Turn) -> list[Recorded]:
    """The events of a chat that belong to a branch from a turn, in log order."""
    recorded = [(event, decode(event.kind, event.payload)) for event in events_of(chat.stream)]
    places = dict(chat.turns.values_list("id", "place"))
    return list(belonging(recorded, places=places, place=turn.place))


def belonging(recorded: Iterable[Recorded], *, places: Mapping[int, int], place: int) -> Iterator[Recorded]:
    """Those of the events, in log order, that belong to a branch up to a place; `places` are those of all turns."""
    taken: set[int] = set()
    closed: set[int] = set()
    for event, payload in recorded:
        if isinstance(payload, NOT_COPIED) or not _belongs(event.position, payload, places, place):
            continue
        if not references(payload) <= taken or _looks_back_too_early(payload, closed):
            continue
        taken.add(event.position)
        if isinstance(payload, SceneClosed):
            closed.add(payload.scene)
        yield event, payload


def _belongs(position: int, payload: Payload, places: Mapping[int, int], place: int) -> bool:
    """Whether it does by its own place, whatever it names."""
    match payload:
        case UserTurn() | AssistantTurn():
            # One that was said while this is looked at is not there yet.
            return places.get(position, place + 1) <= place
        case _ if isinstance(payload, ALWAYS_COPIED):
            return True
        case EventStarted() | EventCompleted() | EventCancelled():
            return cause_of(payload) is not None or position <= place
        case MilestoneReached() | EventStatusReverted():
            return payload.turn is not None or position <= place
        case SceneClosed() | MeanwhileContinued():
            return position <= place
        case _:
            return bool(references(payload)) or position <= place


def _looks_back_too_early(payload: Payload, closed: set[int]) -> bool:
    """Whether it looks back on a scene that is still open in the branch."""
    return isinstance(payload, DecisionRegistered) and payload.scene is not None and payload.scene not in closed
