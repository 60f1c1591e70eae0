"""Errors by fingerprint: which hold lanes up, how many, since when; and retrying all lanes that one holds up."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Count, Max, Min

from agent.models import Attempt, Bookmark
from agent.operations.command import Command
from agent.operations.lane import bookmarks
from agent.operations.operator import Operator
from agent.operations.performing import consulting, performing
from agent.operations.registering import Decided
from agent.operations.retry import NothingToRetryError, RetryLane, retry_lane
from agent.operations.shown import as_json_values
from chat.errors import ChatError
from chat.log.text import clean

#: Lanes are retried one after another, so that what has just come back is not run over.
PACE = timedelta(seconds=0.5)
#: Tries that are shown beside the failures.
NEWEST = 15
#: Lanes that one command retries.
MOST_LANES = 1000


class OtherCountError(ChatError):
    """Not as many lanes as you said are wedged by this error. Look again."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An error that holds lanes up."""

    fingerprint: str
    subscriber: str
    lanes: int
    error: str
    message: str
    #: None: a worker that was killed leaves no error.
    first_at: datetime | None
    last_at: datetime | None
    #: The code that met it first.
    since_version: str

    def as_json(self) -> dict[str, Any]:
        """As every door shows it."""
        said: dict[str, Any] = as_json_values(asdict(self))
        return said


@dataclass(frozen=True, slots=True)
class _Span:
    """The tries that failed in one way: ids of the first and the last, and when they began."""

    first: int
    last: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryAll(Command):
    """Retry every lane that an error has wedged."""

    act: ClassVar[str] = RetryLane.act
    context: ClassVar[str] = RetryLane.context
    choice: ClassVar[str] = RetryLane.choice

    subscriber: str
    fingerprint: str
    #: How many lanes the operator was shown.
    expected_lanes: int

    def target(self) -> dict[str, Any]:
        """The subscriber and the error."""
        return {"subscriber": self.subscriber, "fingerprint": self.fingerprint}


def list_failures(*, by: Operator | None) -> list[Failure]:
    """Every error that has wedged a lane, the one that holds up most lanes first."""
    with consulting(by):
        wedged = Bookmark.objects.filter(wedged_at__isnull=False).exclude(fingerprint="")
        grouped = wedged.values_list("subscriber_id", "fingerprint").annotate(lanes=Count("id"))
        counted = list(grouped.order_by("-lanes", "subscriber_id", "fingerprint"))
        spans = _spans({fingerprint for _, fingerprint, _ in counted})
        tries = Attempt.objects.in_bulk({id_ for span in spans.values() for id_ in (span.first, span.last)})
        return [_failure(which, spans.get(which[:2]), tries) for which in counted]


def newest_attempts(*, by: Operator | None) -> list[Attempt]:
    """The newest tries of all lanes, with their lanes; NEWEST at most."""
    with consulting(by):
        return list(Attempt.objects.select_related("bookmark__stream").order_by("-id")[:NEWEST])


def retry_all(command: RetryAll, *, by: Operator) -> list[Decided]:
    """Retry them one after another, each with a Decision of its own. OtherCountError; and as `retry_lane`.

    A lane that was seen to meanwhile is left out. A key stands for each lane's retry together with its stream.
    """
    with performing(command, by=by):
        command = command.checked()
        streams = _wedged(command)
        if len(streams) != command.expected_lanes:
            raise OtherCountError
    return [one for number, stream in enumerate(streams) if (one := _retry(command, stream, number, by))]


def _wedged(command: RetryAll) -> list[str]:
    lanes = bookmarks(clean(command.subscriber)).filter(fingerprint=clean(command.fingerprint), wedged_at__isnull=False)
    return list(lanes.order_by("wedged_at").values_list("stream__name", flat=True)[:MOST_LANES])


def _retry(command: RetryAll, stream: str, number: int, by: Operator) -> Decided | None:
    key = None if command.key is None else f"{command.key}:{stream}"
    one = RetryLane(subscriber=command.subscriber, stream=stream, reason=command.reason, preset=command.preset, key=key)
    try:
        return retry_lane(one, by=by, after=PACE * number)
    except NothingToRetryError:
        return None


def _spans(fingerprints: Collection[str]) -> dict[tuple[str, str], _Span]:
    """By subscriber and fingerprint."""
    tries = Attempt.objects.filter(fingerprint__in=fingerprints).values_list("bookmark__subscriber_id", "fingerprint")
    found = tries.annotate(Min("id"), Max("id"), Min("started_at"), Max("started_at")).order_by()
    return {(subscriber, fingerprint): _Span(*span) for subscriber, fingerprint, *span in found}


def _failure(which: tuple[str, str, int], span: _Span | None, tries: Mapping[int, Attempt]) -> Failure:
    subscriber, fingerprint, lanes = which
    first, last = (tries.get(span.first), tries.get(span.last)) if span else (None, None)
    return Failure(
        fingerprint=fingerprint,
        subscriber=subscriber,
        lanes=lanes,
        error=last.error if last else "",
        message=last.message if last else "",
        first_at=span.first_at if span else None,
        last_at=span.last_at if span else None,
        since_version=first.code_version if first else "",
    )
