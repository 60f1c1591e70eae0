"""The sweeper: a thread in every worker that hears the bell, looks at the database, and sends hints.

A ring makes it look at that stream at once. Every few seconds it looks at the streams that moved lately, and once
an hour at all of them; so a ring or a hint that is lost costs seconds, and nothing else.
"""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from celery import signals
from django import db
from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError

from agent import registry, tasks
from agent.subscriptions import alerts, due, history, lanes, seeding
from agent.subscriptions.base import Projection, Reaction
from agent.subscriptions.seeding import EVERYTHING, Scope
from chat.database import in_thread
from chat.log import bell

logger = logging.getLogger(__name__)

#: Rings that come this close together are looked at together.
GATHERING_SECONDS = 0.02
#: How far back "lately" goes: longer than any transaction that appends.
LATELY_SECONDS = 60.0
EVERYTHING_SECONDS = 3600.0
HINT_SECONDS = 10


class Hands(Protocol):
    """What does the work that a sweeper finds."""

    def react(self, reaction: Reaction, stream: str) -> None:
        """That lane is due."""

    def project(self, projection: Projection) -> None:
        """Lanes of it are due."""


class Hints:
    """Hints over Celery; they expire, because the sweeper finds what is left anyway."""

    def react(self, reaction: Reaction, stream: str) -> None:
        """Send `run_lane`."""
        _send(tasks.run_lane, "reactions", reaction.name, stream)

    def project(self, projection: Projection) -> None:
        """Send `project`."""
        _send(tasks.project, "projections", projection.name)


class Sweeper:
    """Looks for work of some subscribers, when the bell rings and every few seconds."""

    def __init__(
        self,
        hands: Hands,
        *,
        reactions: Sequence[Reaction] = (),
        projections: Sequence[Projection] = (),
    ) -> None:
        self._hands = hands
        self._reactions = reactions
        self._projections = projections
        self._rung: set[str] = set()
        #: When which position was the newest: what has moved since is looked at again.
        self._seen: deque[tuple[float, int]] = deque()
        self._everything_at = 0.0
        self._stop = asyncio.Event()
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was hinted at goes on."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=5)

    def look(self, scope: Scope = EVERYTHING) -> None:
        """Find what is due in these streams, and in all streams what has come due by time; hand it over."""
        seeding.notice([*self._reactions, *self._projections], scope)
        for reaction in self._reactions:
            tasks.reactor().probe(reaction)
            for stream in due.streams(reaction, lanes.free_slots(reaction)):
                self._hands.react(reaction, stream)
        for projection in self._projections:
            if due.streams(projection, 1):
                self._hands.project(projection)

    def sweep(self) -> None:
        """Look at what moved lately; once an hour at everything, at old Attempts and at alerts nobody took as well."""
        now = time.monotonic()
        newest = seeding.newest_position()
        if now >= self._everything_at:
            seeding.register([*self._reactions, *self._projections])
            self.look(EVERYTHING)
            history.prune(days=settings.ATTEMPT_DAYS)
            alerts.post_what_was_not_taken()
            # Last: what was cut short, by a database that is not up yet, is done anew in seconds and not in an hour.
            self._everything_at = now + EVERYTHING_SECONDS
        else:
            while len(self._seen) > 1 and self._seen[1][0] < now - LATELY_SECONDS:
                self._seen.popleft()
            self.look(Scope(above=self._seen[0][1] if self._seen else -1))
        self._seen.append((now, newest))

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        stopped = asyncio.create_task(self._stop.wait())
        parts = [asyncio.create_task(part) for part in (self._hear(), self._follow(), self._every_few_seconds())]
        await asyncio.wait([stopped, *parts], return_when=asyncio.FIRST_COMPLETED)
        for part in parts:
            part.cancel()
        for end in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(end, Exception):
                logger.error("the sweeper has ended", exc_info=end)

    async def _hear(self) -> None:
        async for ring in bell.rings():
            self._rung.add(ring.stream)
            self._woken.set()

    async def _follow(self) -> None:
        while True:
            await self._woken.wait()
            await asyncio.sleep(GATHERING_SECONDS)
            self._woken.clear()
            rung, self._rung = self._rung, set()
            await self._safely(self.look, Scope(names=rung))

    async def _every_few_seconds(self) -> None:
        while True:
            await self._safely(self.sweep)
            await asyncio.sleep(settings.SWEEP_SECONDS)

    async def _safely(self, look: Any, *args: Any) -> None:
        try:
            await in_thread(look, *args)
        except db.Error as error:
            # The next look is a few seconds away.
            logger.warning("the sweeper could not look: %s", error)
        except Exception:
            # Whatever it was: a worker whose sweeper has ended finds no work ever again.
            logger.exception("the sweeper could not look")


def _send(task: Any, queue: str, *args: str) -> None:
    try:
        task.apply_async(args, queue=queue, expires=HINT_SECONDS, retry=False, ignore_result=True)
    except (BrokerError, OSError) as error:
        logger.info("the broker took no hint: %s", error)


# --- In a Celery worker -----------------------------------------------------------------------------------
_sweepers: list[Sweeper] = []


def _begin(sender: Any = None, **_: Any) -> None:
    queues = set(sender.app.amqp.queues.consume_from)
    sweeper = Sweeper(
        Hints(),
        reactions=registry.reactions() if "reactions" in queues else (),
        projections=registry.projections() if "projections" in queues else (),
    )
    _sweepers.append(sweeper)
    sweeper.start()


def _stop_claiming(**_: Any) -> None:
    # In a signal handler: nothing here may wait.
    tasks.closing.set()
    tasks.reactor().stop()
    if math.isfinite(settings.GRACE_SECONDS):
        timer = threading.Timer(settings.GRACE_SECONDS, tasks.reactor().cancel)
        timer.daemon = True
        timer.start()


def _end(**_: Any) -> None:
    while _sweepers:
        _sweepers.pop().stop()
    tasks.reactor().close()


signals.worker_ready.connect(_begin)
signals.worker_shutting_down.connect(_stop_claiming)
signals.worker_shutdown.connect(_end)
