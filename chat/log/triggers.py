"""The triggers that make the log append-only, made again after every migrate and asserted by a system check.

SQLite rebuilds a table for many schema changes and silently drops its triggers, hence the making again.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, connections

TABLE = "chat_event"
NAMES = {
    "postgresql": {"chat_event_rows", "chat_event_truncate"},
    "sqlite": {"chat_event_update", "chat_event_delete"},
}

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION chat_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$;
DROP TRIGGER IF EXISTS chat_event_rows ON chat_event;
CREATE TRIGGER chat_event_rows BEFORE UPDATE OR DELETE ON chat_event
  FOR EACH ROW EXECUTE FUNCTION chat_event_is_append_only();
DROP TRIGGER IF EXISTS chat_event_truncate ON chat_event;
CREATE TRIGGER chat_event_truncate BEFORE TRUNCATE ON chat_event
  FOR EACH STATEMENT EXECUTE FUNCTION chat_event_is_append_only();
"""
_SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS chat_event_{act} BEFORE {act.upper()} ON chat_event "
    "BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
    for act in ("update", "delete")
]
_DROP = {
    "postgresql": [f"DROP TRIGGER IF EXISTS {name} ON {TABLE}" for name in sorted(NAMES["postgresql"])],
    "sqlite": [f"DROP TRIGGER IF EXISTS {name}" for name in sorted(NAMES["sqlite"])],
}
_LIST = {
    "postgresql": f"SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('{TABLE}') AND tgenabled <> 'D'",  # noqa: S608
    "sqlite": f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'",  # noqa: S608
}


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the triggers; harmless when they stand."""
    with connections[using].cursor() as cursor:
        for statement in [_POSTGRESQL] if connections[using].vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def drop(using: str = DEFAULT_DB_ALIAS) -> None:
    """Remove the triggers: for fixtures that empty the tables of a test database."""
    with connections[using].cursor() as cursor:
        for statement in _DROP[connections[using].vendor]:
            cursor.execute(statement)


@contextlib.contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Remove the triggers for a while (tests only)."""
    drop(using)
    try:
        yield
    finally:
        install(using)


def install_after_migrate(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receiver of post_migrate."""
    if TABLE in connections[using].introspection.table_names():
        install(using)


def check_triggers(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """System check: each checked database that has the log has its triggers."""
    return [
        Error(
            f"The append-only triggers are missing in the database “{using}”.",
            hint="Run manage.py migrate: it makes them again.",
            id="chat.E001",
        )
        for using in databases or []
        if TABLE in connections[using].introspection.table_names() and not standing(using)
    ]


def standing(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether every trigger is there."""
    vendor = connections[using].vendor
    with connections[using].cursor() as cursor:
        cursor.execute(_LIST[vendor])
        return NAMES[vendor] <= {row[0] for row in cursor.fetchall()}
