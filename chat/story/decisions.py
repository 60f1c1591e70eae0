"""The decisions of a chat that a prompt or a page may use: the kinds, which are stale, which are in force."""

from collections.abc import Iterable

from django.db.models import QuerySet

from chat.statements import composed
from chat.story.fact_models import Decision
from chat.story.models import END, Chat, Turn

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
    if not turns:
        return set()
    gone = set(Turn.objects.filter(id__in=turns).exclude(superseded_by=None).values_list("id", flat=True))
    return {decision.id for decision in decisions if gone.intersection(decision.turns)}


def debriefs(chat: Chat, *, before: int = END) -> list[Decision]:
    """The newest debrief of each scene, in story order, without the stale; those with an earlier place."""
    newest = {decision.scene: decision for decision in _debriefs(chat.id, before)}
    stale = stale_of(newest.values())
    return sorted((one for one in newest.values() if one.id not in stale), key=lambda one: (one.place, one.id))


def cautions(chat: Chat, *, before: int = END) -> list[Decision]:
    """The promoted cautions, without the stale."""
    promoted = _promoted(chat.id, before)
    stale = stale_of(promoted)
    return [caution for caution in promoted if caution.id not in stale]


@composed
def _debriefs(chat: int, before: int) -> "QuerySet[Decision]":
    return Decision.objects.filter(chat=chat, context=RUN_DEBRIEF, place__lt=before).order_by("id")


@composed
def _promoted(chat: int, before: int) -> "QuerySet[Decision]":
    promoted = Decision.objects.filter(chat=chat, context=CAUTION_PROPOSAL, verdict=PROMOTED, place__lt=before)
    return promoted.order_by("place", "id")
