"""What whoever asked for a rewriting is told when it has ended: which writing stands, and what went with the other."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chat.story.models import Turn
from chat.turns import undoing, variants
from chat.turns.models import Generation
from chat.turns.standing import standing_beside
from chat.turns.variants import Numbered

#: For so long it is news to a page that was not there when it ended.
NEWS_FOR = timedelta(minutes=5)
#: How a writing ended that never stood; whatever else it was, another one was quicker.
_CUT = {Generation.State.STOPPED.value: "was stopped", Generation.State.INTERRUPTED.value: "was cut off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of a rewriting, in words."""

    sentence: str
    #: The turn whose restoring takes it back; None: nothing was undone.
    undo: int | None = None


def of(ended: Generation, *, now: datetime) -> Outcome | None:
    """How a rewriting ended; None when it left no text, and when it is no news any more.

    That is after some minutes, when more was said since, and when another writing was brought to stand.
    """
    if ended.turn is None or ended.ended_at is None or ended.ended_at < now - NEWS_FOR:
        return None
    turns = Turn.objects.filter(chat=ended.chat_id)
    # What speaks up after it belongs to it.
    if turns.filter(said_at__gt=ended.ended_at).exclude(group=ended.group).exists():
        return None
    rows = turns.select_related("chat").in_bulk([ended.turn, ended.rewrites or 0])
    new, old = rows[ended.turn], rows.get(ended.rewrites or 0)
    if ended.state == Generation.State.FINISHED:
        return Outcome(sentence=of_whole(old), undo=old.id) if old and new.superseded_by is None else None
    standing = standing_beside(new)
    return Outcome(sentence=of_part(new, variants.numbered([new, standing])[new.id])) if standing else None


def of_whole(old: Turn) -> str:
    """What is told when a turn fell to a new writing."""
    return f"Rewritten. {undoing.what_went(old)}".strip()


def of_part(new: Turn, numbered: Numbered) -> str:
    """What is told of a writing that never stood."""
    kept = f"is kept as ‹ {numbered.number}/{numbered.total} ›."
    if new.state not in _CUT:
        return f"Another writing stands by now; the one you asked for {kept}"
    return f"{new.speaker_name} {_CUT[new.state]}. The old writing stands; what was written {kept}"
