"""What operators look at: the subscribers, the lanes of one, and one lane with all that is known of its trouble."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Now

from agent import registry
from agent.models import Attempt, Bookmark
from agent.models import Subscriber as Row
from agent.operations.lane import (
    Declared,
    NoSuchLaneError,
    State,
    bookmarks,
    declared,
    find_bookmark,
    lane_of,
    pending,
    state_of,
)
from agent.operations.operator import Operator, authorise
from agent.operations.performing import consulting
from agent.operations.preview import LISTED
from agent.operations.shown import LaneDetail, LaneView, SubscriberView, masked, tried, waiting
from agent.registry import NoSuchSubscriberError
from agent.subscriptions.standing import Standing, standings
from chat.log.models import Event
from chat.log.text import whole
from chat.story.models import Chat

#: Lanes of a page.
MOST_LANES = 200


def list_subscribers(*, by: Operator | None) -> list[SubscriberView]:
    """Every subscriber, worst first."""
    with consulting(by) as now:
        rows = Row.objects.in_bulk()
        subscribers = {one.name: one for one in registry.subscribers()}
        found = standings(list(subscribers.values()), now=now)
        views = [_subscriber(one, rows.get(one.name), subscribers[one.name].kinds) for one in found]
    order = ["wedged", "backing off", "paused", "behind", "live"]
    return sorted(views, key=lambda view: order.index(view.state))


def list_lanes(
    subscriber: str, *, state: State | None = None, after: int = 0, limit: int = 50, by: Operator | None
) -> list[LaneView]:
    """The lanes of a subscriber, of those in `state` if one is given, by id from `after` on. NoSuchSubscriberError."""
    with consulting(by) as now:
        of = _declared(subscriber)
        lanes = _annotated(of, in_state(bookmarks(of.name).filter(id__gt=after), state).order_by("id"))
        found = list(lanes[: max(1, min(limit, MOST_LANES))])
        titles = titles_of(mark.stream.name for mark in found)
        return [_lane_view(mark, titles, now=now) for mark in found]


def show_lane(subscriber: str, stream: str, *, reveal: bool = False, by: Operator | None) -> LaneDetail:
    """One lane. `reveal` shows what its next event says, which takes a permission of its own.

    NoSuchSubscriberError, NoSuchLaneError (404), NotPermittedError (403).
    """
    with consulting(by) as now:
        if reveal and by is not None:
            authorise(by, "reveal_payload")
        of = _declared(subscriber)
        bookmark = find_bookmark(subscriber, stream)
        if bookmark is None:
            raise NoSuchLaneError
        return _detail(bookmark, of, reveal=reveal, now=now)


def in_state(lanes: QuerySet[Bookmark], state: State | None) -> QuerySet[Bookmark]:
    """The lanes in a state as far as their rows tell: what is not due counts as live."""
    wedged = Q(wedged_at__isnull=False)
    paused = Q(paused_at__isnull=False) | Q(subscriber__paused_at__isnull=False)
    running = Q(leased_until__gt=Now())
    free, due = ~wedged & ~paused, Q(due_at__isnull=False)
    meant: dict[State | None, Q] = {
        None: Q(),
        "wedged": wedged,
        "paused": ~wedged & paused,
        "running": free & running,
        "backing off": free & ~running & due & ~Q(fingerprint=""),
        "behind": free & ~running & due & Q(fingerprint=""),
        "live": free & ~running & ~due,
    }
    return lanes.filter(meant[state])


def _subscriber(standing: Standing, row: Row | None, reads: Sequence[str]) -> SubscriberView:
    return SubscriberView(
        standing=standing,
        state=_state_over_all(standing, row),
        reads=tuple(reads),
        paused_at=row.paused_at if row else None,
        paused_by=row.paused_by if row else "",
        paused_reason=row.paused_reason if row else "",
        rebuilding=row is not None and row.rebuilding is not None,
    )


def _state_over_all(standing: Standing, row: Row | None) -> State:
    if standing.wedged:
        return "wedged"
    if row is not None and row.paused_at is not None:
        return "paused"
    if standing.backing_off:
        return "backing off"
    return "behind" if standing.behind_events else "live"


def _declared(subscriber: str) -> Declared:
    of = declared(subscriber)
    if of is None:
        raise NoSuchSubscriberError
    return of


def _annotated(of: Declared, lanes: QuerySet[Bookmark]) -> QuerySet[Bookmark, Any]:
    ahead = Event.objects.filter(
        stream_id=OuterRef("stream_id"), position__gt=OuterRef("position"), kind__in=sorted(of.reads)
    )
    counted = ahead.order_by().values("stream_id").annotate(number=Count("position")).values("number")
    # Lanes at the head need not be looked at one by one.
    behind = Case(
        When(stream__head__gt=F("position"), then=Coalesce(Subquery(counted), 0)),
        default=0,
        output_field=IntegerField(),
    )
    return lanes.annotate(behind=behind, next_event=Subquery(ahead.order_by("position").values("position")[:1]))


def _lane_view(mark: Any, titles: dict[int, str], *, now: datetime) -> LaneView:
    chat = chat_of_stream(mark.stream.name)
    return LaneView(
        id=mark.pk,
        subscriber=mark.subscriber_id,
        stream=mark.stream.name,
        chat=chat,
        chat_title=titles.get(chat, ""),
        state=state_of(mark, behind=mark.behind > 0, now=now),
        position=mark.position,
        behind=mark.behind,
        next_event=mark.next_event,
        wedged_at=mark.wedged_at,
        wedged_reason=mark.wedged_reason,
        fingerprint=mark.fingerprint,
        paused_by=mark.paused_by or mark.subscriber.paused_by,
    )


def _detail(bookmark: Bookmark, of: Declared, *, reveal: bool, now: datetime) -> LaneDetail:
    lane = lane_of(bookmark, of, now=now)
    ahead = pending(bookmark, of.reads, limit=LISTED + 1)
    event = ahead[0] if ahead else None
    tries = list(Attempt.objects.filter(bookmark=bookmark, event=lane.next_event or 0).order_by("-id")[:LISTED])
    chat = chat_of_stream(lane.stream)
    paused = bookmark if bookmark.paused_at is not None else bookmark.subscriber
    return LaneDetail(
        lane=lane,
        chat=chat,
        chat_title=titles_of([lane.stream]).get(chat, ""),
        due_at=bookmark.due_at if event is not None and lane.wedged_at is None else None,
        paused_at=paused.paused_at,
        paused_by=paused.paused_by,
        paused_reason=paused.paused_reason,
        attempts=tuple(tried(one) for one in tries),
        traceback=tries[0].traceback if tries else "",
        code_changed=bool(tries) and tries[0].code_version != settings.CODE_VERSION,
        event=None if event is None else waiting(event),
        payload={} if event is None else event.payload if reveal else masked(event.payload),
        behind=_behind(bookmark, of, event),
        following=tuple(waiting(one) for one in ahead[1:]),
    )


def _behind(bookmark: Bookmark, of: Declared, event: Event | None) -> int:
    if event is None:
        return 0
    later = Event.objects.filter(stream_id=bookmark.stream_id, position__gt=event.position, kind__in=of.reads)
    return later.count()


def chat_of_stream(stream: str) -> int:
    """The chat that a stream is of; 0 for `operations`."""
    number = stream.removeprefix("chat-")
    return whole(number) or 0


def titles_of(streams: Iterable[str]) -> dict[int, str]:
    """The titles of the chats that these streams are of, by chat."""
    chats = {chat_of_stream(stream) for stream in streams}
    return dict(Chat.objects.filter(id__in=chats).values_list("id", "title"))
