"""Making bookmarks, and finding the lanes that have something to do: a few statements over many lanes.

A lane is due when `due_at` has passed; what finds a lane with new events sets it, so that claiming is a look into
a small index however many chats there are.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from agent.models import Subscriber as Row
from agent.subscriptions.base import Reaction, Subscriber
from chat.log.models import Stream

_COLUMNS = (
    "subscriber_id, epoch, stream_id, position, fence, forgiven, wedged_reason, fingerprint, paused_by, paused_reason"
)
_INSERT = f"""
INSERT INTO agent_bookmark ({_COLUMNS})
SELECT %s, %s, s.id, {{position}}, 0, 0, '', '', '', '' FROM chat_stream s
WHERE s.name LIKE 'chat-%%' AND {{scope}} AND NOT EXISTS (
  SELECT 1 FROM agent_bookmark b WHERE b.subscriber_id = %s AND b.epoch = %s AND b.stream_id = s.id)
ON CONFLICT DO NOTHING"""  # noqa: S608
#: What a branch was copied from was read there, and what was written by hand needs no reader: a Reaction begins with
#: the chat's own events.
_OWN_BEGINNING = "COALESCE((SELECT COALESCE(c.branched_at, c.seeded_at) FROM chat_chat c WHERE c.id = s.id), 0)"
#: Locked with SKIP LOCKED: a lane that is being worked needs neither, and two sweepers must not wait for each other.
_IDLE = """
SELECT b.id FROM agent_bookmark b JOIN chat_stream s ON s.id = b.stream_id
WHERE b.subscriber_id = %s AND b.epoch = %s AND {scope} AND b.position < s.head
  AND b.due_at IS NULL AND b.leased_until IS NULL AND b.wedged_at IS NULL {only} {lock}"""
_NOTHING = """AND NOT EXISTS (
  SELECT 1 FROM chat_event e
  WHERE e.stream_id = s.id AND e.position > b.position AND e.position <= s.head AND e.kind IN ({kinds}))"""
#: Of a deleted chat a Reaction reads nothing until it is brought back.
_STANDS = "AND NOT EXISTS (SELECT 1 FROM chat_chat c WHERE c.id = s.id AND c.deleted_at IS NOT NULL)"
_SKIM = """
UPDATE agent_bookmark
SET position = (SELECT head FROM chat_stream WHERE chat_stream.id = agent_bookmark.stream_id) WHERE id IN ({idle})"""
_MARK = "UPDATE agent_bookmark SET due_at = CURRENT_TIMESTAMP WHERE id IN ({idle})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which streams to look at: those named, or those whose head is above a position."""

    names: Collection[str] | None = None
    above: int = -1

    def sql(self) -> tuple[str, list[Any]]:
        """A condition on the stream `s` and its parameters."""
        if self.names is None:
            return "s.head > %s", [self.above]
        return f"s.name IN ({_marks(self.names)})", list(self.names)


EVERYTHING = Scope()


def register(subscribers: Iterable[Subscriber]) -> None:
    """Make the row of each subscriber and, once, its bookmarks in every stream that stands."""
    seeded = set(Row.objects.exclude(seeded_at=None).values_list("name", flat=True))
    for subscriber in subscribers:
        if subscriber.name not in seeded:
            _seed(subscriber)


def notice(subscribers: Iterable[Subscriber], scope: Scope = EVERYTHING) -> None:
    """Make missing bookmarks, move lanes with nothing of their kinds to the head, and mark the others due."""
    rows = Row.objects.in_bulk()
    for subscriber in subscribers:
        row = rows.get(subscriber.name)
        if row is None or row.seeded_at is None:
            continue
        for epoch in [row.epoch] if row.rebuilding is None else [row.epoch, row.rebuilding]:
            with transaction.atomic():
                _make_lanes(subscriber, epoch, scope)
                _skim(subscriber, epoch, scope)
                _mark(subscriber, epoch, scope)


def begin_epoch(subscriber: Subscriber, epoch: int) -> None:
    """Make bookmarks at the beginning of every stream for a rebuild, and mark them due."""
    with transaction.atomic():
        _make_lanes(subscriber, epoch, EVERYTHING)
        _mark(subscriber, epoch, EVERYTHING)


def newest_position() -> int:
    """The highest head of all streams."""
    return Stream.objects.order_by("-head").values_list("head", flat=True).first() or 0


def _seed(subscriber: Subscriber) -> None:
    kind = "reaction" if isinstance(subscriber, Reaction) else "projection"
    Row.objects.get_or_create(name=subscriber.name, defaults={"kind": kind})
    with transaction.atomic():
        row = Row.objects.select_for_update().get(name=subscriber.name)
        if row.seeded_at is not None:
            return
        # One statement sees one moment: an event that commits after it is after the bookmark, and a stream that
        # commits after it is one made later. So the lock of each of a hundred thousand streams is not needed.
        position = "s.head" if subscriber.starts_at == "head" else "0"
        _execute(_INSERT.format(position=position, scope="s.head > %s"), [row.name, row.epoch, -1, row.name, row.epoch])
        Row.objects.filter(name=row.name).update(seeded_at=Now())


def _make_lanes(subscriber: Subscriber, epoch: int, scope: Scope) -> None:
    name, (condition, parameters) = subscriber.name, scope.sql()
    position = _OWN_BEGINNING if isinstance(subscriber, Reaction) else "0"
    _execute(_INSERT.format(position=position, scope=condition), [name, epoch, *parameters, name, epoch])


def _skim(subscriber: Subscriber, epoch: int, scope: Scope) -> None:
    condition, parameters = scope.sql()
    nothing = _NOTHING.format(kinds=_marks(subscriber.kinds))
    idle = _IDLE.format(scope=condition, only=nothing, lock=_lock())
    _execute(_SKIM.format(idle=idle), [subscriber.name, epoch, *parameters, *subscriber.kinds])


def _mark(subscriber: Subscriber, epoch: int, scope: Scope) -> None:
    condition, parameters = scope.sql()
    only = _STANDS if isinstance(subscriber, Reaction) else ""
    idle = _IDLE.format(scope=condition, only=only, lock=_lock())
    _execute(_MARK.format(idle=idle), [subscriber.name, epoch, *parameters])


def _lock() -> str:
    return "FOR UPDATE OF b SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""


def _marks(values: Collection[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _execute(statement: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
