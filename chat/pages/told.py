"""Telling on a page as it is loaded how a rewriting ended that was asked for in this browser, where no script did."""

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from chat.log.text import clean
from chat.pages.answers import notify
from chat.story.models import Chat
from chat.turns import outcome
from chat.turns.models import Generation

#: Names what was asked for here until its end was told; a script that told it takes the cookie away (writings.js).
COOKIE = "asked"
#: In seconds: longer than any rewriting takes.
_KEPT = 3600


def asked_here(request: HttpRequest, generation: str) -> bool:
    """Whether a rewriting was asked for in this browser, and its end is still to be told there.

    In which of its tabs, they know themselves (writings.js).
    """
    return request.COOKIES.get(COOKIE) == generation


def remember(answer: HttpResponse, chat: Chat, generation: str) -> None:
    """Have the browser keep in mind what it asked for."""
    secure = settings.SESSION_COOKIE_SECURE
    answer.set_cookie(COOKIE, generation, max_age=_KEPT, path=_path(chat), samesite="Lax", secure=secure)


def forget(answer: HttpResponse, chat: Chat) -> None:
    """It was told, or is no news any more."""
    answer.delete_cookie(COOKIE, path=_path(chat), samesite="Lax")


def tell(request: HttpRequest, chat: Chat) -> bool:
    """Show the end of what was asked for here, unless the player has done more since; whether it can be forgotten."""
    asked = clean(request.COOKIES.get(COOKIE, ""))
    if not asked:
        return False
    row = Generation.objects.filter(chat=chat, id=asked).first()
    if row is not None and row.state == Generation.State.RUNNING:
        return False
    ended = outcome.of(row, now=timezone.now()) if row else None
    if ended is not None and not len(get_messages(request)):
        undo = reverse("turn_restore", args=[chat.id, ended.undo]) if ended.undo else ""
        notify(request, ended.sentence, undo=undo)
    return True


def _path(chat: Chat) -> str:
    return reverse("chat", args=[chat.id])
