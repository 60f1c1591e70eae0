"""Holding rows for a moment: no lock is waited for long, and the database's trouble is said in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, ProgrammingError, connection, transaction

from chat.database import AWAY
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
def short_transaction(*, patience: int = LOCK_SECONDS) -> Iterator[None]:
    """A transaction that waits `patience` seconds at most for each lock, then LaneLockedError (see `reachable`)."""
    if connection.vendor == "sqlite":
        with _patience_of_sqlite(patience * 1000), transaction.atomic():
            yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{patience}s'")
        yield


@contextmanager
def reachable() -> Iterator[None]:
    """The database's trouble in our words: LaneLockedError, NoBookmarksError, DatabaseAwayError."""
    try:
        yield
    except (*AWAY, ProgrammingError) as error:
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
