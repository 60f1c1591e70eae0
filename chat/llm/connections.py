"""One SDK client, and so one connection pool, for each endpoint in each running event loop.

On aiohttp, which the SDK offers as a transport: reading a token takes a third of the CPU it takes on httpx2.
"""

import asyncio
import functools
import ssl
import weakref
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

#: Replies at once, with room for what reads; idle ones are closed before the usual server (5 s) would.
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=300, keepalive_expiry=4.0)

type _Endpoint = tuple[str, str]
type _Kept = AsyncGenerator[AsyncOpenAI]

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Endpoint, tuple[_Kept, AsyncOpenAI]]]
_clients = weakref.WeakKeyDictionary()


async def shared_client(url: str, key: str, *, connect_seconds: float) -> AsyncOpenAI:
    """The running loop's client for an endpoint; closed when the loop shuts down its async generators.

    The first caller decides on `connect_seconds`.
    """
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if not clients:
        await asyncio.to_thread(_ssl_context)
    if (url, key) not in clients:
        kept = _open_until_the_loop_ends(url, key, connect_seconds)
        # A loop closes the async generators begun in it before it ends: the one hook that every runner honours.
        clients[url, key] = (kept, await anext(kept))
    return clients[url, key][1]


async def _open_until_the_loop_ends(url: str, key: str, connect_seconds: float) -> _Kept:
    client = AsyncOpenAI(
        base_url=url,
        # The SDK insists on one; servers that need none ignore it.
        api_key=key or "none",
        max_retries=0,
        http_client=DefaultAioHttpClient(
            limits=LIMITS,
            # Only connecting is timed here; the rest has one deadline across headers, comments and tokens.
            timeout=httpx2.Timeout(None, connect=connect_seconds, pool=connect_seconds),
            verify=_ssl_context(),
            # A proxy for the outer world must not stand between us and a model on this machine.
            trust_env=urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"},
        ),
    )
    # The SDK takes these from the environment; only project.settings may.
    client.organization = client.project = client.admin_api_key = None
    try:
        yield client
    finally:
        _clients.pop(asyncio.get_running_loop(), None)
        await client.close()


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    # Once a process, and in a thread: with the imports that the SDK puts off until its first client, it takes
    # a quarter of a second, in which no other reply would move.
    DefaultAioHttpClient()
    return httpx2.create_ssl_context()
