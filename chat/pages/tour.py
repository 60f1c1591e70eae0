"""The card beside the demo story: five minutes of things to try, ticked off by what the log says was done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Subquery

from chat.log.models import Event
from chat.pages.models import Preference
from chat.story.fact_models import StoryTransition
from chat.story.models import Chat, Turn
from chat.story.payloads import kind_of
from chat.story.rewriting_payloads import TurnRestored

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

STEPS = 4


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

    @property
    def over(self) -> bool:
        """Whether nothing is left to try."""
        return self.done == STEPS


@dataclass(frozen=True, slots=True)
class Kept:
    """What the chat page knows of its player: whether Enter sends, and how far the tour has got; None: no tour here."""

    enter_sends: bool
    tour: Tour | None


def kept_for(user: "User | AnonymousUser", chat: Chat) -> Kept:
    """A player's preferences and, beside the demo story, what was done there; with one query for both."""
    asked: dict[str, Any] = {"enter_sends": F("preference__enter_sends"), "closed": F("preference__tour_closed")}
    if chat.seeded_at is not None and chat.branched_at is None:
        asked |= _steps(chat, chat.seeded_at)
    found: dict[str, Any] = {**User.objects.filter(pk=user.pk or 0).values(**asked).get()}
    enter_sends, closed = found.pop("enter_sends"), bool(found.pop("closed"))
    return Kept(enter_sends is not False, Tour(closed=closed, **found) if found else None)


def _steps(chat: Chat, seeded_at: int) -> dict[str, Any]:
    """Each step by its name in Tour, and the reply that is to be rewritten."""
    since = Event.objects.filter(stream_id=chat.id, position__gt=seeded_at)
    turns = Turn.objects.filter(chat=chat, id__gt=seeded_at)
    said = turns.filter(regenerated_from=None)
    replies = Turn.objects.live().filter(chat=chat, place__lt=seeded_at, kind=Turn.Kind.ASSISTANT)
    # What was said elsewhere, or unasked, is not the reply that is to be rewritten.
    reply = replies.filter(meanwhile=None, interjection_of=None).order_by("-place")
    went_back = StoryTransition.objects.filter(turn=OuterRef("regenerated_from"), reverted_by__isnull=False)
    # Not an edit, nor what was stopped; and a deletion takes the same back, but writes nothing anew.
    written = turns.filter(Exists(went_back), state="complete").exclude(generation="")
    first = Subquery(written.order_by("id").values("id")[:1])
    # After it, and instead of another writing: what was deleted comes back instead of nothing.
    restored = since.filter(kind=kind_of(TurnRestored), position__gt=first, payload__instead_of__gt=0)
    return {
        "said": Exists(said.filter(kind=Turn.Kind.USER)),
        "rewritten": Exists(written),
        "restored": Exists(restored),
        "interjected": Exists(said.filter(interjection_of__isnull=False)),
        "reply": Subquery(reply.values("id")[:1]),
        "place": Subquery(reply.values("place")[:1]),
    }


def close_tour(user: "User") -> None:
    """Put the card away, for this player."""
    Preference.objects.update_or_create(user=user, defaults={"tour_closed": True})
