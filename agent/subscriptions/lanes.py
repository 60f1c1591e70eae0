"""The lanes of Reactions: claiming one, keeping it, and giving it back. Every change is fenced.

Lock order: subscriber → bookmark → chat stream. Leases go by the database's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from agent.models import Attempt, Bookmark
from agent.subscriptions import alerts, breaker, due, history, retry, sql
from agent.subscriptions.base import Reaction
from agent.subscriptions.due import ReactionLane
from chat.errors import ChatError
from chat.log.models import Event, Stream
from chat.rows import fetch

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
            lane = due.hold_lane(reaction, slots=slots(reaction), endpoint=endpoint, stream=stream)
            if lane is None:
                return None
            attempt = _begin(reaction, lane, worker=worker, endpoint=endpoint)
        if attempt is not None and lane.event is not None:
            return Claim(
                reaction=reaction.name,
                bookmark=lane.bookmark,
                fence=lane.fence + 1,
                attempt=attempt,
                position=lane.position,
                event=_event(lane.event, lane.stream),
                endpoint=endpoint,
            )


def heartbeat(claim: Claim) -> None:
    """Extend the lease; LaneLostError when it is somebody else's by now."""
    if not _update_held(claim, f"leased_until = {sql.in_seconds('lease')}", lease=settings.LEASE_SECONDS):
        raise LaneLostError


def complete(claim: Claim, take_effect: Callable[[], history.End]) -> history.End:
    """Move the bookmark past the event, have the effect, and end the Attempt: all or nothing.

    The fenced update is the first statement; LaneLostError when the lane is no longer ours.
    """
    with transaction.atomic():
        changes = f"position = %(event)s, leased_until = NULL, due_at = {sql.now()}, fingerprint = ''"
        if not _update_held(claim, changes, event=claim.event.position):
            raise LaneLostError
        end = take_effect()
        history.end(claim.attempt, end)
    return end


def fail(claim: Claim, failure: retry.Failure, *, delay: Callable[[int], float]) -> str:
    """Record a charged failure; back off for `delay(failures so far)` seconds, or wedge. Why it wedged, or "".

    LaneLostError when the lane is no longer ours.
    """
    with transaction.atomic():
        if not _update_held(claim, "leased_until = NULL"):
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
        if _update_held(claim, f"leased_until = NULL, due_at = {sql.now()}"):
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
    history.fail(history.begin(bookmark.pk, event=event, fence=fence, worker=worker), failure)
    lane = f"{bookmark.subscriber_id}/{bookmark.stream.name}"
    _wedge(bookmark, lane, event, reason=failure.message or failure.error, fingerprint=failure.fingerprint)


def _leased(reaction: Reaction) -> int:
    return Bookmark.objects.filter(subscriber=reaction.name, leased_until__gt=Now()).count()


def _begin(reaction: Reaction, lane: ReactionLane, *, worker: str, endpoint: str) -> history.Try | None:
    """Lease a lane that is held for its next event; None when it rests instead, or wedges here."""
    if lane.event is None or lane.deleted:
        _rest(lane)
        return None
    if lane.abandoned and _is_deadly(reaction, lane, lane.event):
        return None
    sql.execute(
        f"UPDATE agent_bookmark SET fence = %(fence)s, leased_until = {sql.in_seconds('lease')} WHERE id = %(id)s",  # noqa: S608
        {"fence": lane.fence + 1, "lease": settings.LEASE_SECONDS, "id": lane.bookmark},
    )
    return history.begin(lane.bookmark, event=lane.event, fence=lane.fence + 1, worker=worker, endpoint=endpoint)


def _rest(lane: ReactionLane) -> None:
    """Let a lane wait for news: at the head, or where it stands until somebody brings its chat back."""
    if lane.abandoned:
        history.note_lost(lane.bookmark)
    position = lane.position if lane.deleted else lane.stream.head
    Bookmark.objects.filter(id=lane.bookmark).update(position=position, due_at=None, leased_until=None, fingerprint="")


def _is_deadly(reaction: Reaction, lane: ReactionLane, event: int) -> bool:
    """Note that whoever held the lane is gone; wedge it if that has happened too often at this event."""
    bookmark = Bookmark.objects.get(id=lane.bookmark)
    history.note_lost(lane.bookmark)
    if reason := retry.killed_too_often(history.charged(bookmark, event)):
        name = f"{reaction.name}/{lane.stream.name}"
        _wedge(bookmark, name, event, reason=reason, fingerprint=f"killed-{reaction.name}"[:64])
    return bool(reason)


def _event(position: int, stream: Stream) -> Event:
    event = fetch(Event, position=position)
    event.stream = stream
    return event


def _update_held(claim: Claim, changes: str, **parameters: object) -> int:
    """Change the bookmark if the lane is still ours; how many rows that were."""
    return sql.execute(
        f"UPDATE agent_bookmark SET {changes} WHERE id = %(id)s AND fence = %(fence)s AND position = %(position)s"  # noqa: S608
        " AND leased_until IS NOT NULL",
        {"id": claim.bookmark, "fence": claim.fence, "position": claim.position, **parameters},
    )


def _wedge(bookmark: Bookmark, lane: str, event: int, *, reason: str, fingerprint: str) -> None:
    Bookmark.objects.filter(id=bookmark.pk).update(
        wedged_at=Now(), wedged_reason=reason, fingerprint=fingerprint, leased_until=None, due_at=Now()
    )
    tell = partial(alerts.lane_wedged, lane, event=event, reason=reason, fingerprint=fingerprint)
    transaction.on_commit(tell, robust=True)
