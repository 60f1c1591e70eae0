"""What every door here asks: who stands before it; and how it refuses."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from chat.errors import ChatError

type View = Callable[..., HttpResponse]


class NotSignedInError(ChatError):
    """Sign in first."""

    status = 401


def signed_in(view: View) -> View:
    """A view for those who are signed in; a ChatError it raises becomes its answer."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            if not isinstance(request.user, User):
                raise NotSignedInError
            return view(request, *args, **kwargs)
        except ChatError as error:
            return _refuse(request, error)

    return guarded


def _refuse(request: HttpRequest, error: ChatError) -> HttpResponse:
    """A page for a person who came here; JSON for scripts, which fetch the fragments."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return JsonResponse({"status": error.status, "detail": error.detail}, status=error.status)
    if isinstance(error, NotSignedInError):
        return redirect_to_login(request.get_full_path())
    return render(request, "chat/refusal.html", {"error": error}, status=error.status)


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than for a fragment of a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
