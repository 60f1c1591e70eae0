"""Whether this process is up, and whether the parts it needs are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from chat.database import in_thread
from chat.errors import ChatError
from chat.llm.client import get_model

SECONDS_FOR_A_PART = 2.0


@never_cache
async def healthz(_: HttpRequest) -> HttpResponse:
    """The process is up; nothing else is looked at."""
    return JsonResponse({"status": "ok"})


@never_cache
async def readyz(_: HttpRequest) -> HttpResponse:
    """Each part's state: 503 only without the database; without the broker or the model all is "degraded"."""
    names = ("database", "broker", "model")
    found = await asyncio.gather(_look(_database), _look(_broker), _look(_model))
    parts = {name: _part(sentence) for name, sentence in zip(names, found, strict=True)}
    if found[0]:
        return JsonResponse({"status": "unavailable", **parts}, status=503)
    return JsonResponse({"status": "degraded" if any(found) else "ok", **parts})


def _part(sentence: str) -> dict[str, Any]:
    return {"status": "unavailable", "detail": sentence} if sentence else {"status": "ok"}


async def _look(at: Callable[[], Awaitable[str]]) -> str:
    """What is wrong with a part in a sentence that gives nothing away; "" when nothing is."""
    try:
        return await asyncio.wait_for(at(), SECONDS_FOR_A_PART)
    except TimeoutError:
        return f"No answer within {SECONDS_FOR_A_PART:.0f} s."
    except ChatError as error:
        return error.detail
    except Exception as error:  # noqa: BLE001  (whatever it is, that part is not ready)
        return f"Not reachable ({type(error).__name__})."


async def _database() -> str:
    await in_thread(_ask_database)
    return ""


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM chat_stream LIMIT 1")


async def _broker() -> str:
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        await client.ping()
    return ""


async def _model() -> str:
    probe = await get_model().probe()
    return "" if probe.ok else "The model does not answer."
