"""How long a turn may be, and how often a thing may be done: counted in Redis, in memory while that is away."""

import logging
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from chat.errors import ChatError

logger = logging.getLogger(__name__)

REDIS_SECONDS = 0.3
#: For so long nobody waits for a Redis that did not answer.
AWAY_SECONDS = 5.0
_away_until = 0.0
#: Of a turn's text.
TURN_CHARACTERS = 20_000


class TurnTooLongError(ChatError):
    """A turn may have 20,000 characters at most."""

    status = 413


class TooManyTurnsError(ChatError):
    """You are sending faster than this house allows. Wait a moment and send it again."""

    status = 429
    #: Seconds.
    retry_after = 10


def count_turn(user_id: int) -> None:
    """Count one sending; TooManyTurnsError above PALIMPSEST_TURNS_PER_MINUTE (0: no limit). Blocks for a round trip."""
    if settings.TURNS_PER_MINUTE and not within(settings.TURNS_PER_MINUTE, "turns", str(user_id)):
        raise TooManyTurnsError


def within(per_minute: int, *what: str) -> bool:
    """Count one time; whether it is within so many a minute. Without Redis this process counts alone."""
    global _away_until  # noqa: PLW0603  (one breaker a process)
    limit = RateLimitItemPerMinute(per_minute)
    if time.monotonic() >= _away_until:
        try:
            return _limiter(_redis(settings.REDIS_URL)).hit(limit, *what)
        except StorageError as error:
            _away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("For %d s this process counts in memory, alone: %s", AWAY_SECONDS, error)
    return _limiter(_memory()).hit(limit, *what)


@cache
def _limiter(storage: Storage) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage)


@cache
def _memory() -> Storage:
    return MemoryStorage()


@cache
def _redis(url: str) -> Storage:
    storage = storage_from_string(
        url.replace("unix://", "redis+unix://", 1),
        wrap_exceptions=True,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
    )
    assert isinstance(storage, Storage)  # noqa: S101  (not an asynchronous one: the URL has no async+)
    return storage
