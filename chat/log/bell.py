"""The bell: rung after a commit, it says which stream has grown and how far, never what.

One synchronous PUBLISH without a retry. A breaker opens after a failure, so that a dead broker costs a player
nothing; whoever misses a ring finds out by looking at the heads.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import redis
import redis.asyncio
from django.conf import settings

logger = logging.getLogger(__name__)

CHANNEL = "palimpsest:bell"
TIMEOUT_SECONDS = 0.3
BREAKER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ring:
    """`stream` has grown up to position `head`; head 0 says only "look at it"."""

    stream: str
    head: int


#: Called in the thread that rings, before the broker is told; they must not block.
_here: list[Callable[[Ring], None]] = []
_client: redis.Redis | None = None
_open_until = 0.0


def on_ring(listener: Callable[[Ring], None]) -> None:
    """Have `listener` called for each ring of this process."""
    if listener not in _here:
        _here.append(listener)


def ring(stream: str, head: int) -> None:
    """Tell this process, then every other one; never raises."""
    for listener in _here:
        listener(Ring(stream, head))
    _publish(json.dumps([stream, head]))


async def rings() -> AsyncIterator[Ring]:
    """Every ring of every process, for ever; reconnects by itself, and rings meanwhile are lost."""
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            async with _listening() as pubsub:
                async for message in pubsub.listen():
                    if message["type"] == "message" and (ring := _read(message["data"])) is not None:
                        yield ring
        await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[redis.asyncio.client.PubSub]:
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT_SECONDS)
    pubsub = client.pubsub()
    try:
        await pubsub.subscribe(CHANNEL)
        yield pubsub
    finally:
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


def _read(data: bytes) -> Ring | None:
    """A ring as published; None, and a line in the log, for anything else."""
    try:
        stream, head = json.loads(data)
        return Ring(str(stream), int(head))
    except (ValueError, TypeError):
        logger.warning("not a ring: %r", data[:80])
        return None


def _publish(message: str) -> None:
    global _client, _open_until  # noqa: PLW0603  (one client and one breaker a process)
    if time.monotonic() < _open_until:
        return
    _client = _client or redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=None,
    )
    try:
        _client.publish(CHANNEL, message)
    except (redis.RedisError, OSError) as error:
        _open_until = time.monotonic() + BREAKER_SECONDS
        logger.warning("the bell is silent for %d s: %s", BREAKER_SECONDS, error)
