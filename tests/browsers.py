"""Where Chromium is, or how to get it."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: The one without windows first: the same engine, for three fifths of the processor.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "microsoft-edge",
)
PLACES = (
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
#: No sandbox where root runs it (the pages are ours); no calls home, which tests must not wait for.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW_TO = (
    ".venv/bin/python -m playwright install --with-deps chromium (or your system's package: apt-get install chromium)"
)

#: Some hundred megabytes.
DOWNLOAD_SECONDS = 300


def find_chromium() -> Path | None:
    """The one named by the environment, on PATH, in the usual places, or Playwright's own."""
    if named := os.environ.get("PALIMPSEST_TEST_CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for place in map(Path, PLACES):
        if os.access(place, os.X_OK) and place.is_file():
            return place
    return next(filter(_runs, _playwrights_own()), None)


def _runs(chromium: Path) -> bool:
    """Playwright brings the browser, but none of the libraries that it needs of the system."""
    try:
        return subprocess.run([chromium, "--version"], check=False, capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> list[Path]:
    caches = [Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright"]
    if named := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        caches.insert(0, Path(named))
    patterns = (
        "chromium_headless_shell-*/chrome-headless-shell-*/chrome-headless-shell",
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    )
    return [path for pattern in patterns for cache in caches for path in sorted(cache.glob(pattern), reverse=True)]


def install_chromium_with_apt() -> None:
    """As root, and only where PALIMPSEST_TEST_APT=1 allows it; how that went is seen by looking again."""
    if os.environ.get("PALIMPSEST_TEST_APT") != "1" or os.getuid() != 0 or not shutil.which("apt-get"):
        return
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdin": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "fonts-liberation"]
    for chromium in NAMES[:2]:
        if subprocess.run([*install, chromium], check=False, **quiet).returncode == 0:
            return


def install_playwrights_own(*, patience: float = DOWNLOAD_SECONDS) -> None:
    """Download the Chromium without windows, for at most so many seconds; how that went is seen by looking again."""
    # A machine without a network is to notice soon.
    environment = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000", **os.environ}
    install = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(install, check=False, env=environment, timeout=patience, **quiet)
