"""What every test may ask for: real servers, a real browser, a real site."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.test import TransactionTestCase

from chat import database
from chat.log import triggers
from tests.browsers import ARGUMENTS, HOW_TO, find_chromium
from tests.console import ROOT
from tests.model_server import ScriptedModelServer, answer_json
from tests.servers import PostgreSQL, Unavailable, Valkey
from tests.site import OWNER, Site, copy_of_database

#: The real one takes a second of processor a password, on purpose; a site that is started as players do has it.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

#: What the model says when it is asked who speaks up.
NOBODY = answer_json({"interject": False, "who": "", "why": ""})
#: What stands in the database of a new site; in one process, for starting one takes longer than the most of it.
NEW_HOUSE = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createsuperuser", interactive=False, verbosity=0, username="{OWNER}", email="")
call_command("enter_link")
"""
#: What migrate makes of the models alone, and no test changes.
OF_THE_MODELS = {"django_content_type", "auth_permission"}


#: Long files of few tests: begun last, each would keep one process busy when the others have nothing left to do.
FIRST = ("properties", "project", "browser", "flows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return FIRST.index(folder) if folder in FIRST else len(FIRST)

    items.sort(key=place)


def _empty_the_tables(case: TransactionTestCase) -> None:
    """After a test that commits. Django's flush takes 150 ms for it, most of them to make those rows once more."""
    # A call that outlived its test would hold what is to be emptied; it ends by itself.
    database.wait()
    connection = connections[DEFAULT_DB_ALIAS]
    tables = {*connection.introspection.django_table_names(only_existing=True)} - OF_THE_MODELS
    # Emptying the log is what the triggers are there to prevent.
    with triggers.lifted(), transaction.atomic(), connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608


TransactionTestCase._fixture_teardown = _empty_the_tables


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database; the connections of the thread pool are closed before it is dropped."""
    yield
    database.close_all()
    if server_url := os.environ.get("DATABASE_URL", ""):
        # Threads of libraries (asgiref's) hold connections of their own, which nobody can reach to close.
        name = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
        _ask(server_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608


@pytest.fixture(scope="session")
def valkey() -> str:
    """The address of the Valkey that settings.REDIS_URL names, started before the first test."""
    if not (settings.SOCKET_DIR / "valkey.sock").exists():
        pytest.skip("no Valkey for this machine")
    return str(settings.REDIS_URL)


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey that a test may stop and start."""
    server = _valkey_in(tmp_path_factory)
    yield server
    server.stop()


def _valkey_in(folders: pytest.TempPathFactory) -> Valkey:
    try:
        return Valkey(folders.mktemp("v") / "v.sock")
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL of our own, whatever this run's database is."""
    try:
        server = PostgreSQL()
    except Unavailable as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield server
    server.stop()


@pytest.fixture
def model() -> Iterator[ScriptedModelServer]:
    """A model server that says what it is told."""
    with ScriptedModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Chromium's executable."""
    path = find_chromium()
    if path is None:
        pytest.skip(f"no Chromium; run: {HOW_TO}")
    return path


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Any]:
    """A Playwright browser (sync API).

    One per module: while it lives, Playwright's event loop runs in this thread, so a module that uses it has no
    async tests and does not touch the ORM (ask `site` instead).
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (half a second that few runs need)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Site]:
    """Makes sites (not yet started), each with a fresh, migrated database with one superuser, whose link is open."""
    template = tmp_path_factory.mktemp("t")
    server_url = os.environ.get("DATABASE_URL", "")
    prefix = f"site_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    if server_url:
        _ask(server_url, f"CREATE DATABASE {prefix}_template")
    template_url = _beside(server_url, f"{prefix}_template")
    environment = {**os.environ, "PALIMPSEST_VAR": str(template), "DATABASE_URL": template_url}
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", NEW_HOUSE]
    link = subprocess.check_output(command, cwd=ROOT, env=environment, text=True).strip()
    numbers = itertools.count(1)

    def make() -> Site:
        var = tmp_path_factory.mktemp("s")
        name = f"{prefix}_{next(numbers)}"
        if server_url:
            _ask(server_url, f"CREATE DATABASE {name} TEMPLATE {prefix}_template")
        else:
            copy_of_database(template, var)
        model = ScriptedModelServer().__enter__()
        # A test that has somebody speak up says so; the others script replies only.
        model.answers["Interjection"] = NOBODY
        return Site(
            var=var,
            model=model,
            valkey=_valkey_in(tmp_path_factory),
            database_url=_beside(server_url, name),
            first_link=link,
        )

    return make


def _beside(url: str, database_name: str) -> str:
    return urlsplit(url)._replace(path=f"/{database_name}").geturl() if url else ""


def _ask(url: str, statement: str) -> None:
    with psycopg.connect(_beside(url, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _run_and_end(site: Site) -> Iterator[Site]:
    try:
        yield site.start()
    finally:
        site.close()
        site.valkey.stop()
        site.model.__exit__(None, None, None)


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Iterator[Site]:
    """A running site for this test alone: it may be killed and restarted."""
    yield from _run_and_end(new_site())


@pytest.fixture(scope="module")
def shared_site(new_site: Callable[[], Site]) -> Iterator[Site]:
    """A running site for all tests of a module, which leave it running."""
    yield from _run_and_end(new_site())
