"""The desk at a glance: what is stuck, since when, who paused what, and what waits for somebody's judgement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max

from agent.models import Attempt, AuditEntry, Bookmark, SuspendedEndpoint
from agent.operations import drill
from agent.operations.desk import list_subscribers
from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.shown import SubscriberView
from chat.log.models import Stream
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.models import CastMember

#: Minutes of a pulse.
MINUTES = 60
#: Cautions that are looked at one by one.
MOST_CAUTIONS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What the first page of the desk says."""

    subscribers: tuple[SubscriberView, ...]
    #: Id of the lane that has been wedged the longest, and since when; None when none is.
    oldest_wedged: int | None
    wedged_since: datetime | None
    suspended: tuple[SuspendedEndpoint, ...]
    cautions: int
    #: Whether a fire drill is under way.
    drilling: bool
    #: Decisions of operators since midnight (UTC).
    decided_today: int
    #: Position of the newest event of all.
    head: int
    at: datetime

    def total(self, what: str) -> int:
        """The sum of a number of the subscribers' standings, e.g. `wedged`."""
        return sum(getattr(one.standing, what) for one in self.subscribers)


def show_desk(*, by: Operator | None) -> Overview:
    """The desk at a glance."""
    subscribers = list_subscribers(by=by)
    with consulting(by) as now:
        wedged = Bookmark.objects.filter(wedged_at__isnull=False, epoch=F("subscriber__epoch")).order_by("wedged_at")
        oldest = wedged.first() if any(one.standing.wedged for one in subscribers) else None
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Overview(
            subscribers=tuple(subscribers),
            oldest_wedged=oldest.pk if oldest else None,
            wedged_since=oldest.wedged_at if oldest else None,
            suspended=tuple(SuspendedEndpoint.objects.order_by("suspended_at")),
            cautions=len(_to_review()),
            drilling=drill.is_under_way(),
            decided_today=AuditEntry.objects.filter(at__gte=midnight).count(),
            head=Stream.objects.aggregate(head=Max("head"))["head"] or 0,
            at=now,
        )


def list_cautions(*, by: Operator | None) -> list[Decision]:
    """Drafted cautions that nobody has judged and whose turns still stand, the newest first; MOST_CAUTIONS at most."""
    with consulting(by):
        return _to_review()


def audiences(cautions: Collection[Decision]) -> dict[int, str]:
    """By caution the names of those whose prompts it would enter."""
    cast = CastMember.objects.filter(chat__in={caution.chat_id for caution in cautions})
    names = {(chat, who): name for chat, who, name in cast.values_list("chat_id", "character", "name")}
    return {
        caution.id: " and ".join(names.get((caution.chat_id, who), "somebody") for who in caution.body["audience"])
        for caution in cautions
    }


def pulses(*, by: Operator | None) -> Mapping[str, tuple[int, ...]]:
    """Attempts that began in each minute of the last hour, the newest last, by subscriber; none where none began."""
    with consulting(by) as now:
        begun = Attempt.objects.filter(started_at__gt=now - timedelta(minutes=MINUTES))
        minutes: dict[str, list[int]] = {}
        for name, started_at in begun.values_list("bookmark__subscriber_id", "started_at").iterator():
            ago = max(0, int((now - started_at).total_seconds() // 60))
            minutes.setdefault(name, [0] * MINUTES)[MINUTES - 1 - min(ago, MINUTES - 1)] += 1
        return {name: tuple(counts) for name, counts in minutes.items()}


def _to_review() -> list[Decision]:
    drafted = Decision.objects.filter(
        context=decisions.CAUTION_PROPOSAL, choice=decisions.CAUTION_DRAFTED, verdict="", chat__deleted_at=None
    )
    waiting = list(drafted.select_related("chat").order_by("-id")[:MOST_CAUTIONS])
    stale = decisions.stale_of(waiting) if waiting else set()
    return [caution for caution in waiting if caution.id not in stale]
