"""What events say of the facts that follow from turns: story events, memories, relationships, decisions.

All of them but the player's own deeds name the turn because of which they happened; what a turn has caused counts
exactly as long as that turn is live.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPlanned:
    """Something may happen in the story; its id is the position of this event."""

    title: str
    description: str = ""
    triggered_by_assistant_turn_id: int | None = None
    triggered_by_user_turn_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStarted:
    """A planned story event is under way."""

    story_event: int
    triggered_by_assistant_turn_id: int | None = None
    triggered_by_user_turn_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventCompleted:
    """A story event has happened."""

    story_event: int
    triggered_by_assistant_turn_id: int | None = None
    triggered_by_user_turn_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventCancelled:
    """A story event will not happen."""

    story_event: int
    triggered_by_assistant_turn_id: int | None = None
    triggered_by_user_turn_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventEdited:
    """A story event is called or described otherwise."""

    story_event: int
    title: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryFormed:
    """A witness of a turn will remember something of it; importance from 1 to 10."""

    witness: int
    text: str
    importance: int
    turn: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryDismissed:
    """The player had a memory forgotten."""

    memory: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryRecalled:
    """The player took it back that a memory was forgotten."""

    memory: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RelationshipChanged:
    """A character feels otherwise toward another, or toward the player (0)."""

    character: int
    toward: int
    #: From -2 to 2.
    delta: int
    why: str
    turn: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MilestoneReached:
    """A story event that was completed is worth remembering of the whole story; no turn: completed by hand."""

    story_event: int
    text: str
    turn: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRead:
    """A reader has read a turn; `note` says what of its answer was not taken."""

    turn: int
    #: The model's name, or "word_reader".
    reader: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRegistered:
    """A judgement: what about, what was chosen and why, by whom, from which turns."""

    context: str
    choice: str
    reasoning: str
    decided_by: str
    turns: tuple[int, ...] = ()
    #: The decision that this one is about.
    about: int | None = None
    scene: int | None = None
    #: What the decision says: `text`, `parts` by witness, `audience` ...; keys are text, as in JSON.
    body: dict[str, Any] = field(default_factory=dict)


type Transition = EventStarted | EventCompleted | EventCancelled

type Fact = (
    EventPlanned
    | EventStarted
    | EventCompleted
    | EventCancelled
    | EventEdited
    | MemoryFormed
    | MemoryDismissed
    | MemoryRecalled
    | RelationshipChanged
    | MilestoneReached
    | TurnRead
    | DecisionRegistered
)


def cause_of(payload: EventPlanned | Transition) -> int | None:
    """The turn that brought it about; None: by hand."""
    return payload.triggered_by_assistant_turn_id or payload.triggered_by_user_turn_id
