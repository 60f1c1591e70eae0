"""An open chat of this process: it reads the log once, follows the replies, and tells all its members the same."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chat.database import in_thread
from chat.streaming import frames
from chat.streaming.frame import Frame
from chat.streaming.frames import Batch, hello, reset
from chat.streaming.live import Live, Snapshot, end_in, end_told_by, ended, live_from, live_of, running_in, snapshot_in
from chat.streaming.outbox import Outbox
from chat.turns.announce import Chunk, Deciding, Ended, News, Started
from chat.turns.generation import spawn
from chat.turns.models import Generation
from chat.turns.running import Running

logger = logging.getLogger(__name__)

#: WebSocket close codes: 4000 and the HTTP status.
NOT_SIGNED_IN, NOT_FOUND = 4401, 4404
PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class Member:
    """One browser in a room; `session` is the key under which it was let in."""

    session: str
    outbox: Outbox = field(default_factory=Outbox)

    def dismiss(self, code: int) -> None:
        """Show it out."""
        self.outbox.restart([Frame("close", {"code": code})])


@dataclass(frozen=True, slots=True)
class Held:
    """A frame of a reply, and what is to be told before it."""

    frame: Frame
    #: How far the log is to be told first, if it can be read: there is the turn that the reply answers.
    answers: int = 0
    #: The turn that is to be told first, whatever happens.
    turn: int = 0


class Room:
    """Everything about one chat that its members are told, in one order. Used from the event loop only."""

    def __init__(
        self,
        chat: int,
        *,
        position: int,
        running_here: Callable[[int], Running | None],
        ask_elsewhere: Callable[[int], None],
        look_at_members: Callable[[], None],
    ) -> None:
        self.chat = chat
        self.position = position
        self.members: set[Member] = set()
        #: How many hold the room open.
        self.visitors = 0
        self.live: dict[str, Live] = {}
        self._running_here = running_here
        self._ask_elsewhere = ask_elsewhere
        self._look_at_members = look_at_members
        #: Generations that are over; late news of them is ignored.
        self._over: deque[str] = deque(maxlen=32)
        #: Frames of replies that wait, each behind those before it.
        self._held: deque[Held] = deque()
        #: Members who are so far behind that they begin afresh.
        self._full: set[Member] = set()
        self._looked = False
        #: How far the log goes, as the bell said; what is up to here was read, or will be.
        self._rung = position
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._news = asyncio.Event()
        self._news.set()
        if (running := running_here(chat)) is not None:
            self.live[running.generation] = live_of(running)
        self._reader = spawn(self._follow())

    # --- Members ---------------------------------------------------------------------------------------

    async def join(self, member: Member, *, since: int) -> list[Frame]:
        """Let a member in that has seen all up to `since`; what to send it before anything of its outbox.

        `since` must not be beyond the head of the log. TimeoutError when the log cannot be read.
        """
        await self._reach(since)
        self._wait_no_longer()
        # No await from here to the snapshots: nothing is told twice, and nothing is left out.
        here = self.position
        self.members.add(member)
        for frame in self._snapshots():
            member.outbox.put(frame)
        missed = await in_thread(frames.after, self.chat, since, until=here) if since < here else None
        if missed is not None and missed.too_far:
            return [hello(here), reset(here)]
        return [hello(since), *(missed.frames if missed else [])]

    def leave(self, member: Member) -> None:
        """Forget a member."""
        self.members.discard(member)

    def close(self) -> None:
        """Stop reading; the members are gone."""
        self._reader.cancel()

    def dismiss(self, members: Iterable[Member], code: int) -> None:
        """Show members out."""
        for member in list(members):
            member.dismiss(code)
            self.members.discard(member)

    # --- The log ---------------------------------------------------------------------------------------

    def wake(self, head: int = 0) -> None:
        """Something was appended, up to `head` as far as one knows: read on."""
        # Each ring comes twice, from this process and by way of the broker; the second finds nothing to do.
        if not head or head > self._rung:
            self._rung = max(head, self._rung)
            self._news.set()

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if not self._looked:
                    self.see(await in_thread(running_in, self.chat))
                    self._looked = True
                self._bring(await in_thread(frames.after, self.chat, self.position, head=self._rung))
            except Exception:
                # Whatever it is, the members wait for it to pass; the log still has what they missed.
                logger.exception("chat %d could not be read", self.chat)
                self._wait_no_longer()
                await asyncio.sleep(RETRY_SECONDS)
                self._news.set()

    async def _reach(self, position: int) -> None:
        if self._looked and self.position >= position:
            return
        reached = asyncio.get_running_loop().create_future()
        self._waiting.append((position, reached))
        self.wake()
        await asyncio.wait_for(reached, PATIENCE_SECONDS)

    def _bring(self, batch: Batch) -> None:
        if batch.too_far:
            self.position = batch.position
            self._full |= self.members
        for frame in batch.frames:
            # What stands between two frames in the log has none, and so has been told.
            self._tell_due(frame.position - 1)
            live = self.live.get(frame.body.get("generation", ""))
            if live is not None:
                live.settled = True
            self.position = frame.position
            self._tell(frame)
            if live is not None:
                self._settle(frame, live)
        self.position = batch.position
        self._tell_due(self.position)
        self._restart_full()
        self._announce_arrival()
        if batch.gone:
            self.dismiss(self.members, NOT_FOUND)
        elif batch.members_moved:
            self._look_at_members()

    def _settle(self, turn: Frame, live: Live) -> None:
        here = self._running_here(self.chat)
        if here is None or here.generation != live.generation:
            # The process that wrote it says so too, but on a wire that may lose it.
            self._end(end_told_by(turn, live, self.chat))

    def _announce_arrival(self) -> None:
        for position, reached in self._waiting:
            if position <= self.position and not reached.done():
                reached.set_result(None)
        self._waiting = [(position, reached) for position, reached in self._waiting if not reached.done()]

    # --- Replies ---------------------------------------------------------------------------------------

    def hear(self, news: News | Snapshot) -> None:
        """News of a reply, from this process or another."""
        if isinstance(news, Chunk):
            # First: a chunk comes for every token, the others twice a reply.
            self._continue(news)
            return
        if news.generation in self._over:
            return
        match news:
            case Started() | Deciding():
                live = self.live.get(news.generation)
                if live is None or live.is_undecided:
                    live = self.live[news.generation] = live_from(news)
                # Known to be in the log and not yet read: what the player said.
                self._tell_live(live.started(), answers=self._rung)
            case Snapshot():
                self._catch_up(news)
            case Ended():
                self._end(news)

    def see(self, rows: Iterable[Generation]) -> None:
        """The replies of this chat as the database has them: heals what was lost on the way here."""
        here = self._running_here(self.chat)
        for row in rows:
            if row.id in self._over or (here is not None and here.generation == row.id):
                continue
            if row.state == Generation.State.RUNNING:
                if row.id not in self.live:
                    self._ask_elsewhere(self.chat)
                self._catch_up(snapshot_in(row))
            else:
                self.hear(end_in(row))

    def _continue(self, chunk: Chunk) -> None:
        live = self.live.get(chunk.generation)
        if live is None or live.is_undecided or live.length < chunk.offset:
            if chunk.generation not in self._over:
                self._fill_gap(chunk)
            return
        frame = live.continued_by(chunk)
        if frame is not None and not live.settled:
            self._tell_live(frame)

    def _fill_gap(self, chunk: Chunk) -> None:
        here = self._running_here(self.chat)
        if here is not None and here.generation == chunk.generation:
            self._catch_up(live_of(here).as_news(self.chat))
        else:
            self._ask_elsewhere(self.chat)

    def _catch_up(self, news: Snapshot) -> None:
        live = self.live.get(news.generation)
        if live is None or (live.is_undecided and news.speaker):
            live = self.live[news.generation] = live_from(news)
            self._tell_live(live.started())
        frame = live.caught_up(news.text, news.seq)
        if frame is not None and not live.settled:
            self._tell_live(frame)

    def _end(self, news: Ended) -> None:
        frame = ended(news, self.live.pop(news.generation, None))
        self._over.append(news.generation)
        turn = news.turn or 0
        # The settled turn goes first, so that a preview is replaced and never only taken away.
        self._tell_live(frame, turn=turn)
        if turn > self.position:
            self.wake()

    # --- Telling ---------------------------------------------------------------------------------------

    def _tell_live(self, frame: Frame, *, answers: int = 0, turn: int = 0) -> None:
        self._held.append(Held(frame, answers, turn))
        self._tell_due(self.position)
        self._restart_full()

    def _tell_due(self, reached: int) -> None:
        """Tell what waits no longer, now that the log was told up to here."""
        while self._held and self._held[0].answers <= reached and self._held[0].turn <= self.position:
            self._tell(self._held.popleft().frame)

    def _tell_held(self) -> None:
        """Tell all but the ends whose turns have not been told."""
        held, self._held = self._held, deque()
        for one in held:
            if one.turn <= self.position:
                self._tell(one.frame)
            else:
                self._held.append(one)

    def _wait_no_longer(self) -> None:
        self._tell_held()
        self._restart_full()

    def _tell(self, frame: Frame) -> None:
        for member in self.members:
            if member not in self._full and not member.outbox.put(frame):
                self._full.add(member)

    def _restart_full(self) -> None:
        if not self._full:
            return
        # What is held is in the snapshots; a tab that gets both would see it twice.
        self._tell_held()
        full, self._full = self._full & self.members, set()
        for member in full:
            member.outbox.restart([reset(self.position), *self._snapshots()])

    def _snapshots(self) -> list[Frame]:
        return [live.snapshot() for live in self.live.values() if not live.settled]
