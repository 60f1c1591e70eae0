"""Turns that were rewritten or deleted: what is said to whoever still asks for one."""

from chat.errors import ChatError
from chat.story.models import Turn


class NotStandingError(ChatError):
    """This turn was rewritten or deleted meanwhile. Look again."""

    status = 409


def refuse_fallen(turn: Turn) -> None:
    """Raise NotStandingError for a turn that does not stand; it names the one that stands in its place."""
    if turn.superseded_by is None:
        return
    in_its_place = Turn.objects.live().filter(chat=turn.chat_id, place=turn.place).values_list("id", flat=True).first()
    if in_its_place is not None:
        raise NotStandingError(f"This turn was rewritten: turn {in_its_place} stands in its place now. Look again.")
    if Turn.objects.filter(id=turn.superseded_by).exists():
        # It went with another one that was rewritten.
        raise NotStandingError
    raise NotStandingError("This turn was deleted.")
