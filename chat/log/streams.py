"""Making streams, and holding one."""

from django.core.exceptions import ObjectDoesNotExist

from chat.errors import ChatError
from chat.log.models import Stream
from chat.rows import fetch


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
    try:
        return fetch(Stream, name=name, hold=True)
    except ObjectDoesNotExist:
        raise NoSuchStreamError from None
