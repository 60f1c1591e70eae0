"""Daphne, started and ended by us: stories under way are settled before the process goes."""

# Before anything of Twisted: it installs the reactor that runs on asyncio.
from daphne.server import Server  # isort: skip

import asyncio
import gc
import logging
import os
import resource
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from project import sockets

logger = logging.getLogger(__name__)
#: Seconds for stories to settle, for what is still connected to let go, and until there is no more asking.
TIME_TO_SETTLE, TIME_TO_LET_GO, LAST_MOMENT = 3.0, 0.3, 3.5
#: Connections that may wait to be accepted; Twisted's own 50 is few when a hundred tabs reconnect at once.
BACKLOG = 1024


def address(*, host: str, port: int, unix: str | None) -> str:
    """Where to listen, as Twisted writes it."""
    if unix:
        return f"unix:{_quoted(unix)}:backlog={BACKLOG}"
    return f"tcp:port={port}:interface={_quoted(host.strip('[]'))}:backlog={BACKLOG}"


def _quoted(words: str) -> str:
    return words.replace("\\", "\\\\").replace(":", "\\:")


class WebServer(Server):  # type: ignore[misc]  # daphne has no types
    """One web process."""

    def __init__(self, application: object, *, listen_on: str, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__(
            application,
            endpoints=[listen_on],
            # Two missed pings: a phone that went out of reach is noticed within a minute.
            ping_interval=20,
            ping_timeout=30,
            websocket_max_message_size=256 * 1024,
            websocket_max_frame_size=256 * 1024,
            ready_callable=_make_ready,
            server_name="palimpsest",
        )
        self.cannot_listen = ""
        self._settle = settle

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send what the application says; WebSocket text at once, as fast as it is read, and to no one who is going."""
        if message["type"] == "websocket.send" and sockets.is_closing(protocol):
            return
        if message["type"] == "websocket.send" and message.get("text"):
            gone = self.connections.get(protocol, {"disconnected": True}).get("disconnected")
            if not gone and sockets.write_text(protocol, message["text"]):
                if sockets.unsent(protocol.transport) > sockets.MOST_UNSENT:
                    await sockets.until_taken(protocol)
                return
        await super().handle_reply(protocol, message)

    def listen_error(self, failure: Failure) -> None:
        """Remember why, and do not start."""
        self.cannot_listen = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> "Deferred[None]":
        """What daphne calls before it stops; here: settle, then let go of everyone."""
        last_moment = threading.Timer(LAST_MOMENT, _go_anyway)
        last_moment.daemon = True
        last_moment.start()
        return Deferred.fromFuture(asyncio.ensure_future(self._wind_down()))

    async def _wind_down(self) -> None:
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        try:
            await asyncio.wait_for(asyncio.ensure_future(self._settle()), TIME_TO_SETTLE)
        except TimeoutError:
            logger.warning("Some replies could not be settled in time; the next start will do it.")
        except Exception:
            logger.exception("Replies could not be settled; the next start will do it.")
        await _cancel({task for task in asyncio.all_tasks() if task is not asyncio.current_task()})


async def _cancel(waiting: set[asyncio.Task[Any]]) -> None:
    for task in waiting:
        task.cancel()
    if waiting:
        await asyncio.wait(waiting, timeout=TIME_TO_LET_GO)


def _make_ready() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What is loaded by now stays; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()


def _go_anyway() -> None:
    logger.warning("Something did not let go in time.")
    leave()


def leave() -> NoReturn:
    """End the process; taking down all that was imported would cost a second or two more."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
