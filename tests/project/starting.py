"""`manage.py up` as a test starts it, and a web server with one answer."""

import contextlib
import http.server
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from tests.console import ROOT
from tests.servers import eventually

PATIENCE = 120.0


class Up:
    """A supervisor under test; its output line by line."""

    def __init__(self, var: Path, *words: str, **environment: str) -> None:
        self.var = var
        self.started_at = time.monotonic()
        self.lines: list[str] = []
        self._coming: queue.Queue[str | None] = queue.Queue()
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *words],
            cwd=ROOT,
            env={**inherited, "PALIMPSEST_VAR": str(var), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def until(self, words: str) -> str:
        """The first line that holds these words, said already or yet to come."""
        for line in self.lines:
            if words in line:
                return line
        give_up_at = time.monotonic() + PATIENCE
        while (line := self._next(give_up_at)) is not None:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"it ended without saying {words!r}:\n" + "\n".join(self.lines))

    def _next(self, give_up_at: float) -> str | None:
        try:
            return self._coming.get(timeout=max(give_up_at - time.monotonic(), 0.1))
        except queue.Empty:
            raise AssertionError("it said nothing more:\n" + "\n".join(self.lines)) from None

    def link(self) -> str:
        return self.until("Open http://").removeprefix("Open ")

    def children(self) -> dict[str, int]:
        """Its children's process ids, by a word of their command."""
        found = {}
        for pid, parent, command in processes():
            if parent == self.process.pid:
                for name in ("valkey-server", " serve ", "projections", "reactions", "builtin_server"):
                    if name in command:
                        found[name.strip()] = pid
        return found

    def end(self) -> float:
        """SIGTERM; how many seconds until it was gone."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()
        self._show()

    def _show(self) -> None:
        """All it said, for the report of a test that failed."""
        said = self.lines + [line for line in self._coming.queue if line is not None]
        sys.stdout.write("\n".join([f"--- up on {self.var}", *said, ""]))


def processes() -> list[tuple[int, int, str]]:
    """Every process: id, parent's id, command."""
    listing = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in listing.stdout.splitlines()]
    return [(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and "Z" not in row[2]]


def all_gone(pids: list[int]) -> None:
    """Wait until none of them is left."""
    eventually(lambda: not set(pids) & {row[0] for row in processes()}, what=f"{pids} to end", patience=5)


class Answering:
    """A web server that answers everything with one body."""

    def __init__(self, body: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None: ...

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        with contextlib.closing(self._server.socket):
            pass
