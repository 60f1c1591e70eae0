"""Appending to a stream under its lock; called by `story.writer` and by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from chat.errors import ChatError
from chat.log.models import Event, Stream


class StaleVersionError(ChatError):
    """The chat has moved on since you looked. Look again and repeat what you did."""

    status = 409


class KeyReusedError(ChatError):
    """This idempotency key was already used for something else. Use a new key."""

    status = 422


class NoSuchStreamError(ChatError):
    """There is no such stream."""

    status = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """What is to be appended; `payload` holds JSON values only."""

    kind: str
    payload: dict[str, Any]
    recorded_at: datetime
    actor: str
    causation: int | None = None
    correlation: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The events as recorded, in order; `repeated` when the key had been used for the same body before."""

    events: list[Event] = field(default_factory=list)
    repeated: bool = False


def append(stream: str, news: Sequence[NewEvent], *, expected_version: int | None = None) -> Appended:
    """Append to `stream` within the caller's transaction.

    The stream's row lock is taken first, so versions are gap-free and positions commit in order. Only the
    first event may carry a key. Raises StaleVersionError when `expected_version` is no longer the version,
    KeyReusedError when the key stands for another body, NoSuchStreamError.
    """
    transaction.get_connection().validate_no_broken_transaction()
    row = _lock(stream)
    if (key := news[0].key) is not None and (earlier := _recorded_with(row, key)):
        return _repeated(earlier, news[0])
    if expected_version is not None and row.version != expected_version:
        raise StaleVersionError
    events = Event.objects.bulk_create(
        Event(
            stream=row,
            version=row.version + number,
            kind=new.kind,
            payload=_without_nul(new.payload),
            recorded_at=new.recorded_at,
            actor=new.actor,
            causation=new.causation,
            correlation=new.correlation,
            key=new.key,
        )
        for number, new in enumerate(news, start=1)
    )
    Stream.objects.filter(pk=row.pk).update(version=row.version + len(events), head=events[-1].position)
    return Appended(events)


def create_stream(prefix: str) -> Stream:
    """Make a stream named `<prefix>-<its number>`; the number is its primary key."""
    stream = Stream.objects.create(name=f"{prefix}-new")
    stream.name = f"{prefix}-{stream.pk}"
    stream.save(update_fields=["name"])
    return stream


def _lock(name: str) -> Stream:
    streams = Stream.objects.all()
    if connection.features.has_select_for_no_key_update:
        streams = streams.select_for_update(no_key=True)
    # SQLite needs no row lock: BEGIN IMMEDIATE has taken the database's.
    try:
        return streams.get(name=name)
    except Stream.DoesNotExist:
        raise NoSuchStreamError from None


def _recorded_with(stream: Stream, key: str) -> Event | None:
    return Event.objects.filter(stream=stream, key=key).first()


def _repeated(earlier: Event, new: NewEvent) -> Appended:
    if (earlier.kind, earlier.payload) != (new.kind, _without_nul(new.payload)):
        raise KeyReusedError
    return Appended([earlier], repeated=True)


def _without_nul(value: Any) -> Any:
    """PostgreSQL's text and jsonb cannot hold U+0000, nor lone surrogates; both are dropped at this door."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {name: _without_nul(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    return value
