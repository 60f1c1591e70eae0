"""Which replies were written before an earlier turn was changed, and what was changed, when."""

from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from operator import attrgetter
from typing import Any

from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce

from chat.log.models import Event
from chat.story.models import Chat, Turn, TurnQuerySet

#: What it takes of a turn to know what was written before it was changed: not its text.
TO_COMPARE = (
    "id", "chat", "kind", "place", "speaker_name", "witnesses", "said_at", "regenerated_from", "generation",
    "superseded_by", "restored_by",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A turn that is not as it was first written, or is gone, and what made it so."""

    #: The writing that stands now; of what was deleted, the one that stood.
    turn: Turn
    #: Of the event that made it so.
    position: int
    at: datetime
    #: The first other writing that has stood in its place since it was written; only told of one that was brought back.
    other: int | None

    @property
    def how(self) -> str:
        """Rewritten, edited, brought back or deleted."""
        if self.turn.superseded_by is not None:
            return "deleted"
        if self.position == self.turn.restored_by:
            return "brought back"
        return "edited" if self.turn.is_edit else "rewritten"

    def touches(self, reply: Turn) -> bool:
        """Whether an older reply, further on in the story, was prompted with what stood there: something else."""
        if reply.speaker not in self.turn.witnesses:
            return False
        stands, was_there = self.turn.superseded_by is None, self.turn.id < reply.id
        return not (stands and was_there) or (self.other is not None and self.other < reply.id)


def written_before(chat: Chat, turns: Collection[Turn]) -> dict[int, Change]:
    """Of turns of one chat those replies whose speaker had witnessed an earlier turn as it no longer stands, by id.

    Each with the change that was made last.
    """
    return among(turns, changes(changed_before(chat, turns))) if turns else {}


def changed_before(chat: Chat, turns: Collection[Turn]) -> TurnQuerySet:
    """The turns before the last of these that were rewritten, brought back or deleted since the first was written."""
    last, since = max(turn.place for turn in turns), min(turn.id for turn in turns)
    changed = (chat.turns.rewritten() | chat.turns.deleted()).filter(place__lt=last)
    return changed.filter(Q(id__gt=since) | Q(restored_by__gt=since) | Q(superseded_by__gt=since))


def changes(changed: TurnQuerySet) -> list[Change]:
    """What was made of each of these turns; one query, whatever there is to tell."""
    moved = Event.objects.filter(position=Coalesce(OuterRef("superseded_by"), OuterRef("restored_by")))
    found: Any = changed.only(*TO_COMPARE).annotate(
        moved_at=Subquery(moved.values("recorded_at")),
        other=Case(When(superseded_by=None, restored_by__isnull=False, then=Subquery(_others().values("id")[:1]))),
    )
    return [
        Change(
            turn=one,
            position=one.superseded_by or one.restored_by or one.id,
            at=one.moved_at or one.said_at,
            other=one.other,
        )
        for one in found
    ]


def among(turns: Iterable[Turn], changed: Collection[Change]) -> dict[int, Change]:
    """As `written_before`, where what `changed_before` finds was read already."""
    found: dict[int, Change] = {}
    to_come = deque(sorted(changed, key=attrgetter("turn.place")))
    #: Of what stands before a reply, in the order in which it was changed.
    earlier: list[Change] = []
    for reply in sorted(turns, key=attrgetter("place")):
        while to_come and to_come[0].turn.place < reply.place:
            insort(earlier, to_come.popleft(), key=attrgetter("position"))
        if reply.kind == Turn.Kind.ASSISTANT and (last := _last(earlier, reply)) is not None:
            found[reply.id] = last
    return found


def _others() -> TurnQuerySet:
    """What has stood in a turn's place since it was written, oldest first.

    A new writing that was cut off never stood: it fell at once to what it was to replace.
    """
    later = Turn.objects.filter(chat=OuterRef("chat"), place=OuterRef("place"), id__gt=OuterRef("id"))
    fallen = later.filter(superseded_by__isnull=False)
    return fallen.exclude(~Q(state="complete"), superseded_by__lt=F("id"), restored_by=None).order_by("id")


def _last(earlier: Sequence[Change], reply: Turn) -> Change | None:
    since = takewhile(lambda change: change.position > reply.id, reversed(earlier))
    return next((change for change in since if change.touches(reply)), None)
