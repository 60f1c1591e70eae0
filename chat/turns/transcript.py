"""Reading a chat's turns a page at a time, and what stands at its end while a reply is due."""

from dataclasses import dataclass

from chat.story.models import Chat, Turn
from chat.turns.claims import is_past
from chat.turns.models import Generation

PAGE_TURNS = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Live turns, oldest first; `more` when older ones exist."""

    turns: list[Turn]
    more: bool
    #: They stand before this place; None: at the story's end.
    before: int | None = None


def newest(chat: Chat, *, before: int | None = None, limit: int = PAGE_TURNS) -> Page:
    """The newest live turns, or those before a place."""
    turns = chat.turns.live()
    if before is not None:
        turns = turns.filter(place__lt=before)
    found = list(turns.select_related("meanwhile").order_by("-place", "-id")[: limit + 1])
    return Page(found[:limit][::-1], more=len(found) > limit, before=before)


def pending_notice(chat: Chat) -> Generation | None:
    """The newest generation where it has something to show at the transcript's end.

    It runs; or it failed, was stopped or was cut off without a word, and it is still the last thing that happened.
    """
    newest_one = Generation.objects.filter(chat=chat).order_by("-started_at").first()
    if newest_one is None or newest_one.turn is not None:
        return None
    if newest_one.state == Generation.State.RUNNING:
        return newest_one
    return None if newest_one.state == Generation.State.NOBODY or is_past(newest_one) else newest_one
