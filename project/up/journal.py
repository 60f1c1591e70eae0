"""What `up` says: one named line at a time, in colour on a terminal, and a sign of life when slow."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds of silence that a person may take for a hang.
SILENCE = 1.0
COLOURS = {"web": 32, "model": 35, "valkey": 31, "reactions": 33, "projections": 36}
WIDTH = max(len(name) for name in COLOURS)


class Journal:
    """Writes whole lines from several threads, each under the name of the process that said it."""

    def __init__(self, write: Callable[[str], object], *, coloured: bool) -> None:
        self._write = write
        self._coloured = coloured
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """One line of a child's output."""
        label = f"{name:<{WIDTH}} │"
        if self._coloured:
            label = f"\033[{COLOURS.get(name, 34)}m{label}\033[0m"
        self.say(f"{label} {text}")

    def say(self, text: str) -> None:
        """One line of our own; a reader who closed the pipe is no reason to end the story."""
        with self._lock:
            try:
                self._write(text)
            except (BrokenPipeError, ValueError):
                self._write = _to_nobody

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show that `what` is under way once it takes more than a second, and how long it took."""
        started, finished = time.monotonic(), threading.Event()

        def show() -> None:
            for _ in itertools.count():
                if finished.wait(SILENCE):
                    return
                self.say(f"{what} … {time.monotonic() - started:.0f} s")

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()


def _to_nobody(_: str) -> None:
    """Where lines go when nobody reads them any more."""
