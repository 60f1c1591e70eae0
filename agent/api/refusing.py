"""How the API refuses: problem details (RFC 9457) with stable types, whatever went wrong."""

import json
from typing import Any

from django.db import ProgrammingError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from agent.operations.locking import trouble_of
from agent.operations.problems import problem, problem_of
from chat.database import AWAY
from chat.errors import ChatError

UNPROCESSABLE = 422


def refuse_with_problems(api: NinjaAPI) -> None:
    """Have every error of this API answered with a problem."""
    api.add_exception_handler(ChatError, _refused)
    api.add_exception_handler(AuthenticationError, _nobody)
    api.add_exception_handler(ValidationError, _malformed)
    api.add_exception_handler(HttpError, _not_understood)
    for trouble in (*AWAY, ProgrammingError):
        api.add_exception_handler(trouble, _away)


def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    answer = _answer(problem_of(error))
    if (wait := getattr(error, "retry_after", None)) is not None:
        answer["Retry-After"] = str(wait)
    return answer


def _nobody(_request: HttpRequest, _error: Any) -> HttpResponse:
    title = "Sign in, or send a bearer token."
    return _answer(problem("not-signed-in", title=title, status=401, detail=title))


def _malformed(_request: HttpRequest, error: Any) -> HttpResponse:
    # Without the input: that may be no text that can be written.
    errors = [{"at": [str(part) for part in one["loc"]], "message": one["msg"]} for one in error.errors]
    said = "; ".join(f"{one['at'][-1]}: {one['message']}" for one in errors)
    return _answer(_misunderstood(said) | {"errors": errors})


def _not_understood(_request: HttpRequest, error: Any) -> HttpResponse:
    if error.status_code == 403:  # noqa: PLR2004  (ninja's own CSRF check)
        title = "Send the cookie csrftoken back in the header X-CSRFToken."
        return _answer(problem("csrf", title=title, status=403, detail=title))
    return _answer(_misunderstood(error.message))


def _away(request: HttpRequest, error: Any) -> HttpResponse:
    trouble = trouble_of(error)
    if trouble is None:
        raise error
    return _refused(request, trouble)


def _misunderstood(detail: str) -> dict[str, Any]:
    return problem("malformed-request", title="The request is malformed.", status=UNPROCESSABLE, detail=detail)


def _answer(said: dict[str, Any]) -> HttpResponse:
    answer = HttpResponse(json.dumps(said), status=said["status"], content_type="application/problem+json")
    if said["status"] == 401:  # noqa: PLR2004
        answer["WWW-Authenticate"] = 'Bearer realm="palimpsest"'
    return answer
