"""News of replies between web processes, over the channel layer.

Each process has one channel of its own and is in the group of all. It tells the group now and then which chats
are open in it, and gets news of those chats, and of no others, straight to its channel: a single process sends
nothing at all. News that arise while a send is under way go together with the next one, neighbouring chunks
made one; so the first token never waits and batches grow with the load. All of it may be lost: a receiver
notices the gap and asks for a snapshot.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from chat.streaming.live import Snapshot, live_of
from chat.turns.announce import Chunk, Deciding, Ended, News, Started
from chat.turns.running import Running

logger = logging.getLogger(__name__)

GROUP = "palimpsest.hubs"
SEND_SECONDS = 0.3
RECONNECT_SECONDS = 1.0
#: A broker that does not answer for so long is worth a word; while everything starts it may be slow.
TELL_AFTER_SECONDS = 10.0
#: A process that was silent for so long is gone.
FORGET_SECONDS = 20.0
#: One chat's snapshot is asked for at most so often.
ASK_SECONDS = 0.25

_CLASSES: dict[str, type[News | Snapshot]] = {
    "started": Started,
    "deciding": Deciding,
    "chunk": Chunk,
    "ended": Ended,
    "snapshot": Snapshot,
}
_NAMES = {news: name for name, news in _CLASSES.items()}
_FIELDS = {news: [field.name for field in dataclasses.fields(news)] for news in _NAMES}


class Parcel:
    """News on their way to one process, in order, with neighbouring chunks of a generation made one."""

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._open: dict[str, dict[str, Any]] = {}

    def add(self, news: News | Snapshot) -> None:
        """Add news."""
        if isinstance(news, Chunk) and (item := self._open.get(news.generation)) is not None:
            item["text"] += news.text
            item["seq"] = news.seq
            return
        item = {"news": _NAMES[type(news)], **{name: getattr(news, name) for name in _FIELDS[type(news)]}}
        self._items.append(item)
        self._open.pop(news.generation, None)
        if isinstance(news, Chunk):
            self._open[news.generation] = item

    def take(self) -> list[dict[str, Any]]:
        """All of it; the parcel is empty afterwards."""
        items, self._items, self._open = self._items, [], {}
        return items


@dataclass(slots=True)
class Peer:
    """Another web process: what is open in it, and the news that wait for it."""

    chats: set[int] = field(default_factory=set)
    seen: float = field(default_factory=time.monotonic)
    parcel: Parcel = field(default_factory=Parcel)


class Wire:
    """This process's end. Used from the event loop only."""

    def __init__(
        self,
        layer: Any,
        *,
        hear: Callable[[News | Snapshot], None],
        open_chats: Callable[[], Iterable[int]],
        running_here: Callable[[int], Running | None],
    ) -> None:
        self.peers: dict[str, Peer] = {}
        self._layer = layer
        self._hear = hear
        self._open_chats = open_chats
        self._running_here = running_here
        self._me = ""
        self._asked: dict[int, float] = {}
        #: What is to be said to the group: `here` and `want`.
        self._calls: list[dict[str, Any]] = []
        self._something = asyncio.Event()
        self._failing_since: float | None = None
        self._told = False

    # --- Saying ----------------------------------------------------------------------------------------

    def tell(self, news: News | Snapshot) -> None:
        """Send news of a reply of this process to the processes in which its chat is open."""
        for peer in self.peers.values():
            if news.chat in peer.chats:
                peer.parcel.add(news)
                self._something.set()

    def say_what_is_open(self, *, ask: bool = False) -> None:
        """Tell all processes which chats are open here; `ask` for the same of them."""
        now = time.monotonic()
        self.peers = {name: peer for name, peer in self.peers.items() if now - peer.seen < FORGET_SECONDS}
        self._asked = {chat: asked for chat, asked in self._asked.items() if now - asked < ASK_SECONDS}
        ask = ask or any(call.get("ask") for call in self._calls)
        self._calls = [call for call in self._calls if call["call"] != "here"]
        self._call({"call": "here", "chats": sorted(self._open_chats()), "ask": ask})

    def ask_for_text(self, chat: int) -> None:
        """Have whoever writes the reply of this chat send all of its text."""
        now = time.monotonic()
        if now - self._asked.get(chat, -ASK_SECONDS) >= ASK_SECONDS:
            self._asked[chat] = now
            self._call({"call": "want", "chat": chat})

    def _call(self, call: dict[str, Any]) -> None:
        if self._me:
            self._calls.append(call)
            self._something.set()

    async def send(self) -> None:
        """Send what there is to send, for ever."""
        while True:
            await self._something.wait()
            self._something.clear()
            calls, self._calls = self._calls, []
            for call in calls:
                await self._try(self._layer.group_send(GROUP, {"type": "hub", "from": self._me, **call}))
            for name, peer in list(self.peers.items()):
                if items := peer.parcel.take():
                    await self._try(self._layer.send(name, {"type": "hub", "call": "news", "items": items}))

    async def _try(self, sending: Any) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await sending
        except Exception as error:  # noqa: BLE001  (of whatever layer is configured)
            self._fails(error)
        else:
            self._works()

    def _fails(self, error: Exception) -> None:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if not self._told and now - self._failing_since >= TELL_AFTER_SECONDS:
            self._told = True
            logger.warning("other web processes get no tokens for now: %s", type(error).__name__)

    def _works(self) -> None:
        if self._told:
            logger.info("other web processes get tokens again")
        self._failing_since, self._told = None, False

    # --- Listening -------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take what other processes send, for ever; connects again by itself."""
        while True:
            try:
                await self._join()
                while True:
                    self._try_to_take(await self._layer.receive(self._me))
            except Exception as error:  # noqa: BLE001  (of whatever layer is configured)
                logger.debug("no channel layer: %s", error)
                self._me = ""
                # Like new: a subscription that failed half-way would be waited on for ever.
                await self._layer.flush()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def close(self) -> None:
        """Let go of the channel layer."""
        with contextlib.suppress(Exception):
            await self._layer.flush()

    async def _join(self) -> None:
        me = await self._layer.new_channel("hub.")
        await self._layer.group_add(GROUP, me)
        self._me = me
        self.say_what_is_open(ask=True)

    def _try_to_take(self, message: dict[str, Any]) -> None:
        try:
            self._take(message)
        except (KeyError, TypeError):
            # A process of another version, while a new one is rolled out.
            logger.warning("a message of another version: %s", message.get("call"))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"call": "news", "items": items}:
                for item in items:
                    self._hear(_news(item))
            case {"from": sender} if sender == self._me:
                pass
            case {"call": "here", "from": sender, "chats": chats, "ask": ask}:
                self._note(sender, set(chats))
                if ask:
                    self.say_what_is_open()
            case {"call": "want", "from": sender, "chat": chat}:
                self._send_text(self.peers.setdefault(sender, Peer()), chat)
            case _:
                logger.warning("a message of another version: %s", message.get("call"))

    def _note(self, sender: str, chats: set[int]) -> None:
        peer = self.peers.setdefault(sender, Peer())
        newly, peer.chats, peer.seen = chats - peer.chats, chats, time.monotonic()
        for chat in newly:
            self._send_text(peer, chat)

    def _send_text(self, peer: Peer, chat: int) -> None:
        peer.chats.add(chat)
        if (running := self._running_here(chat)) is not None:
            peer.parcel.add(live_of(running).as_news(chat))
            self._something.set()


def _news(item: dict[str, Any]) -> News | Snapshot:
    values = {name: value for name, value in item.items() if name != "news"}
    return _CLASSES[item["news"]](**values)
