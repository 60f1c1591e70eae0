"""Failures by fingerprint: which there are, how many lanes stand at each, and trying all of them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Count, F, Max, Min, QuerySet

from agent.models import Attempt, Bookmark
from agent.operations.command import Command
from agent.operations.operator import Operator
from agent.operations.performing import consulting, performing
from agent.operations.registering import Decided
from agent.operations.retry import NothingToRetryError, RetryLane, retry_lane
from chat.errors import ChatError
from chat.log.text import clean

#: Between two lanes that are tried again together: a model that was away must not be run over.
PACE = timedelta(seconds=2)
#: Lanes that are tried again with one press, and fingerprints that are listed.
MOST_LANES, MOST_LISTED = 200, 100


class OtherCountError(ChatError):
    """Not as many lanes stand at this failure as you said. Look again, and decide again."""

    status = 409

    def __init__(self, lanes: int) -> None:
        super().__init__()
        #: How many do, for who asked.
        self.present = {"lanes": lanes}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The lanes that stand at one and the same failure."""

    fingerprint: str
    subscriber: str
    lanes: int
    wedged: int
    #: Of the Attempts in memory.
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    #: The code that met it first.
    code_version: str
    error: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryFingerprint(Command):
    """Try all lanes again that stand at one failure."""

    act: ClassVar[str] = "retry_lane"
    context: ClassVar[str] = "LaneRetry"
    choice: ClassVar[str] = "LaneRetried"

    subscriber: str
    fingerprint: str
    #: How many lanes that is, as far as the operator knows.
    expected_lanes: int

    def target(self) -> dict[str, Any]:
        """The failure."""
        return {"subscriber": self.subscriber, "fingerprint": self.fingerprint}


def list_failures(*, by: Operator | None) -> list[Failure]:
    """What lanes stand at just now, the most lanes first."""
    with consulting(by):
        standing = (
            _standing()
            .values("subscriber", "fingerprint")
            .annotate(lanes=Count("id"), wedged=Count("wedged_at"))
            .order_by("-wedged", "-lanes")
        )
        return [_failure(dict(row)) for row in standing[:MOST_LISTED]]


def retry_fingerprint(command: RetryFingerprint, *, by: Operator) -> list[Decided]:
    """Try all lanes again that stand at a failure, PACE apart, each with a Decision of its own.

    OtherCountError (409) unless there are as many as the caller said; a lane that has moved on meanwhile is left
    alone; and as `retry_lane`.
    """
    with performing(command, by=by):
        command = command.checked()
        lanes = list(lanes_at(command.subscriber, command.fingerprint)[: MOST_LANES + 1])
        if len(lanes) != command.expected_lanes or len(lanes) > MOST_LANES:
            raise OtherCountError(len(lanes))
    return [decided for number, lane in enumerate(lanes) if (decided := _retry(lane, number, command, by=by))]


def lanes_at(subscriber: str, fingerprint: str) -> QuerySet[Bookmark]:
    """The lanes that stand at a failure, the longest wedged first."""
    standing = _standing().filter(subscriber=clean(subscriber), fingerprint=clean(fingerprint))
    return standing.select_related("stream", "subscriber").order_by(F("wedged_at").asc(nulls_last=True), "id")


def _standing() -> QuerySet[Bookmark]:
    return Bookmark.objects.filter(epoch=F("subscriber__epoch")).exclude(fingerprint="")


def _retry(lane: Bookmark, number: int, command: RetryFingerprint, *, by: Operator) -> Decided | None:
    one = RetryLane(
        subscriber=command.subscriber,
        stream=lane.stream.name,
        reason=command.reason,
        preset=command.preset,
        key=None if command.key is None else f"{command.key}:{lane.pk}",
    )
    try:
        return retry_lane(one, by=by, after=PACE * number)
    except NothingToRetryError:
        return None


def _failure(row: dict[str, Any]) -> Failure:
    tries = Attempt.objects.filter(
        fingerprint=row["fingerprint"], bookmark__subscriber=row["subscriber"], bookmark__fingerprint=row["fingerprint"]
    )
    seen = tries.aggregate(attempts=Count("id"), first_at=Min("started_at"), last_at=Max("started_at"))
    first, last = _first_and_last(tries)
    return Failure(
        **row,
        **seen,
        code_version=first.code_version if first else "",
        error=last.error if last else "",
        message=last.message if last else "",
    )


def _first_and_last(tries: QuerySet[Attempt]) -> Sequence[Attempt | None]:
    return tries.order_by("id").first(), tries.order_by("id").last()
