"""The decisions of a chat that a prompt or a page may use: the kinds, which are stale, which are in force."""

from collections.abc import Iterable

from django.db.models import QuerySet

from chat.story.fact_models import Decision
from chat.story.models import Chat, Turn

#: Contexts.
RUN_DEBRIEF = "RunDebrief"
CAUTION_PROPOSAL = "CautionProposal"
CAUTION_REVIEW = "CautionReview"
#: Choices.
DEBRIEFED = "Debriefed"
NO_ACTION = "NoAction"
CAUTION_DRAFTED = "CautionDrafted"
PROMOTED = "Promoted"
DECLINED = "Declined"


def stale_of(decisions: Iterable[Decision]) -> set[int]:
    """Ids of those made from a turn that is no longer live."""
    decisions = list(decisions)
    turns = {turn for decision in decisions for turn in decision.turns}
    gone = set(Turn.objects.filter(id__in=turns).exclude(superseded_by=None).values_list("id", flat=True))
    return {decision.id for decision in decisions if gone.intersection(decision.turns)}


def debriefs(chat: Chat, *, before: int | None = None) -> list[Decision]:
    """The newest debrief of each scene, in story order, without the stale; those with an earlier place."""
    newest = {decision.scene: decision for decision in _of(chat, RUN_DEBRIEF, before).order_by("id")}
    stale = stale_of(newest.values())
    return sorted((one for one in newest.values() if one.id not in stale), key=lambda one: (one.place, one.id))


def cautions(chat: Chat, *, before: int | None = None) -> list[Decision]:
    """The promoted cautions, without the stale."""
    promoted = list(_of(chat, CAUTION_PROPOSAL, before).filter(verdict=PROMOTED).order_by("place", "id"))
    stale = stale_of(promoted)
    return [caution for caution in promoted if caution.id not in stale]


def _of(chat: Chat, context: str, before: int | None) -> "QuerySet[Decision]":
    decisions = Decision.objects.filter(chat=chat, context=context)
    return decisions if before is None else decisions.filter(place__lt=before)
