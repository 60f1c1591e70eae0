"""Attempts: written when they begin, ended once, and read by the rules that say when a lane wedges."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from agent.models import Attempt, Bookmark
from agent.subscriptions import sql
from agent.subscriptions.retry import Failure, Past
from chat.llm.spending import Spent
from chat.log.text import clean
from chat.rows import insert

Outcome = Attempt.Outcome
_END = """
UPDATE agent_attempt SET outcome = %(outcome)s, note = %(note)s, ended_at = %(ended_at)s, duration_ms = %(duration_ms)s,
  prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s
WHERE id = %(id)s AND outcome = %(running)s"""
CHARGED = (Outcome.FAILED, Outcome.LOST)


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How an Attempt ended that did not fail."""

    outcome: Attempt.Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """A try that has begun."""

    id: int
    began_at: datetime
    #: What it asks of models; written down when it ends.
    spent: Spent = field(default_factory=Spent)


def begin(bookmark: int, *, event: int, fence: int, worker: str, endpoint: str = "") -> Try:
    """Write down that a try begins."""
    attempt = Attempt(
        bookmark_id=bookmark,
        event=event,
        fence=fence,
        started_at=timezone.now(),
        worker=worker,
        endpoint=endpoint,
        code_version=settings.CODE_VERSION,
    )
    insert([attempt])
    return Try(attempt.pk, attempt.started_at)


def end(tried: Try, how: End) -> None:
    """End a try; one that has ended stays as it is."""
    now = timezone.now()
    sql.execute(
        _END,
        {
            "id": tried.id,
            "running": Outcome.RUNNING.value,
            "ended_at": now,
            "duration_ms": _milliseconds(tried, now),
            **clean(asdict(how)),
            **asdict(tried.spent),
        },
    )


def fail(tried: Try, failure: Failure) -> None:
    """End a try as failed."""
    now = timezone.now()
    Attempt.objects.filter(id=tried.id, outcome=Outcome.RUNNING).update(
        ended_at=now,
        duration_ms=_milliseconds(tried, now),
        outcome=Outcome.FAILED,
        failure=failure.kind,
        error=failure.error[:200],
        message=failure.message,
        traceback=failure.traceback,
        fingerprint=failure.fingerprint,
        **asdict(tried.spent),
    )


def note_lost(bookmark: int) -> None:
    """Whoever held the lane is gone: end what it left open."""
    left = Attempt.objects.filter(bookmark=bookmark, outcome=Outcome.RUNNING)
    left.update(outcome=Outcome.LOST, ended_at=Now(), note="its worker died or lost its lease")


def charged(bookmark: Bookmark, event: int) -> list[Past]:
    """The tries at an event that count against it, oldest first."""
    return [
        Past(
            kind="lost" if attempt.outcome == Outcome.LOST else attempt.failure,
            fingerprint=attempt.fingerprint,
            ours=attempt.outcome == Outcome.FAILED and not attempt.error.startswith("Model"),
        )
        for attempt in _counted(bookmark, event).order_by("id")
    ]


def successes_elsewhere(bookmark: Bookmark, event: int, endpoint: str) -> int:
    """What came through on the endpoint, in other lanes, since the event's first transient failure."""
    first = _counted(bookmark, event).filter(failure="transient").order_by("id").first()
    if first is None or not endpoint:
        return 0
    return (
        Attempt.objects.filter(endpoint=endpoint, outcome__in=[Outcome.DONE, Outcome.SKIPPED])
        .filter(ended_at__gt=first.ended_at or first.started_at)
        .exclude(bookmark=bookmark)
        .count()
    )


def prune(*, days: int) -> int:
    """Delete what ended so long ago, wedged lanes' excepted; how many."""
    old = Attempt.objects.filter(ended_at__lt=timezone.now() - timedelta(days=days))
    return old.filter(bookmark__wedged_at=None).delete()[0]


def _counted(bookmark: Bookmark, event: int) -> models.QuerySet[Attempt]:
    return Attempt.objects.filter(bookmark=bookmark, event=event, outcome__in=CHARGED, id__gt=bookmark.forgiven)


def _milliseconds(tried: Try, now: datetime) -> int:
    return round((now - tried.began_at).total_seconds() * 1000)
