"""Who a browser is, by its session, and whether it may see a chat; the same question at every door, and again later."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie

from chat.errors import ChatError
from chat.log import read
from chat.story.access import ChatNotFoundError, get_chat_for
from chat.story.models import Chat, stream_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class NotSignedInError(ChatError):
    """Sign in first."""

    status = 401


@dataclass(frozen=True, slots=True)
class Admitted:
    """A member of a chat, and the newest position of its log."""

    user: "User"
    head: int


def session_key(scope: dict[str, Any]) -> str:
    """The session key in an ASGI connection's cookies; "" for none."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")


def admit(session: str, chat_id: int) -> Admitted:
    """Let a session see a chat. Raises NotSignedInError and ChatNotFoundError."""
    user = _user(session)
    if not user.is_authenticated:
        raise NotSignedInError
    chat = get_chat_for(user, chat_id)
    return Admitted(user, read.head(stream_of(chat.id)))


def turned_away(visits: Iterable[tuple[str, int]]) -> dict[tuple[str, int], ChatError]:
    """Those of these (session, chat) pairs that would no longer be let in, and why."""
    by_session: dict[str, set[int]] = defaultdict(set)
    for session, chat in visits:
        by_session[session].add(chat)
    return {
        (session, chat): refusal
        for session, chats in by_session.items()
        for chat, refusal in _refused(session, chats).items()
    }


def _refused(session: str, chats: set[int]) -> dict[int, ChatError]:
    user = _user(session)
    if not user.is_authenticated:
        return dict.fromkeys(chats, NotSignedInError())
    visible = Chat.objects.visible_to(user.pk).filter(id__in=chats).values_list("id", flat=True)
    return dict.fromkeys(chats - set(visible), ChatNotFoundError())


def _user(session: str) -> "User | AnonymousUser":
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session or None)
    return get_user(request)
