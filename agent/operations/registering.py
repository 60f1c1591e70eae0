"""Registering: an operator's Decision in the stream `operations`, in the transaction of its effect."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from agent.desk_models import AuditEntry
from agent.operations import chain
from agent.operations.command import Command, address
from agent.operations.operator import Operator
from chat.errors import ChatError
from chat.log.models import Event, Stream
from chat.log.streams import ensure, lock
from chat.log.text import clean
from chat.story import writer
from chat.story.fact_payloads import DecisionRegistered
from chat.story.payloads import encode, kind_of


class KeyReusedError(ChatError):
    """This idempotency key was already used for another command. Use a new key."""

    status = 422


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What an operation does: how things stood and stand, and what it was decided from. JSON values only."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    #: What of the target the command did not say.
    target: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """The answer to a command that was carried out: its Decision."""

    decision_id: int
    act: str
    context: str
    choice: str
    decided_at: datetime
    decided_by: str
    channel: str
    target: dict[str, Any]
    preset: str
    reason: str
    inputs: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        return asdict(self) | {"decided_at": self.decided_at.isoformat()}


def earlier_answer(command: Command, *, by: Operator) -> Decided | None:
    """What the same command with the same key was answered; KeyReusedError when the key stands for another.

    None for a new command; UnknownPresetError when its preset is none of its act. To be asked under the lock of what
    the command changes: then two that come at once give one Decision.
    """
    event = None
    if command.key is not None:
        event = Event.objects.filter(key=_key(command, by), key__startswith="operator:").first()
    if event is None:
        # Here and no earlier: presets change, and what was accepted with another one keeps its answer.
        command.check_preset()
        return None
    if event.payload["body"]["command"] != command.digest():
        raise KeyReusedError
    return decided_of(event)


def register(command: Command, change: Change, *, by: Operator) -> Decided:
    """Append the Decision and its audit entry within the caller's transaction, which has its effect too."""
    ensure(writer.OPERATIONS)
    stream = lock(writer.OPERATIONS)
    source = writer.Source(actor=_actor(by), at=by.at, correlation=by.correlation, key=_key(command, by))
    decision = _decision(command, change, by)
    decision.body[chain.BEFORE] = _newest_seal(stream)
    decision.body[chain.SEAL] = chain.seal(_as_stored(stream, decision, source))
    event = writer.write_operation(decision, source)
    entry_of(event).save(force_insert=True)
    return decided_of(event)


def decided_of(event: Event) -> Decided:
    """The answer that an event of `operations` stands for."""
    payload, body = event.payload, event.payload["body"]
    return Decided(
        decision_id=event.position,
        act=body["act"],
        context=payload["context"],
        choice=payload["choice"],
        decided_at=event.recorded_at,
        decided_by=body["principal"]["name"],
        channel=body["channel"],
        target=body["target"],
        preset=body["preset"],
        reason=payload["reasoning"],
        inputs=body["inputs"],
        before=body["before"],
        after=body["after"],
    )


def entry_of(event: Event) -> AuditEntry:
    """The audit's row of a Decision, made of its event alone."""
    body, target = event.payload["body"], event.payload["body"]["target"]
    return AuditEntry(
        decision_id=event.position,
        at=event.recorded_at,
        act=body["act"],
        channel=body["channel"],
        principal_id=body["principal"]["id"],
        principal_name=body["principal"]["name"],
        client=body["client"],
        subscriber=target.get("subscriber", ""),
        stream=target.get("stream", ""),
        event=target.get("event"),
        target=address(target),
        preset=body["preset"],
        reason=event.payload["reasoning"],
    )


def _decision(command: Command, change: Change, by: Operator) -> DecisionRegistered:
    body = {
        "act": command.act,
        "channel": by.channel,
        "principal": {"id": by.user.pk, "name": by.name},
        "client": by.client,
        "target": {**command.target(), **change.target},
        "preset": command.preset,
        "inputs": dict(change.inputs),
        "before": dict(change.before),
        "after": dict(change.after),
        "code_version": settings.CODE_VERSION,
        "command": command.digest(),
    }
    return DecisionRegistered(
        context=command.context,
        choice=command.choice,
        reasoning=command.reason,
        decided_by=_actor(by),
        body=clean(body),
    )


def _as_stored(stream: Stream, decision: DecisionRegistered, source: writer.Source) -> Event:
    # As the next event of the stream, whose lock we hold, will read back.
    return Event(
        stream=stream,
        version=stream.version + 1,
        kind=kind_of(DecisionRegistered),
        payload=clean(encode(decision)),
        recorded_at=source.at,
        actor=source.actor,
        causation=source.causation,
        correlation=source.correlation,
        key=source.key,
    )


def _newest_seal(stream: Stream) -> str:
    newest = Event.objects.filter(stream=stream, version=stream.version).first()
    return chain.BEGINNING if newest is None else str(newest.payload["body"][chain.SEAL])


def _key(command: Command, by: Operator) -> str | None:
    return None if command.key is None else f"{_actor(by)}:{command.key}"


def _actor(by: Operator) -> str:
    return f"operator:{by.user.pk}"
