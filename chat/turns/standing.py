"""Which writing stands in a turn's place, and what is said to whoever asks for one that does not."""

from typing import Any

from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When

from chat.errors import ChatError
from chat.story.models import Turn

REWRITTEN = "This turn was rewritten: another writing stands in its place now. Look again."


class NotStandingError(ChatError):
    """This turn was rewritten or deleted meanwhile. Look again."""

    status = 409

    def __init__(self, detail: str = "", *, standing: int | None = None) -> None:
        super().__init__(detail or (REWRITTEN if standing else ""))
        #: For programs, which go by ids: the writing that stands in its place.
        self.present = {"standing": standing}


class AnswersNothingError(ChatError):
    """The turn that this answers was deleted. Bring that one back first: what went with it comes along."""

    status = 409


def standing_beside(turn: Turn, *, but: int | None = None) -> Turn | None:
    """The writing that stands in a turn's place, not counting `but`; None when it was deleted."""
    standing = Turn.objects.live().filter(chat=turn.chat_id, place=turn.place)
    return (standing if but is None else standing.exclude(id=but)).order_by("-id").first()


def with_standing(turns: "QuerySet[Turn]") -> "QuerySet[Turn, Any]":
    """Turns, each with how it `stands`: live, superseded or deleted.

    Deleted is what fell to no other turn and in whose place nothing stands, be it for itself or along with another.
    """
    heir = Turn.objects.filter(id=OuterRef("superseded_by"))
    beside = Turn.objects.live().filter(chat=OuterRef("chat"), place=OuterRef("place"))
    fallen = When(Exists(heir) | Exists(beside), then=Value("superseded"))
    return turns.annotate(stands=Case(When(superseded_by=None, then=Value("live")), fallen, default=Value("deleted")))


def is_deleted(turn: Turn) -> bool:
    """Whether a turn fell to its deletion, not to another turn."""
    return turn.superseded_by is not None and not Turn.objects.filter(id=turn.superseded_by).exists()


def refuse_unasked(turn: Turn) -> None:
    """Raise AnswersNothingError for a reply whose player's turn does not stand, and an interjection without a reply."""
    if kept_down(turn):
        raise AnswersNothingError


def kept_down(turn: Turn) -> str:
    """Why no writing of a turn can be brought back, as a sentence; "" when it can."""
    return "" if Turn.objects.filter(id=turn.id).answering().exists() else AnswersNothingError.message()


def refuse_fallen(turn: Turn) -> None:
    """Raise NotStandingError for a turn that does not stand; it names the one that stands in its place."""
    if turn.superseded_by is None:
        return
    if (standing := standing_beside(turn)) is not None:
        raise NotStandingError(standing=standing.id)
    # Else it went with another one that was rewritten.
    raise NotStandingError("This turn was deleted." if is_deleted(turn) else "")
