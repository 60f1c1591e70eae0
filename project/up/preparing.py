"""What must be true before anything is started: a folder of our own, a free port, an up-to-date database."""

import errno
import fcntl
import os
import socket
from contextlib import closing
from pathlib import Path
from typing import TextIO

from django.core.management import call_command

from project.up.errors import CannotStartError


def claim_folder(folder: Path, sockets: Path) -> TextIO:
    """Take the folder for this process until the returned file is closed; the kernel lets go when we die."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sockets.stat().st_uid != os.getuid():
            raise CannotStartError(f"{sockets} belongs to someone else: remove it, or set PALIMPSEST_VAR.")
        file = (folder / "up.lock").open("a+")
    except OSError as error:
        raise CannotStartError(
            f"Cannot write to {folder} ({error.strerror}): set PALIMPSEST_VAR to a folder you own."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        process = file.read().strip() or "unknown"
        file.close()
        raise CannotStartError(
            f"Palimpsest already runs on {folder} (process {process}): stop it first, or set PALIMPSEST_VAR."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def free_port(host: str, port: int) -> int:
    """The port, known to be free on that address (0: any free one)."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            # As the web server will: a port that was ours a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            free: int = probe.getsockname()[1]
            return free
    except OSError as error:
        raise CannotStartError(_why_not(host, port, error)) from error
    except OverflowError as error:
        raise CannotStartError(f"{port} is no port: choose one from 1 to 65535 with --port.") from error


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have: choose one above 1023 with --port."
    return f"Cannot listen on {host} ({error.strerror}): choose an address of this machine with --host."


def migrate() -> None:
    """Bring the database up to date."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except Exception as error:  # a migration may raise anything; it becomes the sentence, its cause goes along
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CannotStartError(f"The database could not be brought up to date: {reason}") from error
