"""How pages answer: browsers with a page, JSON clients with JSON, and a refusal with its sentence."""

import inspect
import json
import re
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.csrf import csrf_failure as page_of_csrf_failure

from chat.database import in_thread
from chat.errors import ChatError

#: The fields of JSON that are text and nothing else; ids and counts may be sent as numbers or as text.
TEXT = frozenset({
    "text", "guidance", "direction", "title", "description", "reasoning", "generation", "premise", "persona",
    "persona_description", "scene_title", "name", "personality", "scenario_note", "greeting", "example_dialogue",
})  # fmt: skip

type View = Callable[..., HttpResponseBase]
type AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

#: The status of what was understood and cannot be done as it stands.
UNPROCESSABLE = 422
#: Halves of a character: JSON can say one without the other, and no encoding can write it.
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


class NotSignedInError(ChatError):
    """Sign in first."""

    status = 401


class MalformedRequestError(ChatError):
    """The request's body is not what its Content-Type says."""

    status = 400


class NotTextError(ChatError):
    """A field of the request has to be text."""

    status = 422


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON, or sent JSON without saying what it wants."""
    if "Accept" in request.headers and request.headers["Accept"] != "*/*":
        return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    return request.content_type == "application/json"


def from_browser(request: HttpRequest) -> bool:
    """Whether a browser asks for a page or sends a form: it names text/html among what it takes."""
    return not wants_json(request) and "text/html" in request.headers.get("Accept", "")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's page for a form without its token; for JSON clients a sentence that says what to send."""
    if wants_json(request):
        sentence = "Send the cookie csrftoken back in the header X-CSRFToken."
        return JsonResponse({"detail": sentence, "reason": reason}, status=403)
    return page_of_csrf_failure(request, reason)


def fields(request: HttpRequest) -> dict[str, Any]:
    """What was sent, as a form or as a JSON object, as text that can be written; of a form's repeated field the last.

    In JSON null counts as absent, but for what is said (`text`): to leave that out means something. Raises
    MalformedRequestError (400) for a body that cannot be read and NotTextError for one of `TEXT` that is none.
    """
    if request.content_type != "application/json":
        return dict(request.POST.items())
    try:
        sent = _writable(json.loads(request.body or b"{}"))
    except (ValueError, RecursionError):
        raise MalformedRequestError("The request's body is not valid JSON.") from None
    if not isinstance(sent, dict):
        raise MalformedRequestError("The request's body has to be a JSON object.")
    found = {name: value for name, value in sent.items() if value is not None or name == "text"}
    for name in TEXT & found.keys():
        if not isinstance(found[name], str):
            raise NotTextError(f"{name} has to be text.")
    return found


def _writable(value: Any) -> Any:
    """JSON values with the replacement character for each half of one."""
    if isinstance(value, str):
        return _HALF_A_CHARACTER.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_writable(name): _writable(item) for name, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list) else value


def signed_in[V: (View, AsyncView)](view: V) -> V:
    """A view for those who are signed in; a ChatError it raises becomes its answer. Sync or async."""
    guarded: Any = _signed_in_async(view) if inspect.iscoroutinefunction(view) else _signed_in_sync(view)
    return cast("V", guarded)


def _signed_in_sync(view: Any) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _require_user(request)
            answer: HttpResponseBase = view(request, *args, **kwargs)
        except ChatError as error:
            return refuse(request, error)
        return answer

    return guarded


def _signed_in_async(view: Any) -> AsyncView:
    @wraps(view)
    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            await in_thread(_require_user, request)
            answer: HttpResponseBase = await view(request, *args, **kwargs)
        except ChatError as error:
            return await in_thread(refuse, request, error)
        return answer

    return guarded


def _require_user(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        raise NotSignedInError


def refuse(request: HttpRequest, error: ChatError) -> HttpResponse:
    """The answer to a refused request: a page, the way to sign in, or JSON.

    That has `status` and `detail`, and how things stand (`present`), where that helps.
    """
    if wants_json(request):
        present = getattr(error, "present", None)
        said = {"status": error.status, "detail": error.detail} | ({} if present is None else {"present": present})
        answer: HttpResponse = JsonResponse(said, status=error.status)
    elif error.status == NotSignedInError.status:
        return redirect_to_login(request.get_full_path())
    else:
        context = {
            "error": error,
            "back": wanted_next(request) or _of_this_site(request, request.headers.get("Referer")),
        }
        answer = render(request, "chat/refusal.html", context, status=error.status)
    if (wait := getattr(error, "retry_after", None)) is not None:
        answer["Retry-After"] = str(int(wait))
    return answer


def wanted_next(request: HttpRequest) -> str:
    """The page of this site that the request names as the next; "" for none."""
    return _of_this_site(request, request.POST.get("next") or request.GET.get("next"))


def _of_this_site(request: HttpRequest, address: str | None) -> str:
    hosts = {request.get_host()}
    allowed = url_has_allowed_host_and_scheme(address, hosts, require_https=request.is_secure())
    return address or "" if allowed else ""


def notify(request: HttpRequest, sentence: str, *, undo: str = "") -> None:
    """Show a toast on the next page; `undo` is the address whose POST takes it back."""
    messages.success(request, sentence, extra_tags=f"undo:{undo}" if undo else "")
