"""The fold: what each event does to the story's tables.

It reads nothing but its own stream, keys of rows come from positions and times from `recorded_at`; so folding
a stream again gives the same rows to the last bit (`story.rebuild`).
"""

from collections.abc import Iterable

from chat.log.models import Event
from chat.statements import fetch, update
from chat.story.fact_payloads import (
    DecisionRegistered,
    EventCancelled,
    EventCompleted,
    EventEdited,
    EventPlanned,
    EventStarted,
    MemoryDismissed,
    MemoryFormed,
    MemoryRecalled,
    MilestoneReached,
    RelationshipChanged,
    TurnRead,
)
from chat.story.fold import cast, chats, facts, scenes, turns
from chat.story.models import Chat
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
    TurnSuperseded,
    UserTurn,
)


def fold(chat_id: int, recorded: Iterable[tuple[Event, Payload]]) -> None:
    """Apply events of one chat, in order, with one read and at most one write of the chat's own row."""
    pairs = list(recorded)
    event, first = pairs[0]
    if isinstance(first, ChatCreated):
        chat = chats.create(chat_id, event, first)
        del pairs[0]
    else:
        chat = fetch(Chat, column="id", value=chat_id)
    before = dict(vars(chat))
    for event, payload in pairs:
        _apply(chat, event, payload)
    if changed := [name for name, value in before.items() if name != "_state" and vars(chat)[name] != value]:
        update(chat, changed)


def _apply(chat: Chat, event: Event, payload: Payload) -> None:
    match payload:
        case ChatCreated():
            raise ValueError(f"{event.position}: a chat is created once")
        case CharacterJoined() | CharacterRevised() | MemberJoined() | MemberLeft():
            cast.apply(chat, event, payload)
        case SceneOpened() | SceneRenamed() | SceneClosed() | CharacterEntered() | CharacterExited():
            scenes.apply(chat, event, payload)
        case UserTurn() | ReplyRequested() | AssistantTurn() | TurnSuperseded():
            turns.apply(chat, event, payload)
        case (
            EventPlanned() | EventStarted() | EventCompleted() | EventCancelled() | EventEdited()
            | MemoryFormed() | MemoryDismissed() | MemoryRecalled() | RelationshipChanged()
            | MilestoneReached() | TurnRead() | DecisionRegistered()
        ):  # fmt: skip
            facts.apply(chat, event, payload)
        case DrillStarted():
            pass
        case _:
            chats.apply(chat, event, payload)
