"""Frames that were rendered once, kept by this process; they go to every tab that reads the same events."""

import threading
from collections import OrderedDict
from datetime import datetime

from chat.log.models import Event
from chat.streaming.frame import Frame

type _Key = tuple[int, int, datetime]


class KeptFrames:
    """The most recently used frames, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: OrderedDict[_Key, Frame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, chat_id: int, event: Event) -> Frame | None:
        """The frame of an event, if it is kept."""
        key = _key(chat_id, event)
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
            return self._frames.get(key)

    def put(self, chat_id: int, event: Event, frame: Frame) -> None:
        """Keep a frame, and let go of the one that was not used for longest."""
        with self._lock:
            self._frames[_key(chat_id, event)] = frame
            if len(self._frames) > self._most:
                self._frames.popitem(last=False)

    def forget(self, chat_id: int) -> None:
        """Let go of all frames of a chat: what they were rendered from has changed."""
        with self._lock:
            for key in [key for key in self._frames if key[0] == chat_id]:
                del self._frames[key]


def _key(chat_id: int, event: Event) -> _Key:
    # With the time: tests and restored backups use positions again.
    return chat_id, event.position, event.recorded_at
