"""The statements of the hot path, composed once a process: a row by its key, an insert, an update.

Django's query builder takes about seven times as long to compose such a statement as the driver takes to run it,
and an append is six of them. What comes in and goes out is the ORM's: rows of models, through their fields.
"""
# ruff: noqa: S608, SLF001  (all names are our own models'; `_meta` is Django's public account of them)

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model

type Column = Field[Any, Any]
type Parameters = Sequence[Any] | Mapping[str, Any]
type Converter = Callable[[Any, Any, Any], Any]


def fetch[M: Model](model: type[M], *, hold: bool = False, **unique: int | str) -> M:
    """The row with these values in columns that are unique together; `hold` keeps it as it is to the transaction's end.

    Raises ObjectDoesNotExist.
    """
    found = select(model, _select(model, tuple(unique), hold=hold), list(unique.values()))
    if not found:
        raise ObjectDoesNotExist
    return found[0]


def select[M: Model](model: type[M], statement: str, parameters: Parameters) -> list[M]:
    """The rows that a statement finds which selects `columns(model)`."""
    database, names = connections[DEFAULT_DB_ALIAS], _names(model)
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = [list(values) for values in cursor.fetchall()]
    for place, expression, converters in _converters(model):
        for convert in converters:
            for values in found:
                values[place] = convert(values[place], expression, database)
    return [model.from_db(database.alias, names, values) for values in found]


@cache
def columns(model: type[Model], of: str = "") -> str:
    """The columns of a model, as `select` wants them; `of` is what the statement calls its table."""
    return ", ".join(f"{of}.{name}" if of else name for name in (_quoted(field.column) for field in _fields(model)))


def insert(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in order, in one statement; a key that the database makes is set on each."""
    database, model = connections[DEFAULT_DB_ALIAS], type(rows[0])
    fields = _said(model)
    values = [field.get_db_prep_save(getattr(row, field.attname), database) for row in rows for field in fields]
    with database.cursor() as cursor:
        cursor.execute(_insert(model, len(rows)), values)
        keys = sorted(key for (key,) in cursor.fetchall())
    for row, key in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database.alias


def update(row: Model, names: Iterable[str]) -> None:
    """Write these fields of a row that exists."""
    database, fields = connections[DEFAULT_DB_ALIAS], _named(type(row), tuple(names))
    values = [field.get_db_prep_save(getattr(row, field.attname), database) for field in fields]
    with database.cursor() as cursor:
        cursor.execute(_update(type(row), fields), [*values, row.pk])


@cache
def _select(model: type[Model], unique: tuple[str, ...], *, hold: bool) -> str:
    values = " AND ".join(f"{_quoted(column)} = %s" for column in unique)
    # Without row locks (SQLite) BEGIN IMMEDIATE has taken the whole database's.
    lock = " FOR NO KEY UPDATE" if hold and connection.features.has_select_for_no_key_update else ""
    return f"SELECT {columns(model)} FROM {_table(model)} WHERE {values}{lock}"


@cache
def _insert(model: type[Model], rows: int) -> str:
    fields = _said(model)
    columns = ", ".join(_quoted(field.column) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return f"INSERT INTO {_table(model)} ({columns}) VALUES {', '.join([row] * rows)} RETURNING {_key(model)}"


@cache
def _update(model: type[Model], fields: tuple[Column, ...]) -> str:
    changes = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    return f"UPDATE {_table(model)} SET {changes} WHERE {_key(model)} = %s"


@cache
def _converters(model: type[Model]) -> list[tuple[int, Any, list[Converter]]]:
    """For each column that needs it, its place in the row and what makes Python of the database's value."""
    columns = [field.cached_col for field in _fields(model)]
    all_of_them = [
        (place, column, connection.ops.get_db_converters(column) + column.get_db_converters(connection))
        for place, column in enumerate(columns)
    ]
    return [(place, column, converters) for place, column, converters in all_of_them if converters]


@cache
def _fields(model: type[Model]) -> tuple[Column, ...]:
    return tuple(model._meta.concrete_fields)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in _fields(model)]


@cache
def _named(model: type[Model], names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(field for field in _fields(model) if field.name in names or field.attname in names)


@cache
def _said(model: type[Model]) -> tuple[Column, ...]:
    """The fields that an insert says: all but a key that the database makes."""
    return tuple(field for field in _fields(model) if field is not model._meta.auto_field)


def _table(model: type[Model]) -> str:
    return _quoted(model._meta.db_table)


def _key(model: type[Model]) -> str:
    return _quoted(model._meta.pk.column)


def _quoted(name: str | None) -> str:
    # Concrete fields have a column; the type speaks for all fields.
    return connection.ops.quote_name(str(name))
