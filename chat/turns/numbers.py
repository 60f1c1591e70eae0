"""What turns are called on screen: by the how manieth of its story, and of its writings, each is; never by its id."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_

from django.db.models import Count, Q

from chat.story.models import Turn

#: By chat, the first and the last of the places that are asked about.
type Spans = Mapping[int, tuple[int, int]]


def number_of(turn: Turn) -> int:
    """The number of one turn; see `numbers_of`."""
    return numbers_of([turn])[turn.id]


def numbers_of(turns: Collection[Turn]) -> dict[int, int]:
    """The number of each of these turns among those that stand in its story, from 1, by id.

    A turn that was rewritten has the number of what stands in its place, a deleted one that of where it stood.
    """
    places: defaultdict[int, list[int]] = defaultdict(list)
    for turn in turns:
        places[turn.chat_id].append(turn.place)
    spans = {chat: (min(those), max(those)) for chat, those in places.items()}
    before, within = _standing_before(spans), _standing_within(spans)
    return {turn.id: before.get(chat := turn.chat_id, 0) + bisect_left(within[chat], turn.place) + 1 for turn in turns}


def writings_of(turn: Turn) -> dict[int, int]:
    """Which writing of its turn each of them is, from 1, by id."""
    written = Turn.objects.filter(chat=turn.chat_id, group=turn.group, place=turn.place).order_by("id")
    return {id_: number for number, id_ in enumerate(written.values_list("id", flat=True), start=1)}


def _standing_before(spans: Spans) -> dict[int, int]:
    """By chat, how many turns stand before the first of its places."""
    asked = [Q(chat=chat, place__lt=first) for chat, (first, _) in spans.items()]
    if not asked:
        return {}
    return dict(Turn.objects.live().filter(reduce(or_, asked)).values_list("chat").annotate(Count("id")).order_by())


def _standing_within(spans: Spans) -> defaultdict[int, list[int]]:
    """By chat, the places of the turns that stand from the first of its places up to the last, in order."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    asked = [Q(chat=chat, place__gte=first, place__lt=last) for chat, (first, last) in spans.items() if first < last]
    if asked:
        standing = Turn.objects.live().filter(reduce(or_, asked)).order_by("place")
        for chat, place in standing.values_list("chat", "place"):
            found[chat].append(place)
    return found
