"""The hash chain of the audit: each Decision carries the seal of the one before it, and its own.

A seal is an HMAC-SHA-256 over the canonical bytes of what is stored (JSON with sorted keys, no spaces, UTF-8), with a
key that the database does not hold: who can write to the database can break the chain, but not mend it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from chat.log.models import Event

#: What the first Decision carries as the seal before it.
BEGINNING = ""
SEAL, BEFORE = "seal", "seal_before"


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold, and why."""

    version: int
    position: int
    why: str


def seal(event: Event) -> str:
    """The seal of an event whose payload's body names the seal before it; 64 hex digits."""
    return salted_hmac("palimpsest.audit", canonical(event), secret=settings.AUDIT_KEY, algorithm="sha256").hexdigest()


def canonical(event: Event) -> bytes:
    """The bytes that are sealed: all that is stored of an event but its position, which is not known before."""
    body = {name: value for name, value in event.payload["body"].items() if name != SEAL}
    stored: dict[str, Any] = {
        "version": event.version,
        "kind": event.kind,
        "payload": event.payload | {"body": body},
        "recorded_at": event.recorded_at.astimezone(UTC).isoformat(),
        "actor": event.actor,
        "causation": event.causation,
        "correlation": event.correlation,
        "key": event.key,
    }
    return json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def breaks(events: Iterable[Event]) -> Iterator[Break]:
    """Every place where the chain does not hold, given all events of the stream in order."""
    before, version = BEGINNING, 0
    for event in events:
        body = event.payload.get("body", {})
        if event.version != version + 1:
            yield Break(event.version, event.position, f"version {version + 1} is missing")
        elif body.get(BEFORE) != before:
            yield Break(event.version, event.position, "it does not carry the seal of the one before")
        if not constant_time_compare(str(body.get(SEAL)), seal(event)):
            yield Break(event.version, event.position, "it is not what was sealed")
        before, version = str(body.get(SEAL)), event.version
