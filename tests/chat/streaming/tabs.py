"""A browser's tab without the browser: it applies frames as the chat page does, and insists on what they promise."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import connect

PATIENCE = 20.0


@dataclass
class Transcript:
    """What stands on one page. Raises AssertionError at a duplicate, a gap or a frame out of order."""

    position: int = 0
    #: Turn ids as they stand, with their HTML.
    turns: dict[int, str] = field(default_factory=dict)
    previews: dict[str, str] = field(default_factory=dict)
    frames: list[dict[str, Any]] = field(default_factory=list)
    #: When each frame came, by time.time().
    came_at: list[float] = field(default_factory=list)

    def apply(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        self.came_at.append(time.time())
        if "position" in frame:
            assert frame["position"] >= self.position, f"back from {self.position}: {frame}"
            self.position = frame["position"]
        getattr(self, f"_{frame['type']}", lambda _: None)(frame)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def states(self) -> list[str]:
        return [frame["state"] for frame in self.of("generation")]

    def _turn_html(self, frame: dict[str, Any]) -> None:
        assert frame["turn_id"] not in self.turns, f"twice: {frame}"
        self.turns[frame["turn_id"]] = frame["html"]
        self.previews.pop(frame["generation"], None)

    def _turn_html_replace(self, frame: dict[str, Any]) -> None:
        # One that came and went while this tab was away is not there to be replaced.
        self.turns = {
            (frame["turn_id"] if turn == frame["supersedes_id"] else turn): html for turn, html in self.turns.items()
        }
        self.turns[frame["turn_id"]] = frame["html"]
        self.previews.pop(frame["generation"], None)

    def _turn_html_remove(self, frame: dict[str, Any]) -> None:
        del self.turns[frame["turn_id"]]

    def _generation(self, frame: dict[str, Any]) -> None:
        if frame["state"] != "started" and frame["turn_id"] is None:
            self.previews.pop(frame["generation"], None)

    def _snapshot(self, frame: dict[str, Any]) -> None:
        self.previews[frame["generation"]] = frame["text"]

    def _delta(self, frame: dict[str, Any]) -> None:
        known = self.previews.setdefault(frame["generation"], "")
        assert frame["offset"] == len(known), f"a gap or a duplicate after {len(known)} characters: {frame}"
        self.previews[frame["generation"]] = known + frame["text"]

    def _reset(self, frame: dict[str, Any]) -> None:
        self.turns, self.previews = {}, {}


@dataclass
class Tab:
    """A connected tab; `receive` gives the text of one frame."""

    page: Transcript
    receive: Callable[[], Awaitable[str]]
    send_text: Callable[[str], Awaitable[None]]

    async def send(self, **command: Any) -> None:
        await self.send_text(json.dumps(command))

    async def until(self, ready: Callable[[Transcript], object], *, patience: float = PATIENCE) -> Transcript:
        """Read on until the page is as wished."""
        try:
            async with asyncio.timeout(patience):
                while not ready(self.page):
                    self.page.apply(json.loads(await self.receive()))
        except TimeoutError:
            raise AssertionError(
                f"not within {patience} s; previews: {self.page.previews}; last frames: {self.page.frames[-5:]}"
            ) from None
        return self.page

    async def until_frame(self, kind: str, number: int = 1, **fields: Any) -> dict[str, Any]:
        """Read on until the page has had so many frames of a kind with these fields; the newest of them."""

        def found(page: Transcript) -> list[dict[str, Any]]:
            return [frame for frame in page.of(kind) if fields.items() <= frame.items()]

        page = await self.until(lambda page: len(found(page)) >= number)
        return found(page)[number - 1]


@asynccontextmanager
async def tab_over_network(
    url: str, *, session: str, since: int | None = None, page: Transcript | None = None
) -> AsyncIterator[Tab]:
    """A tab on a running site: `url` is `ws://host:port/ws/chats/7/`."""
    origin = url.replace("ws://", "http://").split("/ws/")[0]
    page = page or Transcript()
    async with connect(
        url + ("" if since is None else f"?since={since}"),
        origin=origin,
        additional_headers={"Cookie": f"sessionid={session}"},
        max_size=None,
        open_timeout=PATIENCE,
    ) as socket:
        tab = Tab(page, lambda: socket.recv(decode=True), socket.send)
        await tab.until_frame("hello", len(page.of("hello")) + 1)
        yield tab


@asynccontextmanager
async def tab_in_process(
    application: Any, chat: int, *, session: str, since: int | str | None = None, page: Transcript | None = None
) -> AsyncIterator[Tab]:
    """A tab on an ASGI application of this process."""
    query = "" if since is None else f"?since={since}"
    headers = [
        (b"host", b"localhost"),
        (b"origin", b"http://localhost"),
        (b"cookie", f"sessionid={session}".encode()),
    ]
    socket = WebsocketCommunicator(application, f"/ws/chats/{chat}/{query}", headers=headers)
    connected, _ = await socket.connect(timeout=PATIENCE)
    assert connected

    async def receive() -> str:
        message = await socket.receive_output(PATIENCE)
        if message["type"] == "websocket.close":
            raise ConnectionError(message["code"])
        return message["text"]

    page = page or Transcript()
    tab = Tab(page, receive, lambda text: socket.send_to(text_data=text))
    try:
        await tab.until_frame("hello", len(page.of("hello")) + 1)
        yield tab
    finally:
        await socket.disconnect()
