"""How often one may try to sign in: counted in Redis for all processes, in memory while Redis is away."""

import logging
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from chat.errors import ChatError

logger = logging.getLogger(__name__)

#: One address may try several names (a family behind one router), but not a dictionary of them.
NAMES_PER_ADDRESS = 5
REDIS_SECONDS = 0.3


class TooManyLoginsError(ChatError):
    """Too many attempts to sign in. Wait a minute and try again."""

    status = 429
    #: Seconds.
    retry_after = 60


def count_login(request: HttpRequest, *, name: str) -> None:
    """Count an attempt to sign in; TooManyLoginsError above PALIMPSEST_LOGINS_PER_MINUTE (0: no limit)."""
    most = settings.LOGINS_PER_MINUTE
    if not most:
        return
    address = client_address(request)
    by_address = _hit(RateLimitItemPerMinute(most * NAMES_PER_ADDRESS), "logins-of", address)
    by_name = _hit(RateLimitItemPerMinute(most), "logins-as", address, name.strip().casefold()[:150])
    if not (by_address and by_name):
        raise TooManyLoginsError


def client_address(request: HttpRequest) -> str:
    """Where a request comes from; behind our proxy, what the proxy says."""
    if settings.BEHIND_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        # The last one is what our own proxy saw; those before it are the client's word.
        return str(forwarded.rpartition(",")[2].strip())
    return str(request.META.get("REMOTE_ADDR") or "")


def _hit(limit: RateLimitItemPerMinute, *who: str) -> bool:
    try:
        return _limiter(_redis()).hit(limit, *who)
    except StorageError:
        # Never an error because of the broker: this process counts alone for a while.
        logger.warning("Logins are counted in memory: the shared store does not answer.")
        return _limiter(_memory()).hit(limit, *who)


@cache
def _limiter(storage: Storage) -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(storage)


@cache
def _memory() -> Storage:
    return MemoryStorage()


@cache
def _redis() -> Storage:
    url = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    storage = storage_from_string(
        url, wrap_exceptions=True, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
    )
    assert isinstance(storage, Storage)  # noqa: S101  (not an asynchronous one: the URL has no async+)
    return storage
