"""What waits for one browser: bounded, and shorter the longer it waits, since neighbouring deltas become one."""

import asyncio

from chat.streaming.frame import Frame
from chat.streaming.frames import merge_deltas


class Outbox:
    """Frames on their way to one browser. Used from the event loop only."""

    def __init__(self, most: int = 256) -> None:
        self.most = most
        self._waiting: list[Frame] = []
        self._something = asyncio.Event()

    def put(self, frame: Frame) -> bool:
        """Add a frame; False when there is no room left and the browser has to start afresh (`restart`)."""
        if len(self._waiting) >= self.most:
            self._waiting = merge_deltas(self._waiting)
            # Half, so that a full outbox is not merged anew for each frame.
            if len(self._waiting) > self.most // 2:
                return False
        self._waiting.append(frame)
        self._something.set()
        return True

    def restart(self, frames: list[Frame]) -> None:
        """Forget what waits and send these instead."""
        self._waiting = list(frames)
        self._something.set()

    async def take(self) -> list[Frame]:
        """All that waits, at once and at least one frame, with neighbouring deltas made one."""
        await self._something.wait()
        self._something.clear()
        frames, self._waiting = self._waiting, []
        return frames if len(frames) == 1 else merge_deltas(frames)
