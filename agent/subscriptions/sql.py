"""What the statements that are written by hand share: the database's clock, its locks, and how they are run.

The query builder takes several times as long to compose a statement as the database to run it; those of a Reaction's
step and of a Projection's batch are written out. Parameters are named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

type Row = tuple[Any, ...]


def now() -> str:
    """This moment, by the database's clock."""
    if connection.vendor == "sqlite":
        return "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
    return "STATEMENT_TIMESTAMP()"


def in_seconds(name: str) -> str:
    """A moment by the database's clock, as many seconds from now as the parameter of that name says."""
    if connection.vendor == "sqlite":
        return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', %({name})s || ' seconds')"
    return f"STATEMENT_TIMESTAMP() + %({name})s * INTERVAL '1 second'"


def hold(table: str, *, skip_locked: bool = False) -> str:
    """The clause that locks a table's rows; nothing on SQLite, where BEGIN IMMEDIATE locked everything."""
    if not connection.features.has_select_for_no_key_update:
        return ""
    return f"FOR NO KEY UPDATE OF {table}{' SKIP LOCKED' if skip_locked else ''}"


def named(name: str, values: Sequence[Any], *, by: int = 0) -> tuple[str, dict[str, Any]]:
    """Marks for values, parted by commas, and the parameters they stand for; in brackets `by` so many."""
    parameters = {f"{name}{number}": value for number, value in enumerate(values)}
    marks = [f"%({one})s" for one in parameters]
    if by:
        marks = [f"({', '.join(marks[at : at + by])})" for at in range(0, len(marks), by)]
    return ", ".join(marks), parameters


def rows(statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    """What a statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def execute(statement: str, parameters: Mapping[str, Any]) -> int:
    """Run a statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
