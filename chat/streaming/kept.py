"""The most recently used results of a process, of which each is made once however many ask for it."""

import threading
from collections import OrderedDict


class Kept[Key, Result]:
    """At most so many results; safe from any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._results: OrderedDict[Key, Result] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Result | None:
        """The result, if it is still kept."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Key, result: Result) -> None:
        """Keep a result, and let the one go that was not asked for longest."""
        with self._lock:
            self._results[key] = result
            if len(self._results) > self._most:
                self._results.popitem(last=False)
