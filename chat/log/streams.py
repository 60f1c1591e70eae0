"""Making streams, and holding one."""

from django.db import connection

from chat.errors import ChatError
from chat.log.models import Stream


class NoSuchStreamError(ChatError):
    """There is no such stream."""

    status = 404


def create_stream(prefix: str) -> Stream:
    """Make a stream named `<prefix>-<its number>`; the number is its primary key."""
    stream = Stream.objects.create(name=f"{prefix}-new")
    stream.name = f"{prefix}-{stream.pk}"
    stream.save(update_fields=["name"])
    return stream


def ensure(name: str) -> None:
    """Make the stream of that name, if it is not there yet."""
    Stream.objects.get_or_create(name=name)


def lock(name: str) -> Stream:
    """Hold the stream to the end of the transaction: nobody else appends meanwhile. NoSuchStreamError."""
    streams = Stream.objects.all()
    if connection.features.has_select_for_no_key_update:
        streams = streams.select_for_update(no_key=True)
    # SQLite needs no row lock: BEGIN IMMEDIATE has taken the database's.
    try:
        return streams.get(name=name)
    except Stream.DoesNotExist:
        raise NoSuchStreamError from None
