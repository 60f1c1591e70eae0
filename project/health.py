"""Whether this process is up, and whether the parts it needs are."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import redis.asyncio
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from chat.database import in_thread
from chat.errors import ChatError
from chat.llm.client import LanguageModel, get_model
from chat.llm.errors import ModelError

SECONDS_FOR_A_PART = 2.0
#: Shorter: those who wait for the same look hear what came of it.
SECONDS_FOR_THE_MODEL = 1.5
SECONDS_OF_A_LOOK = 30.0


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


@dataclass(slots=True)
class _LastLook:
    """What this process saw of a model, and when: anyone may ask for /readyz, as often as they like."""

    seen: str = ""
    #: By the loop's clock.
    good_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sentence(self, model: LanguageModel) -> str:
        """What is wrong with it; asked again after `SECONDS_OF_A_LOOK`, by one at a time."""
        clock = asyncio.get_running_loop().time
        async with self.lock:
            if clock() >= self.good_until:
                self.seen = await _look(model.look, within=SECONDS_FOR_THE_MODEL)
                self.good_until = clock() + SECONDS_OF_A_LOOK
        return self.seen


@cache
def _last_look(_url: str, _name: str) -> _LastLook:
    """Of the model at an address."""
    return _LastLook()


async def _look(at: Callable[[], Awaitable[str | None]], *, within: float = SECONDS_FOR_A_PART) -> str:
    """What is wrong with a part in a sentence that gives nothing away; "" when nothing is."""
    try:
        return await asyncio.wait_for(at(), within) or ""
    except TimeoutError:
        return f"No answer within {within:g} s."
    except ModelError as error:
        # Without its detail: that may quote the server, and anyone may read this.
        return error.message()
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
    model = get_model()
    return await _last_look(settings.MODEL_URL, settings.MODEL).sentence(model)
