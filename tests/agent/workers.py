"""Celery workers as child processes, on the test's own database and a Valkey of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from project.up import child
from tests.console import ROOT
from tests.servers import Valkey

LEASE_SECONDS = 2.0


#: How PostgreSQL names the connections of these processes.
NAME = "workers"


class Workers:
    """Makes workers and ends them; `folder` becomes their var/."""

    def __init__(self, folder: Path, valkey: Valkey, **environment: str) -> None:
        self.folder = folder
        told = {"REDIS_URL": valkey.url, "PGAPPNAME": NAME, **environment}
        self.environment = {**os.environ, **_where(folder), **_QUICK, **told}
        self.running: list[subprocess.Popen[bytes]] = []
        self.log_path = folder / "workers.log"

    def start(self, *queues: str) -> subprocess.Popen[bytes]:
        """A worker for these queues, as `up` starts it."""
        words = ["--queues", ",".join(queues), "--pool=threads", "--concurrency=2", "--loglevel=INFO"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--hostname", f"{len(self.running)}@h"]
        return self._spawn("-m", "celery", "-A", "project.celery", "worker", *words, *quiet)

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """`manage.py WORDS`."""
        return self._spawn("manage.py", *words)

    def _spawn(self, *words: str) -> subprocess.Popen[bytes]:
        watched = [sys.executable, "-I", "-S", child.__file__, str(os.getpid())]
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [*watched, sys.executable, "-W", "ignore", *words],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    @property
    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""

    def reached(self, gate: str) -> bool:
        return (self.folder / f"{gate}.reached").exists()

    def open(self, gate: str) -> None:
        (self.folder / f"{gate}.open").touch()

    def kill(self, *which: subprocess.Popen[bytes]) -> None:
        """`kill -9`, these or all of them."""
        self._end(signal.SIGKILL, which or tuple(self.running))

    def stop(self) -> None:
        """SIGTERM, all of them; returns when they are gone."""
        self._end(signal.SIGTERM, tuple(self.running))

    def _end(self, number: signal.Signals, which: tuple[subprocess.Popen[bytes], ...]) -> None:
        for process in which:
            process.send_signal(number)
        for process in which:
            with process:
                process.wait(20)
            self.running.remove(process)


_QUICK = {
    "PALIMPSEST_LEASE_SECONDS": str(LEASE_SECONDS),
    "PALIMPSEST_SWEEP_SECONDS": "0.5",
    "PALIMPSEST_RETRY_FIRST_SECONDS": "0.1",
    "PALIMPSEST_RETRY_LONGEST_SECONDS": "0.5",
    "PALIMPSEST_PROBE_SECONDS": "1",
    "PALIMPSEST_SUBSCRIBERS": "tests.agent.readers.Gated",
    "PYTHONUNBUFFERED": "1",
}


def _where(folder: Path) -> dict[str, str]:
    """How another process finds the test's database."""
    where = {"PALIMPSEST_VAR": str(folder), "PALIMPSEST_TEST_GATES": str(folder)}
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        (folder / "palimpsest.sqlite3").symlink_to(name)
        return where
    return {**where, "DATABASE_URL": urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()}
