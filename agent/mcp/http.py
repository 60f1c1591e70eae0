"""MCP over streamable HTTP, without sessions: any web process answers any request of a bearer token's."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from mcp.server import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request

from agent.mcp.server import server
from agent.operations.locking import trouble_of
from agent.operations.operator import Operator
from agent.operations.problems import problem_of
from agent.operations.tokens import BadTokenError, operator_with
from chat.database import in_thread
from chat.errors import ChatError

type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

PATH = "/mcp"
OPERATOR = "palimpsest.operator"


class NotOurHostError(ChatError):
    """This site is not called that, or the page that asks is not one of its own."""

    status = 403


class McpOverHttp:
    """The ASGI application; its session manager lives in a task of its own, begun by the first request.

    The manager's tasks have to be ended by the task that began them, and daphne has no lifespan to do it in; what
    ends the process cancels every task, and so this one.
    """

    def __init__(self) -> None:
        self._manager: StreamableHTTPSessionManager | None = None
        self._holding: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it before the protocol is spoken."""
        try:
            operator = await in_thread(_let_in, _headers(scope))
        except ChatError as refused:
            await _refuse(send, refused)
            return
        manager = await self._running()
        await manager.handle_request({**scope, OPERATOR: operator}, receive, send)

    async def _running(self) -> StreamableHTTPSessionManager:
        async with self._beginning:
            if self._manager is None or self._holding is None or self._holding.done():
                # Hosts and origins are looked at above, by Django's own rules.
                self._manager = StreamableHTTPSessionManager(server(_operator_of), json_response=True, stateless=True)
                begun = asyncio.Event()
                self._holding = asyncio.create_task(_hold(self._manager, begun), name="mcp")
                await begun.wait()
            return self._manager


async def _hold(manager: StreamableHTTPSessionManager, begun: asyncio.Event) -> None:
    async with manager.run():
        begun.set()
        await asyncio.Event().wait()


def _operator_of(ctx: ServerRequestContext[Any, Request]) -> Operator:
    assert ctx.request is not None  # noqa: S101  (over HTTP there is always one)
    operator: Operator = ctx.request.scope[OPERATOR]
    return operator


def _headers(scope: dict[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _let_in(headers: Mapping[str, str]) -> Operator:
    """Whose request it is. NotOurHostError, BadTokenError, or the database's trouble."""
    if not _is_ours(headers.get("host", ""), headers.get("origin")):
        raise NotOurHostError
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise BadTokenError("Send a bearer token.")
    try:
        return operator_with(secret.strip(), channel="mcp", now=timezone.now())
    except Error as error:
        if (trouble := trouble_of(error)) is None:
            raise
        raise trouble from error


def _is_ours(host: str, origin: str | None) -> bool:
    domain, _ = split_domain_port(host)
    if not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    # Programs send no Origin; a browser does, and then it has to be a page of ours.
    return origin is None or origin in settings.CSRF_TRUSTED_ORIGINS or _netloc(origin) == host.lower()


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


async def _refuse(send: Send, refused: ChatError) -> None:
    body = json.dumps(problem_of(refused)).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if isinstance(refused, BadTokenError):
        headers.append((b"www-authenticate", b'Bearer realm="palimpsest"'))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
