"""A site as it runs: `manage.py serve` as a child process, with a database, a Valkey and a model of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from project.up import child
from tests.console import ROOT, Console
from tests.model_server import ScriptedModelServer
from tests.servers import Valkey, eventually

OWNER = "owner"


@dataclass
class Site:
    """A running site; `another()` is a second web process on the same database."""

    var: Path
    model: ScriptedModelServer
    valkey: Valkey
    #: DATABASE_URL, or "" for SQLite in `var`.
    database_url: str = ""
    #: More environment for its processes.
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    #: A link of the owner's that nobody has used; "" for none.
    first_link: str = ""

    def __post_init__(self) -> None:
        self.port = self.port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.log_path = self.var / f"web-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._console: Console | None = None

    def start(self) -> Self:
        """Serve, and return once pages are answered."""
        watched = [sys.executable, "-I", "-S", child.__file__, str(os.getpid())]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*watched, sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.whole_environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._answers, what=self.url)
        except TimeoutError as error:
            raise TimeoutError(f"{error}:\n{self.log}") from None
        return self

    @property
    def whole_environment(self) -> dict[str, str]:
        """What its processes are told; commands and other processes of the same site need the same."""
        told = {
            "PALIMPSEST_VAR": str(self.var),
            "REDIS_URL": self.valkey.url,
            "PALIMPSEST_MODEL_URL": self.model.url,
            "PALIMPSEST_MODEL": "scripted",
            # What a test leaves undecided stays so until the test decides it, however slow the machine.
            "PALIMPSEST_INTERJECTION_SECONDS": "600",
            "PALIMPSEST_TURNS_PER_MINUTE": "0",
            "PALIMPSEST_LOGINS_PER_MINUTE": "0",
            "PYTHONUNBUFFERED": "1",
        }
        if self.database_url:
            told["DATABASE_URL"] = self.database_url
        # The second tells of the test that runs, and so changes all the time.
        others = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "PYTEST_CURRENT_TEST"}}
        return {**others, **told, **self.environment}

    def _answers(self) -> bool:
        assert self._process is not None
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"serve ended with {code}:\n{self.log}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def log(self) -> str:
        """Everything the web process said so far."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def pid(self) -> int:
        """The web process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> float:
        """SIGTERM; returns how many seconds it took to go."""
        started = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - started

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            with self._process as process:
                process.send_signal(number)
            self._process = None

    def restart(self) -> None:
        """End it gently if it runs, and serve again on the same port."""
        self.stop()
        self.start()

    def another(self) -> "Site":
        """A second web process of the same site, started; end it yourself."""
        return Site(
            var=self.var,
            model=self.model,
            valkey=self.valkey,
            database_url=self.database_url,
            environment=self.environment,
        ).start()

    def manage(self, *words: str) -> str:
        """`manage.py WORDS`; what it printed. RuntimeError if it fails."""
        if self._console is not None and self._console.environment != self.whole_environment:
            self._console.close()
            self._console = None
        self._console = self._console or Console(self.whole_environment)
        return self._console.run(*words)

    def close(self) -> None:
        """End its processes."""
        self.kill()
        if self._console is not None:
            self._console.close()
            self._console = None

    def enter_link(self, user: str = OWNER) -> str:
        """A fresh one-time link for a user, on this process."""
        if user == OWNER and self.first_link:
            link, self.first_link = self.first_link, ""
        else:
            link = self.manage("enter_link", "--user", user).strip()
        return self.url + link[link.index("/enter/") :]


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def copy_of_database(template: Path, var: Path) -> None:
    """A migrated SQLite database for a new site."""
    for path in template.glob("palimpsest.sqlite3*"):
        shutil.copy(path, var / path.name)
