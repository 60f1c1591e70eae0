"""The preview of a dismissal: exactly what it would skip, why the lane stands there, and what waits behind."""

from dataclasses import asdict, dataclass
from typing import Any

from agent.models import Attempt, Bookmark
from agent.operations.dismiss import MOST_SKIPPED, find_event, look, would_skip
from agent.operations.lane import Lane, bookmarks
from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.shown import Tried, Waiting, as_json_values, tried, waiting
from chat.log.models import Event
from chat.log.text import clean

#: Of what waits behind, those that are listed.
LISTED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a dismissal of `event` would do now; the token, presented with it, holds it to that."""

    lane: Lane
    event: Waiting
    cursor_before: int
    cursor_after: int
    #: Events that would be skipped with it, in order; their number is `expected_skipped` of the command.
    skipped: tuple[Waiting, ...]
    attempts: tuple[Tried, ...]
    #: What waits behind it: how many, and the first of them.
    behind: int
    following: tuple[Waiting, ...]

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        said: dict[str, Any] = as_json_values(asdict(self)) | {"lane": self.lane.as_json()}
        return said | {
            "preview_token": self.lane.token,
            "expected_skipped": len(self.skipped),
            "fingerprint": self.lane.fingerprint,
        }


def preview_dismissal(reaction: str, *, event_id: int, by: Operator | None) -> Preview:
    """What a dismissal of that event would skip; refuses where `dismiss_event` would, without a lock."""
    with consulting(by) as now:
        event = find_event(event_id)
        bookmark = None
        if event is not None:
            bookmark = bookmarks(clean(reaction)).filter(stream=event.stream).first()
        found = look(reaction, bookmark, event, now=now)
        lane, skipped = would_skip(found, event_id)
        assert bookmark is not None and event is not None and found.reaction is not None  # noqa: S101, PT018
        return _preview(lane, bookmark, event, skipped=skipped, kinds=found.reaction.reads)


def _preview(
    lane: Lane, bookmark: Bookmark, event: Event, *, skipped: tuple[int, ...], kinds: frozenset[str]
) -> Preview:
    between = Event.objects.filter(position__in=skipped[:-1]).order_by("position")
    later = Event.objects.filter(stream=event.stream, position__gt=event.position, kind__in=kinds)
    return Preview(
        lane=lane,
        event=waiting(event),
        cursor_before=lane.position,
        cursor_after=event.position,
        skipped=tuple(waiting(one) for one in between[:MOST_SKIPPED]),
        attempts=attempts_at(bookmark, event.position),
        behind=later.count(),
        following=tuple(waiting(one) for one in later.order_by("position")[:LISTED]),
    )


def attempts_at(bookmark: Bookmark, event: int) -> tuple[Tried, ...]:
    """The tries of a lane at an event, the newest first."""
    tries = Attempt.objects.filter(bookmark=bookmark, event=event).order_by("-id")
    return tuple(tried(attempt) for attempt in tries[:LISTED])
