"""Reading the log."""

from collections.abc import Iterable

from django.db.models import QuerySet

from chat.log.models import Event, Stream
from chat.statements import composed


def events_of(stream: str, *, after: int = 0, limit: int | None = None) -> list[Event]:
    """The events of one stream with a position above `after`, in order, at most `limit`."""
    events = Event.objects.filter(stream__name=stream, position__gt=after).order_by("position")
    return list(events if limit is None else events[:limit])


def heads(streams: Iterable[str]) -> dict[str, int]:
    """The newest position of each of these streams; those that do not exist are left out."""
    return dict(Stream.objects.filter(name__in=list(streams)).values_list("name", "head"))


def head(stream: str) -> int:
    """The newest position of one stream; 0 when it has no events or does not exist."""
    return next(iter(_head(stream)), 0)


def is_recorded(stream: str, key: str) -> bool:
    """Whether something was appended to the stream under this idempotency key."""
    return Event.objects.filter(stream__name=stream, key=key).exists()


@composed
def _head(stream: str) -> "QuerySet[Stream, int]":
    return Stream.objects.filter(name=stream).values_list("head", flat=True)
