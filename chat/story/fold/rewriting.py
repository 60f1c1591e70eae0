"""Which of a place's writings stands."""

from chat.log.models import Event
from chat.rows import fetch, update
from chat.story.fold.turns import preview_of
from chat.story.models import Chat, Turn
from chat.story.rewriting import line_of
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded

type RewritingPayload = TurnSuperseded | TurnRestored | TurnDeleted


def apply(chat: Chat, event: Event, payload: RewritingPayload) -> None:
    """Write the rows of one event; the chat's own row is saved by the caller."""
    match payload:
        case TurnSuperseded():
            _fall(chat, payload, payload.by)
        case TurnDeleted():
            _fall(chat, payload, event.position)
            _ask_no_more(chat, payload.turn)
        case TurnRestored():
            _rise(chat, event, payload)
    newest = chat.turns.live().order_by("-place", "-id").first()
    chat.preview = preview_of(newest) if newest else ""


def _fall(chat: Chat, payload: TurnSuperseded | TurnDeleted, by: int) -> None:
    standing = Turn.objects.live().filter(chat=chat, id=payload.turn)
    fell = standing.update(superseded_by=by, went_with=payload.went_with)
    chat.turn_count -= fell
    if fell and payload.went_with is not None:
        line = fetch(Turn, chat_id=chat.id, id=payload.went_with)
        line.took_along = [*line.took_along, payload.turn]
        update(line, ["took_along"])


def _rise(chat: Chat, event: Event, restored: TurnRestored) -> None:
    fallen = Turn.objects.filter(chat=chat, id=restored.turn).exclude(superseded_by=None)
    if (turn := fallen.first()) is not None:
        restored_by = turn.restored_by if _is_as_before(turn, restored) else event.position
        chat.turn_count += fallen.update(superseded_by=None, went_with=None, restored_by=restored_by)
        Turn.objects.filter(chat=chat, id=line_of(chat, turn)).update(took_along=[])
    opener = _opener(restored.turn)
    if opener is not None and opener > chat.answered_to:
        chat.asked_at = max(chat.asked_at, opener)


def _is_as_before(turn: Turn, restored: TurnRestored) -> bool:
    """Whether it stands as if it had never gone: nothing else has stood there since it fell, for a moment or longer."""
    if restored.instead_of is not None:
        return restored.instead_of == turn.id
    since = Turn.objects.filter(chat=turn.chat_id, place=turn.place, superseded_by__gt=turn.superseded_by)
    return not since.exists()


def _ask_no_more(chat: Chat, deleted: int) -> None:
    """What was deleted before anybody answered it needs no answer; what was said before it may."""
    opener = _opener(deleted)
    if opener is None or opener != chat.asked_at or opener <= chat.answered_to:
        return
    waiting = chat.turns.live().filter(kind=Turn.Kind.USER, group__gt=chat.answered_to).order_by("-group")
    chat.asked_at = waiting.values_list("group", flat=True).first() or chat.answered_to


def _opener(turn: int) -> int | None:
    """The turn group that a player's turn opened; None for a character's turn."""
    return Turn.objects.filter(id=turn, kind=Turn.Kind.USER).values_list("group", flat=True).first()
