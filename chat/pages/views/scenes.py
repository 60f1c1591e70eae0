"""Opening, closing and naming scenes; who enters and who leaves."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.pages.answers import signed_in
from chat.pages.doors import done, player
from chat.pages.forms import number, numbers, posted, text
from chat.story.access import get_chat_for
from chat.turns import scenes as deeds


@require_POST
@signed_in
def scene_open(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Open a scene (`title`, `present` repeated); the one before it is closed."""
    chat, sent = get_chat_for(request.user, chat_id), posted(request)
    deeds.open_scene(chat, title=text(sent, "title"), present=numbers(sent, "present"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def scene_close(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Close the open scene."""
    deeds.close_scene(get_chat_for(request.user, chat_id), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def scene_rename(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Give the open scene another title (`title`)."""
    chat = get_chat_for(request.user, chat_id)
    deeds.rename_scene(chat, title=text(posted(request), "title"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def scene_enter(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Bring a character of the cast (`character`) into the open scene."""
    chat = get_chat_for(request.user, chat_id)
    deeds.enter(chat, character=number(posted(request), "character"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def scene_leave(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Let a character (`character`) leave the open scene."""
    chat = get_chat_for(request.user, chat_id)
    deeds.leave(chat, character=number(posted(request), "character"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))
