"""Rebuilding the story's tables from the log, and the law: a rebuild gives exactly the live tables."""
# ruff: noqa: S608  (the names are our own tables')

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, models, transaction

from chat.log.models import Event
from chat.log.streams import lock
from chat.story.fact_models import (
    Decision,
    Memory,
    Milestone,
    RelationshipChange,
    StoryEvent,
    StoryTransition,
    TurnReading,
)
from chat.story.fold import fold
from chat.story.models import CastMember, Chat, Meanwhile, Membership, Scene, Turn, stream_of
from chat.story.payloads import Payload, decode

#: Every table that the fold writes, with the column that names the chat; children first.
FOLDED: tuple[tuple[models.Manager[Any], str], ...] = (
    (Decision.objects, "chat_id"),
    (TurnReading.objects, "chat_id"),
    (Milestone.objects, "chat_id"),
    (RelationshipChange.objects, "chat_id"),
    (Memory.objects, "chat_id"),
    (StoryTransition.objects, "chat_id"),
    (StoryEvent.objects, "chat_id"),
    (Turn.objects, "chat_id"),
    (Meanwhile.objects, "chat_id"),
    (Scene.objects, "chat_id"),
    (CastMember.objects, "chat_id"),
    (Membership.objects, "chat_id"),
    (Chat.objects, "id"),
)
#: Rows whose primary key is only the database's counter, so that it differs in each rebuild.
_COUNTED = {CastMember, Membership}
_BATCH = 500

type Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not what the log says: `live` or `rebuilt` is None where there should be, or is, none."""

    chat: int
    table: str
    live: dict[str, Any] | None
    rebuilt: dict[str, Any] | None


def rebuild(chat: int) -> None:
    """Throw away one chat's folded rows and fold its stream anew, in one transaction under the stream's lock."""
    with transaction.atomic():
        lock(stream_of(chat))
        _refold(chat)


def differences(chat: int) -> list[Difference]:
    """Fold one chat's stream anew, compare with the live rows, and leave everything as it was."""
    with transaction.atomic():
        lock(stream_of(chat))
        live = rows_of(chat)
        _refold(chat)
        rebuilt = rows_of(chat)
        transaction.set_rollback(True)
    return [difference for table in live for difference in _compare(chat, table, live[table], rebuilt[table])]


def rows_of(chat: int) -> Rows:
    """Every folded row of a chat, by table, in an order that does not depend on counters."""
    return {table.model.__name__: _rows(table, column, chat) for table, column in FOLDED}


def _rows(table: models.Manager[Any], column: str, chat: int) -> list[dict[str, Any]]:
    # As the database holds them: the law is about those values, and composing a query takes longer than asking it.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_name(table)} WHERE {column} = %s", [chat])
        names = [described[0] for described in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if table.model in _COUNTED:
        for row in rows:
            del row["id"]
    return sorted(rows, key=repr)


def _name(table: models.Manager[Any]) -> str:
    return connection.ops.quote_name(table.model._meta.db_table)  # noqa: SLF001  (Django's public account of a model)


def _refold(chat: int) -> None:
    with connection.cursor() as cursor:
        for table, column in FOLDED:
            # Not the ORM's delete(): that would look for rows outside the story which point here, and take them along.
            cursor.execute(f"DELETE FROM {_name(table)} WHERE {column} = %s", [chat])
    recorded = _recorded(chat)
    while batch := list(islice(recorded, _BATCH)):
        fold(chat, batch)


def _recorded(chat: int) -> Iterator[tuple[Event, Payload]]:
    events = Event.objects.filter(stream__name=stream_of(chat)).order_by("position")
    for event in events.iterator(chunk_size=_BATCH):
        yield event, decode(event.kind, event.payload)


def _compare(chat: int, table: str, live: list[dict[str, Any]], rebuilt: list[dict[str, Any]]) -> Iterator[Difference]:
    known, told = _by_key(live), _by_key(rebuilt)
    for key in known | told:
        # Not by ==, for which 1 is True and 1.0.
        if repr(known.get(key)) != repr(told.get(key)):
            yield Difference(chat, table, known.get(key), told.get(key))


def _by_key(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {row.get("id", repr(row)): row for row in rows}
