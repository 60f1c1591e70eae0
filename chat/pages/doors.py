"""What every door asks: who stands before it, and where they go from there."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_POST

from chat.pages.answers import NotSignedInError, View, signed_in, wanted_next, wants_json
from chat.pages.forms import posted
from chat.story.access import get_chat_for

type Sent = MultiValueDict[str, str]


def deed(act: Callable[..., None]) -> View:
    """A view that does one thing to a chat and goes back to it: `act(chat, sent, by)`, and the rest of the address."""

    @require_POST
    @signed_in
    def view(request: HttpRequest, chat_id: int, **named: int) -> HttpResponse:
        act(get_chat_for(request.user, chat_id), posted(request), player(request), **named)
        return done(request, reverse("chat", args=[chat_id]))

    return view


def player(request: HttpRequest) -> User:
    """Who is signed in; NotSignedInError for nobody."""
    if not isinstance(request.user, User):
        raise NotSignedInError
    return request.user


def done(request: HttpRequest, to: str) -> HttpResponse:
    """The answer to a deed: `{"done": true}` in JSON; browsers go where their form's `next` says, or to `to`."""
    if wants_json(request):
        return JsonResponse({"done": True})
    return HttpResponseRedirect(wanted_next(request) or to)
