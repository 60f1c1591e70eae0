"""The reactor: claims a lane, asks the Reaction with no transaction open, and commits what came of it.

Reactions run in one event loop a process, in a thread of its own, so that they share the models' connections;
the threads that call `step` wait for it and do the database's part.
"""

import asyncio
import contextlib
import logging
import os
import random
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError as FutureCancelledError
from functools import partial
from typing import Any

from django import db
from django.conf import settings

from agent.models import Attempt
from agent.subscriptions import breaker, effect, lanes, retry
from agent.subscriptions.base import Outcome, Reaction
from agent.subscriptions.lanes import Claim, LaneLostError
from chat.database import in_thread
from chat.llm import spending

logger = logging.getLogger(__name__)

State = Attempt.Outcome
#: How often a Reaction is asked in a row while what its answers rest on is rewritten.
TIMES_ASKED = 3


class Reactor:
    """What works Reactions' lanes in one process; `step` may be called from several threads."""

    def __init__(self, *, rng: random.Random | None = None) -> None:
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self._rng = rng or random.Random()  # noqa: S311  (jitter)
        self._running: dict[asyncio.Task[Outcome], Claim] = {}
        self._closing = threading.Event()
        self._cancelling = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="reactions", daemon=True)
        self._thread.start()

    def work_off(self, reaction: Reaction, *, stream: str | None = None) -> int:
        """Deal with what is due, that stream's lane first, until nothing is or no slot is free; how many events."""
        dealt_with = 0
        if stream is not None and self.step(reaction, stream=stream):
            dealt_with += 1
        while self.step(reaction):
            dealt_with += 1
        return dealt_with

    def step(self, reaction: Reaction, *, stream: str | None = None) -> bool:
        """Deal with one event, whatever comes of it; whether there was one."""
        if self._closing.is_set():
            return False
        claim = lanes.claim(reaction, worker=self.worker, stream=stream)
        if claim is None:
            return False
        try:
            self._deal_with(reaction, claim)
        except LaneLostError:
            logger.warning("%s lost its lease at event %d; its result is thrown away", claim.lane, claim.event.position)
            lanes.note_lost(claim)
        except db.Error:
            # The lease will pass, and the Attempt counts as lost.
            logger.exception("%s: the database failed at event %d", claim.lane, claim.event.position)
        return True

    def probe(self, reaction: Reaction) -> None:
        """If the Reaction's endpoint is suspended and a probe is due: ask it, and resume when it takes us."""
        endpoint = breaker.endpoint_of(reaction)
        if self.stopping or not breaker.is_mine_to_probe(endpoint):
            return
        with contextlib.suppress(FutureCancelledError):  # told to end meanwhile
            if self._wait_for(breaker.probe(reaction)):
                breaker.resume(endpoint)

    def stop(self) -> None:
        """Claim nothing more; what runs goes on."""
        self._closing.set()

    def cancel(self) -> None:
        """Stop, and cancel what runs: its lanes are given back uncharged."""
        self.stop()
        self._cancelling.set()
        for task in list(self._running):
            self._loop.call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """Cancel what runs and end the loop; with it the models' connections are closed."""
        self.cancel()
        # A probe too: whoever waits for it would wait for ever.
        self._wait_for(_end_everything())
        self._wait_for(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def stopping(self) -> bool:
        """Whether it claims nothing more."""
        return self._closing.is_set()

    def _deal_with(self, reaction: Reaction, claim: Claim) -> None:
        try:
            self._ask_and_commit(reaction, claim)
        except LaneLostError:
            raise
        except (asyncio.CancelledError, FutureCancelledError):
            lanes.give_back(claim, State.RELEASED, note="the worker was told to end")
        except Exception as error:  # noqa: BLE001  (it is recorded, with its traceback, on the Attempt)
            self._failed(reaction, claim, retry.failure_of(error))

    def _ask_and_commit(self, reaction: Reaction, claim: Claim) -> None:
        for times_left in reversed(range(TIMES_ASKED)):
            outcome = self._wait_for(self._asked(reaction, claim))
            try:
                lanes.complete(claim, partial(effect.take_effect, claim, outcome))
            except effect.OutdatedError:
                if not times_left:
                    raise
            else:
                return

    def _failed(self, reaction: Reaction, claim: Claim, failure: retry.Failure) -> None:
        logger.info("%s failed at event %d: %s %s", claim.lane, claim.event.position, failure.error, failure.message)
        # Without an endpoint nothing could be held until a probe passes: that one backs off.
        if failure.kind == "refused" and claim.endpoint:
            lanes.give_back(claim, State.SUSPENDED, note=failure.message)
            breaker.suspend(claim.endpoint, reason=failure.message)
            return
        window = retry.window_of(reaction)
        lanes.fail(
            claim,
            failure,
            delay=lambda tries: retry.delay(window, tries=tries, retry_after=failure.retry_after, rng=self._rng),
        )

    async def _asked(self, reaction: Reaction, claim: Claim) -> Outcome:
        """What the Reaction says, while the lease is kept; LaneLostError when it could not be."""
        if self._cancelling.is_set():
            raise asyncio.CancelledError
        with spending.counted(claim.attempt.spent):
            work = asyncio.ensure_future(reaction.react(claim.event))
        self._running[work] = claim
        try:
            async with asyncio.timeout(reaction.timeout):
                while not (await asyncio.wait({work}, timeout=settings.LEASE_SECONDS / 3))[0]:
                    await _beat(claim)
                return await work
        finally:
            del self._running[work]
            await _end(work)

    def _wait_for[T](self, coroutine: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


async def _beat(claim: Claim) -> None:
    """Extend the lease; LaneLostError when it is lost."""
    try:
        await in_thread(lanes.heartbeat, claim)
    except db.Error:
        # The database is away: committing will say whether the lane is still ours.
        logger.exception("%s: no heartbeat", claim.lane)


async def _end_everything() -> None:
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await _end(*others)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    # Waited for, not awaited: that would raise once more, and add our own frames to the traceback that is kept.
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen
