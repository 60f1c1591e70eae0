"""What happens to a chat as a whole."""

from chat.log.models import Event
from chat.rows import insert
from chat.story.chat_payloads import Branched, InterjectionsSet, StorySeeded
from chat.story.fold.cast import join
from chat.story.models import Chat, Membership
from chat.story.payloads import (
    ChatArchived,
    ChatCreated,
    ChatDeleted,
    ChatPinned,
    ChatRenamed,
    ChatUnarchived,
    ChatUndeleted,
    ChatUnpinned,
    PersonaChanged,
    PremiseChanged,
)

type ChatPayload = (
    ChatRenamed
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
)


def create(chat_id: int, event: Event, created: ChatCreated) -> Chat:
    """Make the chat's row, its owner's membership and its cast."""
    chat = Chat(
        id=chat_id,
        title=created.title,
        premise=created.premise,
        owner_id=created.owner,
        persona=created.persona,
        persona_description=created.persona_description,
        created_at=event.recorded_at,
        last_turn_at=event.recorded_at,
    )
    insert([chat])
    insert([Membership(chat=chat, user_id=created.owner, role="owner")])
    for card in created.cast:
        join(chat, card)
    return chat


def apply(chat: Chat, event: Event, payload: ChatPayload) -> None:  # noqa: C901  (one line a kind)
    """Change the chat's row; the caller saves it."""
    match payload:
        case ChatRenamed():
            chat.title = payload.title
        case PremiseChanged():
            chat.premise = payload.premise
        case PersonaChanged():
            chat.persona = payload.name
            chat.persona_description = payload.description
        case InterjectionsSet():
            chat.interjections = payload.eagerness
        case StorySeeded() | Branched():
            _begin(chat, event, payload)
        case ChatPinned():
            chat.pinned_at = event.recorded_at
        case ChatUnpinned():
            chat.pinned_at = None
        case ChatArchived():
            chat.archived_at = event.recorded_at
        case ChatUnarchived():
            chat.archived_at = None
        case ChatDeleted():
            chat.deleted_at = event.recorded_at
        case ChatUndeleted():
            chat.deleted_at = None


def _begin(chat: Chat, event: Event, begun: StorySeeded | Branched) -> None:
    """From here on its events are its own."""
    match begun:
        case StorySeeded():
            chat.seeded_at = event.position
        case Branched():
            _branch(chat, event, begun)


def _branch(chat: Chat, event: Event, branched: Branched) -> None:
    chat.branched_at, chat.branched_from, chat.branched_from_turn = event.position, branched.chat, branched.turn
    # What nobody had answered in the part that was copied is left as it is.
    chat.answered_to = event.position
