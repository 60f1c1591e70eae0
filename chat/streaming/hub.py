"""The switchboard of one web process: its rooms, the bell, the wire to other processes, and the healing sweep."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from channels.layers import get_channel_layer
from django.db.models import Q

from chat.database import in_thread
from chat.log import bell, read
from chat.story.models import stream_of
from chat.streaming import storage
from chat.streaming.live import Snapshot
from chat.streaming.rooms import NOT_FOUND, NOT_SIGNED_IN, Room
from chat.streaming.sessions import NotSignedInError, turned_away
from chat.streaming.wire import Wire
from chat.turns import exchange, generation
from chat.turns.announce import News, announce_with
from chat.turns.generation import in_flight_tasks, spawn
from chat.turns.models import Generation
from chat.turns.running import Running

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
_STREAM_PREFIX = stream_of(0).removesuffix("0")


class Hub:
    """An Announcer that brings news to the browsers of this process at once, and to those of the others soon.

    Used from its event loop only; what comes from other threads comes through `ring`.
    """

    def __init__(self, layer: Any, *, in_flight: Mapping[int, Running] = in_flight_tasks) -> None:
        self.rooms: dict[int, Room] = {}
        self._loop = asyncio.get_running_loop()
        self._in_flight = in_flight
        self._wire = Wire(layer, hear=self._hear, open_chats=lambda: self.rooms, running_here=self._in_flight.get)
        #: What the event streams of each chat were last woken for.
        self._woken: dict[int, int] = {}
        self._look_again = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen."""
        work = [
            self._wire.listen,
            self._wire.send,
            self._hear_bell,
            self._sweep_forever,
            self._look_at_members,
        ]
        self._tasks = [spawn(_for_ever(one)) for one in work]

    async def stop(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        for room in self.rooms.values():
            room.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._wire.close()

    # --- Rooms -----------------------------------------------------------------------------------------

    def enter(self, chat: int, *, head: int) -> Room:
        """The room of a chat, opened if need be; `head` is a position its log has reached. Pair with `leave`."""
        if (room := self.rooms.get(chat)) is None:
            room = self.rooms[chat] = Room(
                chat,
                position=head,
                running_here=self._in_flight.get,
                ask_elsewhere=self._wire.ask_for_text,
                look_at_members=self._look_again.set,
            )
            self._wire.say_what_is_open()
        room.visitors += 1
        return room

    def leave(self, room: Room) -> None:
        """One visitor less; the last one closes the room."""
        room.visitors -= 1
        if not room.visitors:
            room.close()
            del self.rooms[room.chat]

    # --- News ------------------------------------------------------------------------------------------

    def announce(self, news: News) -> None:
        """Pass on news of a reply that this process writes."""
        try:
            self._hear(news)
            self._wire.tell(news)
        except Exception:
            # A reply must not end because telling of it failed; the log and the sweep make up for it.
            logger.exception("news of chat %d got lost", news.chat)

    def _hear(self, news: News | Snapshot) -> None:
        if (room := self.rooms.get(news.chat)) is not None:
            room.hear(news)

    def ring(self, ring: bell.Ring) -> None:
        """A bell was rung. Safe from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: this process ends
            self._loop.call_soon_threadsafe(self._heard, ring)

    def _heard(self, ring: bell.Ring) -> None:
        number = ring.stream.removeprefix(_STREAM_PREFIX)
        if not number.isdecimal():
            return
        chat = int(number)
        if not ring.head:
            generation.heard(chat)
        self._wake(chat, ring.head)

    def _wake(self, chat: int, head: int) -> None:
        room = self.rooms.get(chat)
        if room is not None:
            room.wake(head)
        if not head or head > self._woken.get(chat, 0):
            self._woken[chat] = max(head, self._woken.get(chat, 0))
            storage.wake(chat)

    async def _hear_bell(self) -> None:
        async for ring in bell.rings():
            self._heard(ring)

    # --- Healing ---------------------------------------------------------------------------------------

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                # The database is away, most likely; the next round looks again.
                logger.exception("the sweep failed")
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Heal what was lost: rings, news, replies whose process is gone, members who may no longer be here."""
        self._wire.say_what_is_open()
        self._look_again.set()
        streams = storage.listening()
        self._woken = {chat: head for chat, head in self._woken.items() if chat in streams}
        tracked = [live for room in self.rooms.values() for live in room.live]
        heads, replies = await in_thread(_look, {*self.rooms, *streams}, set(self.rooms), tracked)
        for chat, head in heads.items():
            self._wake(chat, head)
        for chat, room in self.rooms.items():
            room.see(row for row in replies if row.chat_id == chat)
        await exchange.sweep(self)

    async def _look_at_members(self) -> None:
        while True:
            await self._look_again.wait()
            self._look_again.clear()
            try:
                await self._turn_away()
            except Exception:
                logger.exception("could not look who may still be here")

    async def _turn_away(self) -> None:
        members = [(member.session, chat) for chat, room in self.rooms.items() for member in room.members]
        listeners = [
            (listener.session, chat) for chat, listeners in storage.listening().items() for listener in listeners
        ]
        visits = {*members, *listeners}
        refusals = await in_thread(turned_away, visits) if visits else {}
        for (session, chat), refusal in refusals.items():
            code = NOT_SIGNED_IN if isinstance(refusal, NotSignedInError) else NOT_FOUND
            if (room := self.rooms.get(chat)) is not None:
                room.dismiss((member for member in room.members if member.session == session), code)
            storage.dismiss(chat, session)


async def _for_ever(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """None of it may end while the process lives: what fails is logged and begins again."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("the hub stumbled")
        await asyncio.sleep(1)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running loop, started when first asked for."""
    loop = asyncio.get_running_loop()
    if (found := _hubs.get(loop)) is None:
        for closed in [known for known in _hubs if known.is_closed()]:
            del _hubs[closed]
        found = _hubs[loop] = Hub(get_channel_layer())
        found.start()
        announce_with(found)
        bell.on_ring(_ring_all)
    return found


def _ring_all(ring: bell.Ring) -> None:
    for each in list(_hubs.values()):
        each.ring(ring)


def _look(chats: set[int], rooms: set[int], generations: list[str]) -> tuple[dict[int, int], list[Generation]]:
    names = {stream_of(chat): chat for chat in chats}
    heads = {names[name]: head for name, head in read.heads(names).items()} if names else {}
    if not rooms:
        return heads, []
    running = Q(chat_id__in=rooms, state=Generation.State.RUNNING)
    return heads, list(Generation.objects.filter(running | Q(id__in=generations)).defer("prompt"))
