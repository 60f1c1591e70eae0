"""Reacting late: a Reaction deals with an event that its lane was moved past. The lane is held meanwhile."""

import asyncio
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from agent.models import Attempt, Bookmark, DismissedEvent
from agent.subscriptions import effect, history, retry
from agent.subscriptions.base import Outcome, Reaction
from agent.subscriptions.lanes import Claim, LaneLostError
from chat.llm import spending
from chat.log import bell
from chat.log.models import Event

#: Seconds of the lease beyond what the Reaction may take.
MARGIN = 10.0


def hold(bookmark: Bookmark, reaction: Reaction, event: Event, *, worker: str) -> Claim:
    """Lease a lane, whose bookmark the caller has locked, for an event behind it."""
    fence = bookmark.fence + 1
    until = Now() + timedelta(seconds=reaction.timeout + MARGIN)
    # Due as every lane that is held, so that it is claimed again should whoever holds it go.
    due_at = Coalesce("due_at", Now())
    Bookmark.objects.filter(id=bookmark.pk).update(fence=fence, leased_until=until, due_at=due_at)
    attempt = history.begin(bookmark.pk, event=event.position, fence=fence, worker=worker)
    return Claim(
        reaction=reaction.name,
        bookmark=bookmark.pk,
        fence=fence,
        attempt=attempt,
        position=bookmark.position,
        event=event,
        endpoint="",
    )


def ask(reaction: Reaction, claim: Claim) -> Outcome:
    """What the Reaction says; whatever it raises. No transaction may be open."""

    async def asked() -> Outcome:
        async with asyncio.timeout(reaction.timeout):
            with spending.counted(claim.attempt.spent):
                return await reaction.react(claim.event)

    return asyncio.run(asked())


def settle(claim: Claim, outcome: Outcome) -> history.End:
    """Have the effect and let the lane go, in the caller's transaction; LaneLostError when it is another's by now."""
    _let_go(claim)
    try:
        end = effect.take_effect(claim, outcome)
    except effect.OutdatedError as error:
        end = history.End(outcome=Attempt.Outcome.DISCARDED, note=error.detail)
    history.end(claim.attempt, end)
    if end.outcome != Attempt.Outcome.DISCARDED:
        DismissedEvent.objects.filter(subscriber=claim.reaction, event=claim.event.position).delete()
    return end


def fail(claim: Claim, error: BaseException) -> retry.Failure:
    """Write down that it failed again, and let the lane go as it was."""
    failure = retry.failure_of(error)
    with transaction.atomic():
        _let_go(claim)
        history.fail(claim.attempt, failure)
    return failure


def _let_go(claim: Claim) -> None:
    held = Bookmark.objects.filter(id=claim.bookmark, fence=claim.fence, leased_until__isnull=False)
    if not held.update(leased_until=None):
        raise LaneLostError
    # What came to the lane meanwhile has waited.
    transaction.on_commit(partial(bell.ring, claim.event.stream.name, 0), robust=True)
