"""What turns are called on screen: by the how manieth of its story, and of its writings, each is; never by its id."""

from collections.abc import Iterable

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from chat.story.models import Turn


def numbers_of(turns: Iterable[int]) -> dict[int, int]:
    """The number of each of these turns among those that stand in its story, from 1, by id.

    A turn that was rewritten has the number of what stands in its place, a deleted one that of where it stood.
    """
    earlier = Turn.objects.live().filter(chat=OuterRef("chat"), place__lt=OuterRef("place")).order_by()
    counted = earlier.values("chat").annotate(count=Count("*")).values("count")
    found = Turn.objects.filter(id__in=set(turns)).annotate(earlier=Coalesce(Subquery(counted), 0))
    return {id_: count + 1 for id_, count in found.values_list("id", "earlier")}


def writings_of(turn: int) -> dict[int, int]:
    """Which writing of its turn each of them is, from 1, by id; of a turn that is not there, none."""
    one = Turn.objects.filter(id=turn)[:1]
    written = Turn.objects.filter(chat=Subquery(one.values("chat")), place=Subquery(one.values("place")))
    return {id_: number for number, id_ in enumerate(written.order_by("id").values_list("id", flat=True), start=1)}
