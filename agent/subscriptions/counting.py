"""Counting the lanes and what lies before them, of all subscribers at once."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.db.models import Count, F, Max, Q
from django.db.models.functions import Now

from agent.models import Bookmark
from agent.subscriptions.base import Subscriber
from chat.log.models import Event

# Lane by lane: a planner that joins the tables cannot know how few lanes are behind, and reads the whole log.
_AHEAD = """
WITH reads (subscriber, kind) AS (VALUES {pairs})
SELECT l.subscriber_id, sum(l.events), min(l.oldest) FROM (
  SELECT b.subscriber_id,
    (SELECT count(*) FROM chat_event e JOIN reads r ON r.kind = e.kind
      WHERE r.subscriber = b.subscriber_id AND e.stream_id = b.stream_id AND e.position > b.position) AS events,
    (SELECT min(e.position) FROM chat_event e JOIN reads r ON r.kind = e.kind
      WHERE r.subscriber = b.subscriber_id AND e.stream_id = b.stream_id AND e.position > b.position) AS oldest
  FROM agent_bookmark b
  JOIN agent_subscriber a ON a.name = b.subscriber_id AND a.epoch = b.epoch
  JOIN chat_stream s ON s.id = b.stream_id AND s.head > b.position
  WHERE NOT EXISTS (SELECT 1 FROM chat_chat c WHERE c.id = s.id AND c.deleted_at IS NOT NULL)
) l GROUP BY l.subscriber_id"""


class Lanes(TypedDict):
    """The lanes of a subscriber."""

    lanes: int
    backing_off: int
    wedged: int
    paused: int
    #: The position of the newest event that is dealt with in any of them.
    reached: int


def lanes_by_subscriber() -> dict[str, Lanes]:
    """The lanes in use, by subscriber; one query."""
    counted = (
        Bookmark.objects.filter(epoch=F("subscriber__epoch"))
        .values("subscriber")
        .annotate(
            lanes=Count("id"),
            backing_off=Count("id", filter=Q(due_at__gt=Now(), wedged_at=None, paused_at=None)),
            wedged=Count("id", filter=Q(wedged_at__isnull=False)),
            # One that is wedged as well is told of as that, as in the list of lanes.
            paused=Count(
                "id", filter=Q(wedged_at=None) & (Q(paused_at__isnull=False) | Q(subscriber__paused_at__isnull=False))
            ),
            reached=Max("position"),
        )
    )
    return {
        row["subscriber"]: Lanes(
            lanes=row["lanes"],
            backing_off=row["backing_off"],
            wedged=row["wedged"],
            paused=row["paused"],
            reached=row["reached"],
        )
        for row in counted
    }


def events_ahead(subscribers: Iterable[Subscriber]) -> dict[str, tuple[int, int]]:
    """How many events of its kinds lie before a subscriber's bookmarks, and the position of the oldest; one query.

    Deleted chats do not count: nobody waits for them.
    """
    reads = [word for one in subscribers for kind in one.kinds for word in (one.name, kind)]
    if not reads:
        return {}
    pairs = ", ".join(["(%s, %s)"] * (len(reads) // 2))
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD.format(pairs=pairs), reads)
        return {name: (int(events), oldest) for name, events, oldest in cursor.fetchall() if events}


def recorded_at(positions: Iterable[int]) -> dict[int, datetime]:
    """When the events at these positions were recorded; one query."""
    return dict(Event.objects.filter(position__in=set(positions)).values_list("position", "recorded_at"))
