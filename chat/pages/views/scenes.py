"""Opening, closing and naming scenes; who enters and who leaves."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_POST

from chat.pages.answers import View, signed_in
from chat.pages.doors import done, player
from chat.pages.forms import number, numbers, posted, text
from chat.story.access import get_chat_for
from chat.story.models import Chat
from chat.turns import scenes as deeds

type Sent = MultiValueDict[str, str]


def _door(act: Callable[[Chat, Sent, User], None]) -> View:
    """A view that does one thing with a chat's scene, as it was sent, and goes back to the chat."""

    @require_POST
    @signed_in
    def view(request: HttpRequest, chat_id: int) -> HttpResponse:
        act(get_chat_for(request.user, chat_id), posted(request), player(request))
        return done(request, reverse("chat", args=[chat_id]))

    return view


@_door
def scene_open(chat: Chat, sent: Sent, by: User) -> None:
    """Open a scene (`title`, `present` repeated); the one before it is closed."""
    deeds.open_scene(chat, title=text(sent, "title"), present=numbers(sent, "present"), by=by)


@_door
def scene_close(chat: Chat, _: Sent, by: User) -> None:
    """Close the open scene."""
    deeds.close_scene(chat, by=by)


@_door
def scene_rename(chat: Chat, sent: Sent, by: User) -> None:
    """Give the open scene another title (`title`)."""
    deeds.rename_scene(chat, title=text(sent, "title"), by=by)


@_door
def scene_enter(chat: Chat, sent: Sent, by: User) -> None:
    """Bring a character of the cast (`character`) into the open scene."""
    deeds.enter(chat, character=number(sent, "character"), by=by)


@_door
def scene_leave(chat: Chat, sent: Sent, by: User) -> None:
    """Let a character (`character`) leave the open scene."""
    deeds.leave(chat, character=number(sent, "character"), by=by)
