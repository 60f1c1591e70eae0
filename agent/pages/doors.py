"""What every door here asks: who stands before it; refusals are JSON, since scripts fetch these fragments."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse

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
            return JsonResponse({"status": error.status, "detail": error.detail}, status=error.status)

    return guarded


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON rather than for a fragment of a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
