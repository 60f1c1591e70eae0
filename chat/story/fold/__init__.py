"""The fold: what each event does to the story's tables.

It reads nothing but its own stream, keys of rows come from positions and times from `recorded_at`; so folding
a stream again gives the same rows to the last bit (`story.rebuild`).
"""

from collections.abc import Iterable

from chat.log.models import Event
from chat.rows import fetch, insert, insert_and_update, update
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
from chat.story.fold import cast, chats, facts, rewriting, scenes, turns
from chat.story.meanwhile_payloads import MeanwhileContinued, MeanwhileOpened
from chat.story.models import Chat, Turn
from chat.story.payloads import (
    AssistantTurn,
    CharacterEntered,
    CharacterExited,
    CharacterJoined,
    CharacterRevised,
    ChatCreated,
    DrillStarted,
    MemberJoined,
    MemberLeft,
    Payload,
    ReplyRequested,
    SceneClosed,
    SceneOpened,
    SceneRenamed,
    UserTurn,
)
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded


def fold(chat_id: int, recorded: Iterable[tuple[Event, Payload]], *, held: Chat | None = None) -> None:
    """Apply events of one chat, in order, with one read and at most one write of the chat's own row.

    `held` is that row, where the caller has read it under the stream's lock.
    """
    pairs = list(recorded)
    event, first = pairs[0]
    if isinstance(first, ChatCreated):
        chat = chats.create(chat_id, event, first)
        del pairs[0]
    else:
        chat = held or fetch(Chat, id=chat_id)
    before, said = dict(vars(chat)), None
    for event, payload in pairs:
        if said is not None:
            insert([said])
        said = _apply(chat, event, payload)
    changed = [name for name, value in before.items() if name != "_state" and vars(chat)[name] != value]
    if said is not None:
        insert_and_update([said], chat, changed)
    elif changed:
        update(chat, changed)


def _apply(chat: Chat, event: Event, payload: Payload) -> Turn | None:  # noqa: C901  (a case for each part)
    """Write the rows of one event, but for a turn: what was said is handed back, to be written with the chat's row."""
    match payload:
        case ChatCreated():
            raise ValueError(f"{event.position}: a chat is created once")
        case CharacterJoined() | CharacterRevised() | MemberJoined() | MemberLeft():
            cast.apply(chat, event, payload)
        case SceneOpened() | SceneRenamed() | SceneClosed() | CharacterEntered() | CharacterExited():
            scenes.apply(chat, event, payload)
        case MeanwhileOpened():
            scenes.open_meanwhile(chat, event, payload)
        case MeanwhileContinued():
            # Its turns say all there is to tell.
            pass
        case UserTurn() | ReplyRequested() | AssistantTurn():
            return turns.apply(chat, event, payload)
        case TurnSuperseded() | TurnRestored() | TurnDeleted():
            rewriting.apply(chat, event, payload)
        case (
            EventPlanned() | EventStarted() | EventCompleted() | EventCancelled() | EventEdited()
            | EventStatusReverted() | MemoryFormed() | MemoryDismissed() | MemoryRecalled() | RelationshipChanged()
            | MilestoneReached() | TurnRead() | DecisionRegistered()
        ):  # fmt: skip
            facts.apply(chat, event, payload)
        case DrillStarted():
            pass
        case _:
            chats.apply(chat, event, payload)
    return None
