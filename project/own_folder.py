"""What the settings find in var/, the folder of this installation: a secret key of its own, and a place for sockets."""

import contextlib
import hashlib
import os
import secrets
import sys
import tempfile
from pathlib import Path

#: The kernel's limit is 108 bytes on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100


def kept_secret_key(folder: Path) -> str:
    """The key kept in the folder (mode 600), made on the first start; ends the process when it cannot be."""
    path = folder / "secret_key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_secret_key(path)
        return path.read_text().strip()
    except OSError as error:
        sys.exit(f"palimpsest: cannot write to {folder} ({error.strerror}); set PALIMPSEST_VAR to one you own.")


def socket_folder(folder: Path) -> Path:
    """Where UNIX sockets go: the folder, or a private one in /tmp when its path is too long for a socket's."""
    if len(str(folder / "valkey.sock").encode()) < LONGEST_SOCKET_PATH:
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"palimpsest-{os.getuid()}-{name}"


def _make_secret_key(path: Path) -> None:
    # Linked into place when whole, so that a process that starts at the same time never reads half a key.
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(64))
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
