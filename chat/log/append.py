"""Appending to a stream under its lock; called by `story.writer` and by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from chat.errors import ChatError
from chat.log.models import Event, Stream
from chat.log.text import clean
from chat.rows import fetch, insert_and_update


class StaleVersionError(ChatError):
    """The chat has moved on since you looked. Look again and repeat what you did."""

    status = 409


class KeyReusedError(ChatError):
    """This idempotency key was already used for something else. Use a new key."""

    status = 422


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


def append(stream: Stream, news: Sequence[NewEvent], *, expected_version: int | None = None) -> Appended:
    """Append to `stream`, which the caller holds (`log.streams.lock`), within the caller's transaction.

    Under that lock versions are gap-free and positions commit in order. Only the first event may carry a key.
    Raises StaleVersionError when `expected_version` is no longer the version, KeyReusedError when the key stands
    for another body.
    """
    transaction.get_connection().validate_no_broken_transaction()
    if (key := news[0].key) is not None and (earlier := _recorded_with(stream, key)):
        return _repeated(earlier, news[0])
    if expected_version is not None and stream.version != expected_version:
        raise StaleVersionError
    events = [
        Event(
            stream=stream,
            version=stream.version + number,
            kind=new.kind,
            payload=clean(new.payload),
            recorded_at=new.recorded_at,
            actor=new.actor,
            causation=new.causation,
            correlation=new.correlation,
            key=new.key,
        )
        for number, new in enumerate(news, start=1)
    ]
    stream.version = events[-1].version
    insert_and_update(events, stream, ["version"], newest="head")
    return Appended(events)


def _recorded_with(stream: Stream, key: str) -> Event | None:
    try:
        return fetch(Event, stream_id=stream.pk, key=key)
    except ObjectDoesNotExist:
        return None


def _repeated(earlier: Event, new: NewEvent) -> Appended:
    if (earlier.kind, earlier.payload) != (new.kind, clean(new.payload)):
        raise KeyReusedError
    return Appended([earlier], repeated=True)
