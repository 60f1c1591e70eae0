"""A timeout for reading a stream piece by piece, whose end can be moved at no cost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self, cast

#: Seconds until the timer looks again when the deadline has passed while nobody was reading.
GRACE = 1.0


class Deadline:
    """One timer for a whole stream; it looks again when it fires before the deadline.

    `asyncio.timeout` round every read costs a quarter of reading a token.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._when = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._when, self._look)
        self._reader: asyncio.Task[object] | None = None
        self._expired = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def put_off(self, seconds: float) -> None:
        """Put the deadline `seconds` from now."""
        self._when = self._loop.time() + seconds
        if self._when < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(self._when, self._look)

    async def read(self, packets: AsyncIterator[bytes]) -> bytes | None:
        """The next packet, None when there are no more; raises TimeoutError at the deadline."""
        self._reader = task = cast("asyncio.Task[object]", asyncio.current_task())
        cancelling = task.cancelling()
        try:
            return await anext(packets, None)
        except asyncio.CancelledError:
            # As in `asyncio.timeout`: if somebody else cancelled the task as well, that goes on.
            if self._expired and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._reader = None

    def _look(self) -> None:
        reader, now = self._reader, self._loop.time()
        if reader is not None and now >= self._when:
            self._expired = True
            reader.cancel()
            return
        # A reader who is busy elsewhere puts the deadline off when it comes back, or is late by this much.
        self._timer = self._loop.call_at(self._when if reader else max(self._when, now + GRACE), self._look)
