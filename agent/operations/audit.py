"""The audit: operators' Decisions, to be searched, exported and verified."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from itertools import chain as joined
from typing import Any

from django.db.models import Q, QuerySet

from agent.desk_models import AuditEntry, Refusal
from agent.operations import chain
from agent.operations.chain import Break
from agent.operations.lane import find_bookmark
from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.registering import Decided, decided_of, entry_of
from agent.operations.turn import OF_TURN
from chat.errors import ChatError
from chat.log.models import Event
from chat.log.text import clean
from chat.story.models import Turn
from chat.story.writer import OPERATIONS
from chat.turns.numbers import number_of, writings_of

MOST_DECISIONS = 500
_BATCH = 1000
COLUMNS = (
    "position",
    "recorded_at",
    "act",
    "channel",
    "principal_id",
    "principal_name",
    "client",
    "target",
    "subscriber",
    "stream",
    "event",
    "preset",
    "reason",
    "before",
    "after",
    "inputs",
    "code_version",
    "correlation",
    "seal",
)
#: What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class NoSuchDecisionError(ChatError):
    """There is no such Decision."""

    status = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One Decision, and what people call that which it is about."""

    #: Everything that is on record of it, as the export has it.
    record: dict[str, Any]
    #: The bookmark of the lane that it is about; None for none, or one that is gone.
    lane: int | None
    #: The how manieth of its story the turn is that it is about; None for no turn.
    turn: int | None
    #: Which of its writings each is, from 1, by id.
    writings: dict[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """What of the audit is wanted; "" and None for everything."""

    #: In reasons and targets.
    text: str = ""
    act: str = ""
    channel: str = ""
    principal: int | None = None
    subscriber: str = ""
    stream: str = ""
    event: int | None = None
    #: The whole of it, as `command.address` has it.
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def entries(self) -> QuerySet[AuditEntry]:
        """The audit's rows that are wanted, the newest first."""
        exact = {
            "act": self.act,
            "channel": self.channel,
            "principal_id": self.principal,
            "subscriber": self.subscriber,
            "stream": self.stream,
            "event": self.event,
            "target": self.target,
            "at__gte": self.since,
            "at__lt": self.until,
        }
        found = AuditEntry.objects.filter(**{name: clean(value) for name, value in exact.items() if value})
        if text := clean(self.text).strip():
            found = found.filter(Q(reason__icontains=text) | Q(target__icontains=text))
        return found.order_by("-decision_id")


def list_decisions(sought: Sought, *, before: int | None = None, limit: int = 50, by: Operator | None) -> list[Decided]:
    """Decisions, the newest first, those before a position if one is given."""
    with consulting(by, "view_audit"):
        entries = sought.entries().select_related("decision")
        if before is not None:
            entries = entries.filter(decision_id__lt=before)
        return [decided_of(entry.decision) for entry in entries[: max(1, min(limit, MOST_DECISIONS))]]


def show_decision(position: int, *, by: Operator) -> Shown:
    """One Decision. NoSuchDecisionError (404)."""
    with consulting(by, "view_audit"):
        entry = AuditEntry.objects.select_related("decision").filter(decision_id=position).first()
        if entry is None:
            raise NoSuchDecisionError
        record = _record(entry.decision)
        lane = find_bookmark(entry.subscriber, entry.stream)
        turn = Turn.objects.filter(id=entry.event or 0).first() if record["context"] == OF_TURN else None
        return Shown(
            record=record,
            lane=lane.pk if lane else None,
            turn=number_of(turn) if turn else None,
            writings=writings_of(turn) if turn else {},
        )


def list_refusals(*, limit: int = 50, by: Operator | None) -> list[Refusal]:
    """Who was refused what lately, the newest first."""
    with consulting(by, "view_audit"):
        return list(Refusal.objects.order_by("-id")[: max(1, min(limit, MOST_DECISIONS))])


def export(sought: Sought, *, format: str, by: Operator | None) -> Iterator[str]:  # noqa: A002  (as the commands call it)
    """The Decisions that are wanted, oldest first, a line at a time: `jsonl`, or `csv` that no spreadsheet runs."""
    with consulting(by, "view_audit"):
        entries = sought.entries().reverse().select_related("decision")
    records = (_record(entry.decision) for entry in entries.iterator(chunk_size=_BATCH))
    if format == "jsonl":
        return (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return joined([_csv_line(COLUMNS)], (_csv_line(_cells(record)) for record in records))


def verify(*, expected: str = "") -> list[Break]:
    """Where the chain does not hold, or the audit's rows are not what the log says; `expected`: a seal it must have.

    A chain whose newest links were cut off holds too: who keeps the newest seal elsewhere finds that by `expected`.
    """
    broken = [*chain.breaks(_all()), *_other_entries()]
    if expected and all(event.payload["body"].get(chain.SEAL) != expected for event in _all()):
        broken.append(Break(0, 0, f"no Decision has the seal {expected}"))
    return broken


def newest_seal() -> tuple[int, str]:
    """The number of Decisions and the newest one's seal, to be kept somewhere else."""
    newest = Event.objects.filter(stream__name=OPERATIONS).order_by("-position").first()
    return (0, "") if newest is None else (newest.version, str(newest.payload["body"].get(chain.SEAL)))


def _all() -> Iterable[Event]:
    return Event.objects.filter(stream__name=OPERATIONS).order_by("position").iterator(chunk_size=_BATCH)


def _other_entries() -> Iterator[Break]:
    for events in batched(_all(), _BATCH):
        rows = {row["decision_id"]: row for row in _rows(events)}
        for event in events:
            said = vars(entry_of(event))
            row = rows.get(event.position, {})
            if not row or any(said[name] != value for name, value in row.items()):
                yield Break(event.version, event.position, "its audit entry is not what it says")


def _rows(events: Sequence[Event]) -> Iterable[Mapping[str, object]]:
    return AuditEntry.objects.filter(decision_id__in=[event.position for event in events]).values()


def _record(event: Event) -> dict[str, Any]:
    body = event.payload["body"]
    return {
        "position": event.position,
        "recorded_at": event.recorded_at.isoformat(),
        "principal_id": body["principal"]["id"],
        "principal_name": body["principal"]["name"],
        "reason": event.payload["reasoning"],
        "context": event.payload["context"],
        "choice": event.payload["choice"],
        "correlation": event.correlation,
        **{name: value for name, value in body.items() if name not in {"principal", "command"}},
    }


def _cells(record: dict[str, Any]) -> list[str]:
    target = record["target"]
    flat = record | {name: target.get(name, "") for name in ("subscriber", "stream", "event")}
    return [_safe(_text(flat[name])) for name in COLUMNS]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
