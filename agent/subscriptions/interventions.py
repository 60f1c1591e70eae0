"""What operators do to a lane or a subscriber: the bookmark's side of it. The caller holds the row's lock.

Whoever works the lane at that moment is fenced off where the bookmark moves: what it brings is thrown away.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agent.models import Attempt, Bookmark, DismissedEvent
from agent.models import Subscriber as Row
from chat.log import bell


def pass_over(bookmark: Bookmark, events: Sequence[int], *, decision: int) -> None:
    """Move a bookmark past the last of these events, whatever state the lane is in; the next one runs at once."""
    running = Attempt.objects.filter(bookmark=bookmark, outcome=Attempt.Outcome.RUNNING)
    running.update(outcome=Attempt.Outcome.DISCARDED, ended_at=Now(), note="the event was dismissed meanwhile")
    _free(bookmark, position=events[-1], fence=F("fence") + 1, leased_until=None)
    DismissedEvent.objects.bulk_create(
        (DismissedEvent(subscriber=bookmark.subscriber_id, event=event, decision=decision) for event in events),
        ignore_conflicts=True,
    )


def retry(bookmark: Bookmark, *, after: timedelta = timedelta(0)) -> None:
    """Forget the failures of a lane's next event and try it again, `after` a while."""
    newest = Attempt.objects.filter(bookmark=bookmark).order_by("-id").values_list("id", flat=True).first()
    _free(bookmark, forgiven=newest or 0, due_at=Now() + after)


def pause(row: Row | Bookmark, *, by: str, reason: str) -> None:
    """Claim nothing of it any more; what runs is finished."""
    type(row).objects.filter(pk=row.pk).update(paused_at=Now(), paused_by=by, paused_reason=reason)


def resume(row: Row | Bookmark) -> None:
    """Let it be claimed again."""
    type(row).objects.filter(pk=row.pk).update(paused_at=None, paused_by="", paused_reason="")
    streams = [row.stream.name] if isinstance(row, Bookmark) else []
    transaction.on_commit(partial(_ring, streams), robust=True)


def dismissed_of(subscriber: str, events: Sequence[int]) -> set[int]:
    """Which of these events this Reaction was spared."""
    spared = DismissedEvent.objects.filter(subscriber=subscriber, event__in=events)
    return set(spared.values_list("event", flat=True))


def _free(bookmark: Bookmark, **fields: object) -> None:
    wedge = {"wedged_at": None, "wedged_reason": "", "fingerprint": "", "due_at": Now()}
    Bookmark.objects.filter(pk=bookmark.pk).update(**wedge | fields)
    transaction.on_commit(partial(_ring, [bookmark.stream.name]), robust=True)


def _ring(streams: Sequence[str]) -> None:
    # Head 0 says only "look at it": nothing was appended.
    for stream in streams:
        bell.ring(stream, 0)
