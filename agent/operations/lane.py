"""A lane as the deciders see it: plain values, read from its bookmark under the lock."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django.db.models import F, QuerySet

from agent import registry
from agent.models import Attempt, Bookmark
from agent.models import Subscriber as Row
from agent.subscriptions.base import Reaction, Subscriber
from chat.errors import ChatError
from chat.log.models import Event
from chat.log.text import clean

type State = Literal["live", "behind", "running", "backing off", "wedged", "paused"]


class NoSuchLaneError(ChatError):
    """There is no such lane."""

    status = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A subscriber as it is declared."""

    name: str
    kind: Literal["projection", "reaction"]
    reads: frozenset[str]
    accepts_late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """How a lane stands."""

    subscriber: str
    stream: str
    position: int
    fence: int
    state: State
    wedged_at: datetime | None = None
    wedged_reason: str = ""
    fingerprint: str = ""
    #: The next event of its kinds, and the tries at it; None and 0 when there is none.
    next_event: int | None = None
    attempts: int = 0
    #: Whether it, or its subscriber, is paused, whatever else is the matter.
    paused: bool = False

    @property
    def token(self) -> str:
        """Changes whenever the lane does: presented again, it says what somebody has looked at."""
        said = [self.subscriber, self.stream, self.position, self.fence, self.state == "wedged", self.attempts]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    def as_json(self) -> dict[str, Any]:
        """How it stands, for a Decision and for a refusal."""
        return {
            "subscriber": self.subscriber,
            "stream": self.stream,
            "position": self.position,
            "state": self.state,
            "next_event": self.next_event,
            "attempts": self.attempts,
            "wedged_reason": self.wedged_reason,
            "fingerprint": self.fingerprint,
        }


def freed(lane: Lane, **moved: Any) -> Lane:
    """The lane once its trouble is forgotten; `moved`: what else is then different about it."""
    lane = replace(lane, wedged_at=None, wedged_reason="", fingerprint="", **moved)
    return replace(lane, state="paused" if lane.paused else "live" if lane.next_event is None else "behind")


class LaneConflictError(ChatError):
    """The lane does not stand where you thought."""

    status = 409

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        #: How the lane stands, for who asked.
        self.present = lane.as_json() | {"preview_token": lane.token}


class LaneMovedError(LaneConflictError):
    """The lane has moved since you looked. Look again, and decide again."""


def declared(name: str) -> Declared | None:
    """The subscriber of that name; None when there is none."""
    subscriber = next((one for one in registry.subscribers() if one.name == name), None)
    return None if subscriber is None else declaration(subscriber)


def declaration(subscriber: Subscriber) -> Declared:
    """A subscriber's declaration as values."""
    reaction = isinstance(subscriber, Reaction)
    return Declared(
        name=subscriber.name,
        kind="reaction" if reaction else "projection",
        reads=frozenset(subscriber.kinds),
        accepts_late=isinstance(subscriber, Reaction) and subscriber.accepts_late,
    )


def bookmarks(subscriber: str) -> QuerySet[Bookmark]:
    """The bookmarks in use of a subscriber, with what a lane is read from."""
    lanes = Bookmark.objects.filter(subscriber=subscriber, epoch=F("subscriber__epoch"))
    return lanes.select_related("subscriber", "stream")


def find_bookmark(subscriber: str, stream: str) -> Bookmark | None:
    """The bookmark of a lane, as it is just now."""
    return bookmarks(clean(subscriber)).filter(stream__name=clean(stream)).first()


def lock_bookmark(subscriber: str, stream: str) -> Bookmark | None:
    """The bookmark of a lane, held to the end of the transaction."""
    lane = bookmarks(clean(subscriber)).filter(stream__name=clean(stream))
    return lane.select_for_update(of=("self",), no_key=True).first()


def lock_row(subscriber: str) -> Row | None:
    """A subscriber's row, held to the end of the transaction."""
    return Row.objects.select_for_update(no_key=True).filter(name=clean(subscriber)).first()


def lane_of(bookmark: Bookmark, of: Declared, *, now: datetime) -> Lane:
    """The lane of a bookmark."""
    following = pending(bookmark, of.reads, limit=1)
    next_event = following[0].position if following else None
    return Lane(
        subscriber=bookmark.subscriber_id,
        stream=bookmark.stream.name,
        position=bookmark.position,
        fence=bookmark.fence,
        state=state_of(bookmark, behind=next_event is not None, now=now),
        wedged_at=bookmark.wedged_at,
        wedged_reason=bookmark.wedged_reason,
        fingerprint=bookmark.fingerprint,
        next_event=next_event,
        attempts=0 if next_event is None else Attempt.objects.filter(bookmark=bookmark, event=next_event).count(),
        paused=is_paused(bookmark),
    )


def state_of(bookmark: Bookmark, *, behind: bool, now: datetime) -> State:
    """A lane's state in one word; the gravest of those that apply."""
    if bookmark.wedged_at is not None:
        return "wedged"
    if is_paused(bookmark):
        return "paused"
    if bookmark.leased_until is not None and bookmark.leased_until > now:
        return "running"
    if not behind:
        return "live"
    return "backing off" if bookmark.fingerprint else "behind"


def is_paused(bookmark: Bookmark) -> bool:
    """Whether nothing of the lane is claimed, by its own pause or its subscriber's."""
    return bookmark.paused_at is not None or bookmark.subscriber.paused_at is not None


def pending(bookmark: Bookmark, kinds: frozenset[str], *, up_to: int | None = None, limit: int) -> Sequence[Event]:
    """What lies before a bookmark of these kinds, in order: all up to a position, at most `limit` of them."""
    events = Event.objects.filter(stream_id=bookmark.stream_id, position__gt=bookmark.position, kind__in=kinds)
    if up_to is not None:
        events = events.filter(position__lte=up_to)
    return list(events.order_by("position")[:limit])
