"""The list of a user's chats, in the sections it is read in."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.utils import timezone

from chat.story.models import Chat

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

#: The list is for the eye; what is older is found by searching.
MOST_CHATS = 200
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Section:
    """Chats under one heading, the last played first."""

    title: str
    chats: list[Chat]


def chat_list(
    user: "User | AnonymousUser", *, q: str = "", archived: bool = False, now: datetime | None = None
) -> list[Section]:
    """The user's chats whose title has the words of `q`: pinned, today's, this week's, earlier ones; one query.

    Archived chats are a list of their own. Empty sections are left out.
    """
    chats = Chat.objects.visible_to(user.pk).filter(archived_at__isnull=not archived)
    for word in q.replace("\x00", "").split()[:10]:
        chats = chats.filter(_title_has(word))
    today = timezone.localdate(now)
    sections: dict[str, list[Chat]] = {}
    by_date = chats.order_by(F("pinned_at").desc(nulls_last=True), "-last_turn_at", "-id")
    for chat in by_date[:MOST_CHATS]:
        sections.setdefault("Archived" if archived else _heading(chat, today), []).append(chat)
    order = ["Pinned", "Today", "This week", "Earlier", "Archived"]
    return [Section(title, sections[title]) for title in order if title in sections]


def _title_has(word: str) -> Q:
    # SQLite compares without regard to case in ASCII alone.
    return Q(title__icontains=word) | Q(title__icontains=word.lower()) | Q(title__icontains=word.capitalize())


def _heading(chat: Chat, today: date) -> str:
    if chat.pinned_at:
        return "Pinned"
    played = timezone.localdate(chat.last_turn_at)
    if played >= today:
        return "Today"
    return "This week" if played > today - WEEK else "Earlier"
