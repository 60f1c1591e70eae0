"""The ASGI application: Django for HTTP, Channels for WebSockets."""

import os
import sys
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
pages = get_asgi_application()

# After Django is set up: these import models.
from channels.routing import ProtocolTypeRouter  # noqa: E402

import chat.llm.openai_compatible  # noqa: E402, F401  (before the first player waits for it)
from agent.mcp import http as mcp  # noqa: E402
from chat.streaming.hub import hub  # noqa: E402
from chat.streaming.routing import websockets  # noqa: E402
from project.request_size import with_bodies_of  # noqa: E402

# Python lets a thread run 5 ms before another may; with a few database threads at work, each token would wait
# for several of them in turn.
sys.setswitchinterval(0.0005)

_tools = mcp.McpOverHttp()


async def _http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await (_tools if scope["path"].rstrip("/") == mcp.PATH else pages)(scope, receive, send)


_by_protocol = ProtocolTypeRouter({"http": with_bodies_of(_http), "websocket": websockets})


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one connection."""
    # Daphne has no lifespan events; the first connection (a health check, most likely) starts the hub.
    hub()
    await _by_protocol(scope, receive, send)
