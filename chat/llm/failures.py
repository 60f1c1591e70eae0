"""What the SDK and the network raise, told in the words of `chat.llm.errors`; the key never gets through."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
import httpx2
from openai import APIConnectionError, APIError, APIStatusError

from chat.llm.errors import (
    ModelError,
    ModelInterruptedError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnreachableError,
)

REFUSALS = {401, 402, 403, 404}
LONGEST_QUOTE = 300


@contextmanager
def as_model_errors(*, key: str) -> Iterator[None]:
    """Translate every failure of asking a model, up to the first byte of its answer.

    Nothing is chained: the SDK's exceptions quote whole bodies, and a body may quote the key.
    """
    try:
        yield
    except APIStatusError as error:
        raise of_status(error, key=key) from None
    except TimeoutError:
        raise ModelTimeoutError from None
    except APIConnectionError:
        # Timeouts of the SDK's as well: it is given none but those of connecting.
        raise ModelUnreachableError from None
    except httpx2.InvalidURL:
        raise ModelUnreachableError("The model's address is not a URL.") from None
    except APIError as error:
        raise ModelServerError(_with_quote(ModelServerError, error.message, key)) from None
    except json.JSONDecodeError:
        raise ModelServerError("The model's server answered with something that is not JSON.") from None


def hung_up(error: BaseException | None) -> bool:
    """Whether the server closed the connection before it answered, as opposed to never having opened it."""
    while error is not None and not isinstance(error, aiohttp.ClientConnectionError):
        error = error.__cause__
    return error is not None and not isinstance(error, aiohttp.ClientConnectorError)


def of_reading(error: Exception) -> ModelError:
    """The error for what befell a stream while it was read."""
    return ModelTimeoutError() if isinstance(error, TimeoutError) else ModelInterruptedError()


def of_status(error: APIStatusError, *, key: str) -> ModelError:
    """The error for an HTTP status."""
    status, said = error.status_code, quote(error.body, key=key)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        detail = _with_quote(ModelRateLimitedError, said, key)
        return ModelRateLimitedError(detail, retry_after=_retry_after(error.response.headers))
    if status in REFUSALS:
        return ModelRefusedError(_with_quote(ModelRefusedError, said, key), upstream_status=status)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return ModelTimeoutError(_with_quote(ModelTimeoutError, said, key))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelServerError(_with_quote(ModelServerError, said or f"HTTP {status}", key))
    return ModelRequestError(_with_quote(ModelRequestError, said, key), upstream_status=status)


def of_stream(error: object, *, key: str) -> ModelError:
    """The error for an error object inside a stream that began well."""
    return ModelServerError(_with_quote(ModelServerError, quote(error, key=key), key))


def quote(body: object, *, key: str) -> str:
    """The server's own message, in one short line without the key; empty for a page of HTML."""
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body.get("error") or ""
    words = " ".join(str(body or "").split())
    if words.startswith("<"):
        return ""
    return (words.replace(key, "…") if key else words)[:LONGEST_QUOTE]


def _with_quote(error: type[ModelError], said: str, key: str) -> str:
    said = quote(said, key=key)
    return f"{error.message()} It said: {said}" if said else error.message()


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds to wait, from Retry-After in either of its forms (RFC 9110, section 10.2.3); None for anything else."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    # "-0000" is UTC too, from a clock that does not know where it stands: Python leaves such a date without a zone.
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
