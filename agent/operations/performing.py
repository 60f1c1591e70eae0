"""Performing: authorise first, wait for no lock for long, say what the database's trouble is, note refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from agent.operations import refusals
from agent.operations.command import Command, address
from agent.operations.operator import NotPermittedError, Operator, authorise
from chat.errors import ChatError

LOCK_SECONDS = 3
#: SQLSTATE codes: lock_not_available, deadlock_detected, undefined_table.
_LOCKED, _NO_TABLE = {"55P03", "40P01"}, "42P01"


class LaneLockedError(ChatError):
    """Somebody else holds this lane just now. Nothing was changed; try again."""

    status = 503
    #: Seconds.
    retry_after = 1


class NoBookmarksError(ChatError):
    """The database has no tables for this yet. Run manage.py migrate."""

    status = 503
    retry_after = 30


class DatabaseAwayError(ChatError):
    """The database does not answer. Nothing was changed; try again."""

    status = 503
    retry_after = 5


@contextmanager
def performing(command: Command, *, by: Operator) -> Iterator[None]:
    """Around an operation: raises NotPermittedError before anything else, and a ChatError for every refusal."""
    with _noted(by, command.act, address(command.target())), reachable():
        authorise(by, command.act)
        yield


@contextmanager
def consulting(by: Operator | None, act: str = "view_desk") -> Iterator[datetime]:
    """Around reading: as `performing`; gives the time that it is read as of.

    None stands for the machine's own shell: who is there has the database. Of what is refused, only that somebody
    may not read is noted.
    """
    with reachable():
        if by is not None:
            _authorise_reading(by, act)
        yield timezone.now() if by is None else by.at


@contextmanager
def short_transaction() -> Iterator[None]:
    """A transaction that waits for each lock LOCK_SECONDS at most, then LaneLockedError (see `reachable`)."""
    if connection.vendor == "sqlite":
        with _patience_of_sqlite(LOCK_SECONDS * 1000), transaction.atomic():
            yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        yield


@contextmanager
def reachable() -> Iterator[None]:
    """The database's trouble in our words: LaneLockedError, NoBookmarksError, DatabaseAwayError."""
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        if (trouble := trouble_of(error)) is None:
            raise
        raise trouble from error


def trouble_of(error: Error) -> ChatError | None:
    """What an error of the database means for who asked; None for a mistake of ours."""
    state, text = getattr(error.__cause__, "sqlstate", None), str(error)
    if state == _NO_TABLE or "no such table" in text:
        return NoBookmarksError()
    if isinstance(error, ProgrammingError):
        return None
    if state in _LOCKED or "database is locked" in text or "database table is locked" in text:
        return LaneLockedError()
    return DatabaseAwayError()


def _authorise_reading(by: Operator, act: str) -> None:
    try:
        authorise(by, act)
    except NotPermittedError as refused:
        refusals.note(refused, by=by, act=act, target="")
        raise


@contextmanager
def _noted(by: Operator, act: str, target: str) -> Iterator[None]:
    try:
        yield
    except ChatError as refused:
        refusals.note(refused, by=by, act=act, target=target)
        raise


@contextmanager
def _patience_of_sqlite(milliseconds: int) -> Iterator[None]:
    usual = round(settings.DATABASES["default"]["OPTIONS"]["timeout"] * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
