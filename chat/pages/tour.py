"""The card beside the demo story: five minutes of things to try, ticked off by what the log says was done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, Subquery

from chat.log.models import Event, Stream
from chat.pages.models import Preference
from chat.story.fact_payloads import EventStatusReverted
from chat.story.models import Chat, Turn
from chat.story.payloads import kind_of
from chat.story.rewriting_payloads import TurnRestored

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


@dataclass(frozen=True, kw_only=True, slots=True)
class Tour:
    """What was done since the story was seeded; `reply` and `place` lead to the last reply of that story."""

    said: bool
    rewritten: bool
    restored: bool
    interjected: bool
    closed: bool
    reply: int | None
    place: int | None

    @property
    def done(self) -> int:
        """How many of the four steps."""
        return self.said + self.rewritten + self.restored + self.interjected


def tour_of(chat: Chat, user: "User | AnonymousUser") -> Tour | None:
    """How far a player has got with the demo story, with one query; None for any other."""
    if chat.seeded_at is None:
        return None
    since = Event.objects.filter(stream_id=chat.id, position__gt=chat.seeded_at)
    turns = Turn.objects.filter(chat=chat, id__gt=chat.seeded_at, regenerated_from=None)
    replies = Turn.objects.live().filter(chat=chat, place__lt=chat.seeded_at, kind=Turn.Kind.ASSISTANT)
    # What was said elsewhere, or unasked, is not the reply that is to be rewritten.
    reply = replies.filter(meanwhile=None, interjection_of=None).order_by("-place")
    rewritten = Subquery(since.filter(kind=kind_of(EventStatusReverted)).order_by("position").values("position")[:1])
    found = (
        Stream.objects.filter(id=chat.id)
        .annotate(
            said=Exists(turns.filter(kind=Turn.Kind.USER)),
            rewritten=Exists(since.filter(kind=kind_of(EventStatusReverted))),
            # After the rewriting: bringing some other writing back takes nothing of it back.
            restored=Exists(since.filter(kind=kind_of(TurnRestored), position__gt=rewritten)),
            interjected=Exists(turns.filter(interjection_of__isnull=False)),
            closed=Exists(Preference.objects.filter(user__pk=user.pk or 0, tour_closed=True)),
            reply=Subquery(reply.values("id")[:1]),
            place=Subquery(reply.values("place")[:1]),
        )
        .values("said", "rewritten", "restored", "interjected", "closed", "reply", "place")
        .get()
    )
    return Tour(**found)


def close_tour(user: "User") -> None:
    """Put the card away, for this player."""
    Preference.objects.update_or_create(user=user, defaults={"tour_closed": True})
