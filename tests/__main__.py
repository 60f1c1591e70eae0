"""The whole suite: once on SQLite with the browser, once on PostgreSQL; `./run test` calls it.

    python -m tests [--sqlite | --postgresql] [pytest's arguments]

What is missing is brought, or left out and said so in the last lines; the exit status is the worst of both.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.browsers import HOW_TO, find_chromium, install_chromium_with_apt, install_playwrights_own
from tests.servers import PostgreSQL, Unavailable, Valkey

NO_TESTS_COLLECTED = 5
#: A process a core and one more, for much of a test is waiting, but no crowd of sites and browsers; a file's tests
#: share what they start.
SIDE_BY_SIDE = [
    "-n",
    str((os.cpu_count() or 1) + 1),
    "--maxprocesses",
    "4",
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
]
ROOT = Path(__file__).parent.parent


@dataclass
class Run:
    """What came of it, for the closing lines."""

    lines: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    passed: int = 0
    failed: int = 0

    def pytest(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        """One pass over the suite, its output as it comes."""
        sys.stdout.write(f"\n=== on {name} ===\n")
        sys.stdout.flush()
        started = time.monotonic()
        with tempfile.NamedTemporaryFile() as report:
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *arguments],
                cwd=ROOT,
                env={**os.environ, **environment, "PALIMPSEST_TEST_REPORT": report.name},
                check=False,
            ).returncode
            counts = json.loads(Path(report.name).read_text() or "{}")
        failed = counts.get("failed", 0) + counts.get("error", 0)
        self.passed += counts.get("passed", 0)
        self.failed += failed
        self.statuses.append(status)
        self.lines.append(
            f"on {name}: {counts.get('passed', 0)} passed, {failed} failed, {counts.get('skipped', 0)} skipped "
            f"in {time.monotonic() - started:.0f} s"
        )

    def close(self) -> int:
        """The last lines, and the exit status."""
        skipped = "; ".join(f"{part} ({why})" for part, why in self.skipped.items()) or "none"
        lines = ["", "=== the whole suite ===", *self.lines, f"skipped parts: {skipped}"]
        sys.stdout.write("\n".join([*lines, f"{self.passed} passed, {self.failed} failed"]) + "\n")
        # Arguments that fit the tests of one pass only are no failure.
        meant = [status for status in self.statuses if status != NO_TESTS_COLLECTED]
        return max(meant, default=NO_TESTS_COLLECTED)


def main() -> int:
    """Run what was asked for."""
    arguments = sys.argv[1:]
    only = {word for word in arguments if word in {"--sqlite", "--postgresql"}}
    arguments = [word for word in arguments if word not in only]
    run = Run()
    _try_valkey(run)
    if only != {"--postgresql"}:
        run.pytest("SQLite", arguments, _browser(run))
    else:
        run.skipped["sqlite, browser"] = "not asked for"
    if only != {"--sqlite"}:
        _on_postgresql(run, arguments)
    else:
        run.skipped["postgresql"] = "not asked for"
    return run.close()


def _try_valkey(run: Run) -> None:
    with tempfile.TemporaryDirectory(prefix="palimpsest-") as folder:
        try:
            Valkey(Path(folder) / "valkey.sock").stop()
        except Unavailable as error:
            run.skipped["valkey"] = str(error)


def _browser(run: Run) -> dict[str, str]:
    chromium = find_chromium() or _bring_chromium()
    if chromium is None:
        run.skipped["browser"] = f"no Chromium; run: {HOW_TO}"
        return {}
    return {"PALIMPSEST_TEST_CHROMIUM": str(chromium)}


def _bring_chromium() -> Path | None:
    sys.stdout.write("There is no Chromium; trying to bring one.\n")
    sys.stdout.flush()
    install_chromium_with_apt()
    if find_chromium() is None:
        install_playwrights_own()
    return find_chromium()


def _on_postgresql(run: Run, arguments: list[str]) -> None:
    try:
        server = PostgreSQL()
    except Unavailable as error:
        run.skipped["postgresql"] = str(error)
        return
    try:
        name = f"PostgreSQL {server.version}"
        run.pytest(name, arguments, {"PALIMPSEST_TEST_DATABASE_URL": server.url("palimpsest")})
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
