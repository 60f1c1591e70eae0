"""A pytest plugin, loaded before Django's settings: tests get a var/ and a Valkey of their own, and nothing of ours.

What `python -m tests` hands over is named PALIMPSEST_TEST_*; plain `pytest` needs none of it:

- PALIMPSEST_TEST_DATABASE_URL: a PostgreSQL server to test on; "own" brings one up; SQLite without it
- PALIMPSEST_TEST_CHROMIUM: the browser
- PALIMPSEST_TEST_REPORT: where to write how many passed
"""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import PostgreSQL, Unavailable, Valkey

#: Settings that are there for the tests.
_FOR_TESTS = {"PALIMPSEST_LAW_EXAMPLES", "PALIMPSEST_OUTAGE_SECONDS"}
_cleanups: list[Callable[[], object]] = []


def _isolate() -> None:
    for name in list(os.environ):
        ours = name.startswith("PALIMPSEST_") and not name.startswith("PALIMPSEST_TEST_") and name not in _FOR_TESTS
        if ours or name in {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}:
            del os.environ[name]
    var = Path(tempfile.mkdtemp(prefix="palimpsest-"))
    _cleanups.append(lambda: shutil.rmtree(var, ignore_errors=True))
    os.environ["PALIMPSEST_VAR"] = str(var)
    url = os.environ.get("PALIMPSEST_TEST_DATABASE_URL", "")
    if url == "own":
        server = PostgreSQL()
        _cleanups.append(server.stop)
        url = os.environ["PALIMPSEST_TEST_DATABASE_URL"] = server.url("palimpsest")
    if url:
        os.environ["DATABASE_URL"] = url
    _start_valkey(var)


def _start_valkey(var: Path) -> None:
    try:
        valkey = Valkey(var / "valkey.sock")
    except Unavailable:
        return  # tests that need it ask for the fixture, which skips
    _cleanups.append(valkey.stop)


# At import: pytest-django reads the settings before any hook of ours would run.
_isolate()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the browser's tests; on PostgreSQL leave out what says nothing about the database."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    if "DATABASE_URL" not in os.environ:
        return
    left_out = {item for item in items if not _says_something_about_the_database(item)}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _says_something_about_the_database(item: pytest.Item) -> bool:
    from django.test import TransactionTestCase  # noqa: PLC0415  (after the settings are there)

    if any(item.iter_markers("browser")) or any(item.iter_markers("once")):
        return False
    if issubclass(getattr(item, "cls", None) or object, TransactionTestCase):
        return True
    reaches_it = {"db", "transactional_db", "new_site"} & set(getattr(item, "fixturenames", ()))
    return bool(reaches_it) or any(item.iter_markers("django_db"))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Leave the numbers for the closing summary of both runs."""
    if path := os.environ.get("PALIMPSEST_TEST_REPORT"):
        stats = terminalreporter.stats
        counts = {name: len(stats.get(name, ())) for name in ("passed", "failed", "error", "skipped")}
        Path(path).write_text(json.dumps(counts))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """The run is over."""
    _clean_up()


@atexit.register  # also when the settings could not be read
def _clean_up() -> None:
    """End what was started, last first."""
    while _cleanups:
        _cleanups.pop()()
