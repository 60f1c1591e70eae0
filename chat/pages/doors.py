"""What every door asks: who stands before it, and where they go from there."""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme

from chat.pages.answers import NotSignedInError, wants_json


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


def wanted_next(request: HttpRequest) -> str:
    """The page of this site that the request names as the next; "" for none."""
    named = request.POST.get("next") or request.GET.get("next") or ""
    hosts = {request.get_host()}
    return named if url_has_allowed_host_and_scheme(named, hosts, require_https=request.is_secure()) else ""
