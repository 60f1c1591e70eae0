"""What was said, and what no longer stands."""

from chat.log.models import Event
from chat.statements import insert
from chat.story.models import CastMember, Chat, Turn
from chat.story.payloads import AssistantTurn, ReplyRequested, TurnSuperseded, UserTurn

type TurnPayload = UserTurn | ReplyRequested | AssistantTurn | TurnSuperseded

PREVIEW_CHARACTERS = 160


def apply(chat: Chat, event: Event, payload: TurnPayload) -> None:
    """Write the rows of one event; the chat's own row is saved by the caller."""
    match payload:
        case UserTurn():
            chat.asked_at = event.position
            _say(chat, event, _of_player(chat, event, payload))
        case ReplyRequested():
            chat.asked_at = event.position
        case AssistantTurn():
            chat.answered_to = max(chat.answered_to, payload.group or event.position)
            _say(chat, event, _of_character(chat, event, payload))
        case TurnSuperseded():
            if Turn.objects.filter(id=payload.turn, chat=chat, superseded_by=None).update(superseded_by=payload.by):
                chat.turn_count -= 1


def _say(chat: Chat, event: Event, turn: Turn) -> None:
    insert([turn])
    chat.turn_count += 1
    chat.last_turn_at = event.recorded_at
    chat.preview = f"{turn.speaker_name}: {' '.join(turn.text.replace('*', '').split())}"[:PREVIEW_CHARACTERS]


def _of_player(chat: Chat, event: Event, said: UserTurn) -> Turn:
    return Turn(
        id=event.position,
        chat=chat,
        kind=Turn.Kind.USER,
        speaker_name=chat.persona,
        text=said.text,
        state="complete",
        group=event.position,
        place=event.position,
        scene=chat.scene,
        witnesses=list(chat.present),
        said_at=event.recorded_at,
    )


def _of_character(chat: Chat, event: Event, said: AssistantTurn) -> Turn:
    before = Turn.objects.get(id=said.regenerated_from, chat=chat) if said.regenerated_from else None
    return Turn(
        id=event.position,
        chat=chat,
        kind=Turn.Kind.ASSISTANT,
        speaker=said.speaker,
        speaker_name=CastMember.objects.values_list("name", flat=True).get(chat=chat, character=said.speaker),
        text=said.text,
        state=said.state,
        group=said.group or event.position,
        place=before.place if before else event.position,
        scene=before.scene if before else chat.scene,
        # The speaker hears itself, even one who has just left the scene.
        witnesses=before.witnesses if before else sorted({*chat.present, said.speaker}),
        said_at=event.recorded_at,
        regenerated_from=said.regenerated_from,
        generation=said.generation,
    )
