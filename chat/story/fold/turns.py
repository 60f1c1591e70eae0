"""What was said."""

from chat.log.models import Event
from chat.rows import fetch
from chat.story.models import CastMember, Chat, Meanwhile, Turn
from chat.story.payloads import AssistantTurn, ReplyRequested, UserTurn

type TurnPayload = UserTurn | ReplyRequested | AssistantTurn

PREVIEW_CHARACTERS = 160


def apply(chat: Chat, event: Event, payload: TurnPayload) -> Turn | None:
    """The turn of one event, if it is one: the caller inserts it and saves the chat's own row."""
    match payload:
        case UserTurn():
            if payload.regenerated_from is None:
                chat.asked_at = event.position
            return _said(chat, event, _of_player(chat, event, payload))
        case ReplyRequested():
            chat.asked_at = event.position
            return None
        case AssistantTurn():
            if payload.meanwhile is None:
                # A meanwhile answers nobody.
                chat.answered_to = max(chat.answered_to, payload.group or event.position)
            return _said(chat, event, _of_character(chat, event, payload))


def _said(chat: Chat, event: Event, turn: Turn) -> Turn:
    chat.turn_count += 1
    chat.last_turn_at = event.recorded_at
    # Of a new writing, what follows it says which is the newest turn that stands.
    if turn.regenerated_from is None:
        chat.preview = preview_of(turn)
    return turn


def preview_of(turn: Turn) -> str:
    """The first words of a turn, for the list of chats."""
    return f"{turn.speaker_name}: {' '.join(turn.text.replace('*', '').split())}"[:PREVIEW_CHARACTERS]


def _of_player(chat: Chat, event: Event, said: UserTurn) -> Turn:
    before = _before(chat, said)
    return Turn(
        id=event.position,
        chat=chat,
        kind=Turn.Kind.USER,
        speaker_name=before.speaker_name if before else chat.persona,
        text=said.text,
        state="complete",
        group=before.group if before else event.position,
        place=before.place if before else event.position,
        scene=before.scene if before else chat.scene,
        witnesses=before.witnesses if before else list(chat.present),
        said_at=event.recorded_at,
        regenerated_from=said.regenerated_from,
    )


def _of_character(chat: Chat, event: Event, said: AssistantTurn) -> Turn:
    before = _before(chat, said)
    return Turn(
        id=event.position,
        chat=chat,
        kind=Turn.Kind.ASSISTANT,
        speaker=said.speaker,
        speaker_name=fetch(CastMember, chat_id=chat.id, character=said.speaker).name,
        text=said.text,
        state=said.state,
        group=said.group or event.position,
        place=before.place if before else event.position,
        scene=before.scene if before else chat.scene,
        # The speaker hears itself, even one who has just left the scene.
        witnesses=before.witnesses if before else sorted({*_there(chat, said), said.speaker}),
        said_at=event.recorded_at,
        regenerated_from=said.regenerated_from,
        interjection_of=said.interjection_of,
        meanwhile_id=before.meanwhile_id if before else said.meanwhile,
        generation=said.generation,
    )


def _before(chat: Chat, said: UserTurn | AssistantTurn) -> Turn | None:
    """The writing of which it is another one."""
    return fetch(Turn, chat_id=chat.id, id=said.regenerated_from) if said.regenerated_from else None


def _there(chat: Chat, said: AssistantTurn) -> list[int]:
    """Who is there when it is said: in the scene, or in the meanwhile."""
    if said.meanwhile is None:
        return list(chat.present)
    return list(fetch(Meanwhile, chat_id=chat.id, id=said.meanwhile).characters)
