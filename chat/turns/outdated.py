"""Which replies were written before an earlier turn was changed, and what was changed, when."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chat.log.models import Event
from chat.story.models import Chat, Turn, TurnQuerySet

#: What it takes of a turn to know what was written before it was changed: not its text.
TO_COMPARE = (
    "id", "kind", "place", "speaker_name", "witnesses", "regenerated_from", "generation", "superseded_by",
    "restored_by",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Outdated:
    """Why a reply is older than what comes before it: the change that was made last."""

    #: The writing that stands now; of what was deleted, the one that stood.
    turn: Turn
    #: rewritten, edited, brought back or deleted.
    how: str
    at: datetime
    #: How many other turns were changed too.
    others: int


@dataclass(frozen=True, slots=True)
class _Change:
    turn: Turn
    #: Of the event that made it.
    position: int


def written_before(chat: Chat, turns: Collection[Turn]) -> dict[int, Outdated]:
    """Of turns of one chat those replies whose speaker had witnessed an earlier turn as it no longer stands, by id."""
    return among(chat, turns, list(changed_before(chat, turns).only(*TO_COMPARE))) if turns else {}


def changed_before(chat: Chat, turns: Collection[Turn]) -> TurnQuerySet:
    """The turns before the last of these that are not as they were first written there, or were deleted."""
    return (chat.turns.rewritten() | chat.turns.deleted()).filter(place__lt=max(turn.place for turn in turns))


def among(chat: Chat, turns: Collection[Turn], changed: Collection[Turn]) -> dict[int, Outdated]:
    """As `written_before`, where what `changed_before` finds was read already."""
    replies = [turn for turn in turns if turn.kind == Turn.Kind.ASSISTANT]
    if not replies or not changed:
        return {}
    others = _fallen_beside(chat, changed)
    found = {reply.id: list(_changes(changed, reply, others)) for reply in replies}
    return _told({reply: changes for reply, changes in found.items() if changes})


def _fallen_beside(chat: Chat, changed: Iterable[Turn]) -> Mapping[int, list[int]]:
    """By place, the other writings of those turns that came back."""
    came_back = {one.place for one in changed if one.restored_by and not one.superseded_by}
    found: defaultdict[int, list[int]] = defaultdict(list)
    if came_back:
        fallen = chat.turns.filter(superseded_by__isnull=False, place__in=came_back)
        for place, id_ in fallen.values_list("place", "id"):
            found[place].append(id_)
    return found


def _changes(changed: Iterable[Turn], reply: Turn, others: Mapping[int, list[int]]) -> Iterable[_Change]:
    for one in changed:
        if one.place < reply.place and reply.speaker in one.witnesses:
            position = _changed_after(reply.id, one, others.get(one.place, ()))
            if position is not None:
                yield _Change(one, position)


def _changed_after(reply: int, turn: Turn, others: Iterable[int]) -> int | None:
    """The position at which what the reply was written against gave way to how it is now; None if it never did."""
    if turn.superseded_by is not None:
        return turn.superseded_by if turn.superseded_by > reply else None
    if turn.restored_by is not None and turn.restored_by > reply:
        other_stood = turn.id > reply or any(turn.id < other < reply for other in others)
        return turn.restored_by if other_stood else None
    return turn.id if turn.id > reply else None


def _told(found: Mapping[int, list[_Change]]) -> dict[int, Outdated]:
    if not found:
        return {}
    last = {reply: max(changes, key=lambda change: change.position) for reply, changes in found.items()}
    positions = {change.position for change in last.values()}
    times = dict(Event.objects.filter(position__in=positions).values_list("position", "recorded_at"))
    return {
        reply: Outdated(turn=change.turn, how=_how(change), at=times[change.position], others=_places(found[reply]) - 1)
        for reply, change in last.items()
    }


def _places(changes: Iterable[_Change]) -> int:
    return len({change.turn.place for change in changes})


def _how(change: _Change) -> str:
    turn = change.turn
    if turn.superseded_by is not None:
        return "deleted"
    if change.position == turn.restored_by:
        return "brought back"
    return "edited" if turn.is_edit else "rewritten"
