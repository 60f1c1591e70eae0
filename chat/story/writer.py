"""The one door to the log: it appends and folds in one transaction, then rings the bell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from chat.log import bell
from chat.log.append import Appended, NewEvent, StaleVersionError, append
from chat.log.models import Event, Stream
from chat.log.streams import create_stream, lock
from chat.rows import fetch_both
from chat.story import fold
from chat.story.fact_payloads import DecisionRegistered
from chat.story.models import Chat, stream_of
from chat.story.payloads import ChatCreated, Payload, decode, encode, kind_of
from chat.story.positions import moved, references

#: Of a history that is copied, so many events go into one statement at most.
MOST_AT_ONCE = 200
#: The stream of what concerns no single chat.
OPERATIONS = "operations"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where events come from: who, when, because of what, under which idempotency key."""

    actor: str
    at: datetime
    causation: int | None = None
    correlation: str = ""
    #: Of the first event only.
    key: str | None = None


def write(chat: int, payloads: Sequence[Payload], source: Source, *, expected_version: int | None = None) -> Appended:
    """Append the payloads to the chat's stream and fold them; nothing is written when there are none.

    Raises StaleVersionError, KeyReusedError or NoSuchStreamError (see `log.append`).
    """
    if not payloads:
        return Appended()
    with transaction.atomic():
        try:
            stream, row = fetch_both(Stream, Chat, chat)
        except ObjectDoesNotExist:
            stream, row = lock(stream_of(chat)), None
        return _write(stream, row, payloads, source, expected_version=expected_version)


def write_held(
    stream: Stream, payloads: Sequence[Payload], source: Source, *, expected_version: int | None = None
) -> Appended:
    """As `write`, on a chat's stream that the caller holds (`log.streams.lock`); an error ends its transaction too."""
    return _write(stream, None, payloads, source, expected_version=expected_version) if payloads else Appended()


def _write(
    stream: Stream, chat: Chat | None, payloads: Sequence[Payload], source: Source, *, expected_version: int | None
) -> Appended:
    appended = append(stream, _events(payloads, source), expected_version=expected_version)
    if not appended.repeated:
        # As recorded, not as given: a rebuild will see the same.
        fold.fold(stream.pk, [(event, decode(event.kind, event.payload)) for event in appended.events], held=chat)
        transaction.on_commit(partial(bell.ring, stream.name, appended.events[-1].position), robust=True)
    return appended


def create_chat(created: ChatCreated, then: Sequence[Payload], source: Source) -> int:
    """Open a stream for a new chat and write its first events; the chat's id."""
    with transaction.atomic():
        stream: Stream = create_stream("chat")
        write(stream.pk, [created, *then], source)
    return stream.pk


def copy_chat(history: Iterable[tuple[Event, Payload]], then: Sequence[Payload], source: Source) -> int:
    """Write a history into a stream of its own, with its times and actors, and after it `then`; the chat's id.

    The history begins with its ChatCreated. Positions that its payloads name become those of the copies.
    """
    with transaction.atomic():
        stream: Stream = create_stream("chat")
        copies = _copied(stream, history)
        fold.fold(stream.pk, [(copy, decode(copy.kind, copy.payload)) for copy in copies])
        write(stream.pk, then, source)
    return stream.pk


def _copied(stream: Stream, history: Iterable[tuple[Event, Payload]]) -> list[Event]:
    ids: dict[int, int] = {}
    copies: list[Event] = []
    for run in _runs(history):
        news = [new for event, payload in run for new in _events([moved(payload, ids)], _source_of(event, ids))]
        appended = append(stream, news).events
        ids |= {event.position: copy.position for (event, _), copy in zip(run, appended, strict=True)}
        copies += appended
    return copies


def _runs(history: Iterable[tuple[Event, Payload]]) -> Iterator[list[tuple[Event, Payload]]]:
    """Stretches in which no event names another of them, whose copy has no position yet: each is one append."""
    run: list[tuple[Event, Payload]] = []
    named: set[int] = set()
    for event, payload in history:
        if len(run) == MOST_AT_ONCE or named & {*references(payload), event.causation}:
            yield run
            run, named = [], set()
        run.append((event, payload))
        named.add(event.position)
    yield run


def _source_of(event: Event, ids: Mapping[int, int]) -> Source:
    return Source(actor=event.actor, at=event.recorded_at, causation=ids.get(event.causation or 0))


def write_operation(decision: DecisionRegistered, source: Source) -> Event:
    """Append an operator's decision to `operations`; it belongs to no story, so that nothing is folded.

    Raises KeyReusedError or NoSuchStreamError (see `log.append`).
    """
    with transaction.atomic():
        [event] = append(lock(OPERATIONS), _events([decision], source)).events
        transaction.on_commit(partial(bell.ring, OPERATIONS, event.position), robust=True)
    return event


def decide(chat: int, decider: Callable[[Chat], Sequence[Payload]], source: Source) -> Appended:
    """Write what `decider` makes of the chat as it stands; when the chat moved meanwhile, decide once more."""
    try:
        return _decide(chat, decider, source)
    except StaleVersionError:
        return _decide(chat, decider, source)


def _decide(chat: int, decider: Callable[[Chat], Sequence[Payload]], source: Source) -> Appended:
    version = Stream.objects.values_list("version", flat=True).get(name=stream_of(chat))
    return write(chat, decider(Chat.objects.get(id=chat)), source, expected_version=version)


def _events(payloads: Sequence[Payload], source: Source) -> list[NewEvent]:
    return [
        NewEvent(
            kind=kind_of(type(payload)),
            payload=encode(payload),
            recorded_at=source.at,
            actor=source.actor,
            causation=source.causation,
            correlation=source.correlation,
            key=source.key if number == 0 else None,
        )
        for number, payload in enumerate(payloads)
    ]
