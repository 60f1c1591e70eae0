"""What events say: frozen dataclasses, past tense. A payload's kind is data in every log and is never renamed."""

import re
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from chat.story.chat_payloads import Branched, InterjectionsSet, StorySeeded
from chat.story.fact_payloads import (
    DecisionRegistered,
    EventCancelled,
    EventCompleted,
    EventEdited,
    EventPlanned,
    EventStarted,
    EventStatusReverted,
    MemoryDismissed,
    MemoryFormed,
    MemoryRecalled,
    MilestoneReached,
    RelationshipChanged,
    TurnRead,
)
from chat.story.meanwhile_payloads import MeanwhileContinued, MeanwhileOpened
from chat.story.positions import Position
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded

type TurnState = Literal["complete", "stopped", "interrupted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A character as a chat knows it: a snapshot, so that later edits elsewhere change no past."""

    id: int
    name: str
    description: str = ""
    personality: str = ""
    scenario_note: str = ""
    example_dialogue: str = ""
    greeting: str = ""
    talkativeness: float = 0.5
    tags: tuple[str, ...] = ()
    #: Name of the portrait's file; "" for the generated initial.
    portrait: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatCreated:
    """A chat was begun by its owner, with a cast and the player's persona."""

    title: str
    premise: str
    owner: int
    persona: str
    persona_description: str = ""
    cast: tuple[Card, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRenamed:
    """The chat got another title."""

    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PremiseChanged:
    """What the story starts from was written anew."""

    premise: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonaChanged:
    """The player is someone else, or described otherwise."""

    name: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatPinned:
    """The chat stands on top of the list."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatUnpinned:
    """The chat stands by its date again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatArchived:
    """The chat was put away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatUnarchived:
    """The chat was taken out again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatDeleted:
    """The chat is gone from every list; its log stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatUndeleted:
    """The deletion was undone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberJoined:
    """A user may see and play the chat."""

    user: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberLeft:
    """A user may no longer see the chat."""

    user: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterJoined:
    """A character is in the cast; in the scene only after it has entered."""

    card: Card


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterRevised:
    """A character of the cast is described otherwise from here on."""

    card: Card


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneOpened:
    """A scene began with these characters present; an open one before it is closed by its own event."""

    title: str
    present: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneRenamed:
    """The current scene got another title."""

    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneClosed:
    """The current scene is over."""

    scene: Position


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterEntered:
    """A character came into the current scene."""

    character: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterExited:
    """A character left the current scene."""

    character: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UserTurn:
    """The player said something; `addressed` when the player named who goes on."""

    text: str
    addressed: int | None = None
    #: The turn this one is a new writing of: an edit, which asks nobody to answer.
    regenerated_from: Position | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyRequested:
    """The player sent nothing: someone goes on."""

    addressed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AssistantTurn:
    """A character said something."""

    speaker: int
    text: str
    state: TurnState = "complete"
    #: Position of what opened the turn group; None: this turn itself (a greeting).
    group: Position | None = None
    #: The turn this one is a new writing of; it keeps that turn's place and witnesses.
    regenerated_from: Position | None = None
    #: The speaker of the primary reply after which a silent witness speaks up; None for a primary reply.
    interjection_of: int | None = None
    #: The meanwhile in which it was said; only its characters are witnesses.
    meanwhile: Position | None = None
    #: The generation that wrote it, under which "Why this reply" is kept; "" when written by hand.
    generation: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_ms: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillStarted:
    """A fire drill began at the operators' desk; nothing happens in the story."""


type Payload = (
    ChatCreated
    | ChatRenamed
    | PremiseChanged
    | PersonaChanged
    | InterjectionsSet
    | StorySeeded
    | Branched
    | ChatPinned
    | ChatUnpinned
    | ChatArchived
    | ChatUnarchived
    | ChatDeleted
    | ChatUndeleted
    | MemberJoined
    | MemberLeft
    | CharacterJoined
    | CharacterRevised
    | SceneOpened
    | SceneRenamed
    | SceneClosed
    | CharacterEntered
    | CharacterExited
    | MeanwhileOpened
    | MeanwhileContinued
    | UserTurn
    | ReplyRequested
    | AssistantTurn
    | TurnSuperseded
    | TurnRestored
    | TurnDeleted
    | EventPlanned
    | EventStarted
    | EventCompleted
    | EventCancelled
    | EventEdited
    | EventStatusReverted
    | MemoryFormed
    | MemoryDismissed
    | MemoryRecalled
    | RelationshipChanged
    | MilestoneReached
    | TurnRead
    | DecisionRegistered
    | DrillStarted
)

PAYLOADS: tuple[type[Payload], ...] = get_args(Payload.__value__)


@cache
def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def kind_of(payload: type[Payload]) -> str:
    """The kind under which a payload stands in the log: its name in snake case, e.g. `assistant_turn`."""
    return _snake_case(payload.__name__)


KINDS: dict[str, type[Payload]] = {kind_of(payload): payload for payload in PAYLOADS}


def encode(payload: Payload) -> dict[str, Any]:
    """A payload as JSON values."""
    return asdict(payload)


def decode(kind: str, payload: dict[str, Any]) -> Payload:
    """A recorded payload; KeyError for a kind this version does not know, ValidationError for a damaged one."""
    return _adapter(kind).validate_python(payload)


@cache
def _adapter(kind: str) -> TypeAdapter[Payload]:
    return TypeAdapter(KINDS[kind])
