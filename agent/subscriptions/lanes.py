"""The lanes of Reactions: claiming one, keeping it, and giving it back. Every change is fenced.

Lock order: subscriber → bookmark → chat stream. Leases go by the database's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from agent.models import Attempt, Bookmark
from agent.models import Subscriber as Row
from agent.subscriptions import alerts, breaker, history, retry
from agent.subscriptions.base import Reaction
from agent.subscriptions.seeding import claimable
from chat.errors import ChatError
from chat.log.models import Event
from chat.turns.models import Generation

Outcome = Attempt.Outcome


class LaneLostError(ChatError):
    """The lane's lease was lost: what was worked out for it is thrown away."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to deal with one event of one lane, until the lease passes."""

    reaction: str
    bookmark: int
    fence: int
    attempt: history.Try
    #: Where the bookmark stood.
    position: int
    #: With its stream loaded.
    event: Event
    endpoint: str

    @property
    def lane(self) -> str:
        """The lane's address, for people."""
        return f"{self.reaction}/{self.event.stream.name}"


def claim(reaction: Reaction, *, worker: str, stream: str | None = None) -> Claim | None:
    """Claim the due lane that has waited longest, or the one of `stream`.

    None when there is none, and when no slot is free: `max_concurrency`, a pause, a suspended endpoint, or a
    model server with a single slot that is writing a reply.
    """
    endpoint = breaker.endpoint_of(reaction)
    while True:
        with transaction.atomic():
            if not _has_free_slot(reaction, endpoint):
                return None
            bookmark = _next_lane(reaction, stream)
            if bookmark is None:
                return None
            claimed = _claim_event(reaction, bookmark, worker=worker, endpoint=endpoint)
        if claimed is not None:
            return claimed


def heartbeat(claim: Claim) -> None:
    """Extend the lease; LaneLostError when it is somebody else's by now."""
    if not _held(claim).update(leased_until=_lease_end()):
        raise LaneLostError


def complete(claim: Claim, take_effect: Callable[[], history.End]) -> history.End:
    """Move the bookmark past the event, have the effect, and end the Attempt: all or nothing.

    The fenced update is the first statement; LaneLostError when the lane is no longer ours.
    """
    with transaction.atomic():
        moved = _held(claim).update(position=claim.event.position, leased_until=None, due_at=Now(), fingerprint="")
        if not moved:
            raise LaneLostError
        end = take_effect()
        history.end(claim.attempt, end)
    return end


def fail(claim: Claim, failure: retry.Failure, *, delay: Callable[[int], float]) -> str:
    """Record a charged failure; back off for `delay(failures so far)` seconds, or wedge. Why it wedged, or "".

    LaneLostError when the lane is no longer ours.
    """
    with transaction.atomic():
        if not _held(claim).update(leased_until=None):
            raise LaneLostError
        history.fail(claim.attempt, failure)
        bookmark = Bookmark.objects.get(id=claim.bookmark)
        past = history.charged(bookmark, claim.event.position)
        elsewhere = history.successes_elsewhere(bookmark, claim.event.position, claim.endpoint)
        if reason := retry.why_wedged(past, elsewhere=elsewhere):
            _wedge(bookmark, claim.lane, claim.event.position, reason=reason, fingerprint=failure.fingerprint)
        else:
            due_at = Now() + timedelta(seconds=delay(len(past)))
            Bookmark.objects.filter(id=claim.bookmark).update(due_at=due_at, fingerprint=failure.fingerprint)
    return reason


def give_back(claim: Claim, outcome: Attempt.Outcome, *, note: str = "") -> None:
    """End the Attempt uncharged and leave the lane due; nothing when it is no longer ours."""
    with transaction.atomic():
        if _held(claim).update(leased_until=None, due_at=Now()):
            history.end(claim.attempt, history.End(outcome=outcome, note=note))


def note_lost(claim: Claim) -> None:
    """The lane was lost while its event was worked on; whoever claimed it since has mostly said so already."""
    history.end(claim.attempt, history.End(outcome=Outcome.LOST, note="the lease was lost"))


def slots(reaction: Reaction) -> int:
    """Lanes of a Reaction that may be worked at once."""
    return max(reaction.max_concurrency, settings.REACTION_CONCURRENCY)


def free_slots(reaction: Reaction) -> int:
    """How many more could be claimed now, by a look without a lock."""
    return max(0, slots(reaction) - _leased(reaction))


def wedge(bookmark: Bookmark, *, event: int, failure: retry.Failure, worker: str) -> None:
    """Wedge a projection's lane; its bookmark is locked by the caller and stands before the event."""
    fence = bookmark.fence + 1
    Bookmark.objects.filter(id=bookmark.pk).update(fence=fence)
    history.fail(history.begin(bookmark, event=event, fence=fence, worker=worker), failure)
    lane = f"{bookmark.subscriber_id}/{bookmark.stream.name}"
    _wedge(bookmark, lane, event, reason=failure.message or failure.error, fingerprint=failure.fingerprint)


def _has_free_slot(reaction: Reaction, endpoint: str) -> bool:
    # The row's lock makes counting and claiming one step for every worker.
    row = Row.objects.select_for_update(no_key=True).filter(name=reaction.name).first()
    if row is None or row.paused_at is not None or breaker.is_suspended(endpoint):
        return False
    if _leased(reaction) >= slots(reaction):
        return False
    return not (endpoint and settings.MODEL_SLOTS == 1 and _a_reply_is_being_written())


def _leased(reaction: Reaction) -> int:
    return Bookmark.objects.filter(subscriber=reaction.name, leased_until__gt=Now()).count()


def _a_reply_is_being_written() -> bool:
    return Generation.objects.filter(state=Generation.State.RUNNING, leased_until__gt=Now()).exists()


def _next_lane(reaction: Reaction, stream: str | None) -> Bookmark | None:
    lanes = claimable(reaction.name).select_related("stream")
    if stream is not None:
        lanes = lanes.filter(stream__name=stream)
    return lanes.select_for_update(of=("self",), skip_locked=True, no_key=True).first()


def _claim_event(reaction: Reaction, bookmark: Bookmark, *, worker: str, endpoint: str) -> Claim | None:
    """Lease the lane for its next event; None when there is none, or when it wedges here."""
    if bookmark.leased_until is not None:
        history.note_lost(bookmark)
    event = _next_event(reaction, bookmark)
    lane = Bookmark.objects.filter(id=bookmark.pk)
    if event is None:
        lane.update(position=bookmark.stream.head, due_at=None, leased_until=None, fingerprint="")
        return None
    if reason := retry.killed_too_often(history.charged(bookmark, event.position)):
        name = f"{reaction.name}/{bookmark.stream.name}"
        _wedge(bookmark, name, event.position, reason=reason, fingerprint=f"killed-{reaction.name}"[:64])
        return None
    fence = bookmark.fence + 1
    lane.update(fence=fence, leased_until=_lease_end())
    attempt = history.begin(bookmark, event=event.position, fence=fence, worker=worker, endpoint=endpoint)
    return Claim(
        reaction=reaction.name,
        bookmark=bookmark.pk,
        fence=fence,
        attempt=attempt,
        position=bookmark.position,
        event=event,
        endpoint=endpoint,
    )


def _next_event(reaction: Reaction, bookmark: Bookmark) -> Event | None:
    # Up to the head that was read with the bookmark: whatever comes after it is noticed after it.
    event = (
        Event.objects.filter(
            stream_id=bookmark.stream_id,
            position__gt=bookmark.position,
            position__lte=bookmark.stream.head,
            kind__in=reaction.kinds,
        )
        .order_by("position")
        .first()
    )
    if event is not None:
        event.stream = bookmark.stream
    return event


def _held(claim: Claim) -> models.QuerySet[Bookmark]:
    return Bookmark.objects.filter(
        id=claim.bookmark, fence=claim.fence, position=claim.position, leased_until__isnull=False
    )


def _wedge(bookmark: Bookmark, lane: str, event: int, *, reason: str, fingerprint: str) -> None:
    Bookmark.objects.filter(id=bookmark.pk).update(
        wedged_at=Now(), wedged_reason=reason, fingerprint=fingerprint, leased_until=None, due_at=Now()
    )
    tell = partial(alerts.lane_wedged, lane, event=event, reason=reason, fingerprint=fingerprint)
    transaction.on_commit(tell, robust=True)


def _lease_end() -> models.expressions.CombinedExpression:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
