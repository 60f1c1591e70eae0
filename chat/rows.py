"""Rows of models on the hot path: fetched, inserted and updated by statements that are composed once a process.

What comes in and goes out is the ORM's: rows of models, through their fields.
"""
# ruff: noqa: S608, SLF001  (all names are our own models'; `_meta` is Django's public account of them)

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, JSONField, Model, QuerySet

from chat.statements import Converter, composed, converted, converters, refuse_to_hold_outside

type Column = Field[Any, Any]
type Parameters = Sequence[Any] | Mapping[str, Any]

_PLAIN = {int, str, bool, type(None)}


def fetch[M: Model](model: type[M], *, hold: bool = False, **unique: int | str) -> M:
    """The row with these values in columns that are unique together; `hold` keeps it as it is to the transaction's end.

    Raises ObjectDoesNotExist.
    """
    found: list[M] = _fetching(model, tuple(unique), hold=hold)(*unique.values())
    if not found:
        raise ObjectDoesNotExist
    return found[0]


@cache
def _fetching(model: type[Model], unique: tuple[str, ...], *, hold: bool) -> Callable[..., list[Any]]:
    rows = model._base_manager.select_for_update(no_key=True) if hold else model._base_manager.all()

    def build(*values: Any) -> "QuerySet[Any, Any]":
        return rows.filter(**dict(zip(unique, values, strict=True)))

    return composed(build, count=len(unique))


def select[M: Model](model: type[M], statement: str, parameters: Parameters) -> list[M]:
    """The rows that a statement finds which selects `columns(model)`."""
    database, names = connections[DEFAULT_DB_ALIAS], _names(model)
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    return [model.from_db(database.alias, names, row) for row in converted(rows, _of_columns(model), database)]


def fetch_both[M: Model, N: Model](model: type[M], other: type[N], key: int) -> tuple[M, N]:
    """The rows of two models that have this same key, in one statement, kept as they are to the transaction's end.

    Raises ObjectDoesNotExist, also when only one of them is there.
    """
    database = connections[DEFAULT_DB_ALIAS]
    refuse_to_hold_outside(database)
    with database.cursor() as cursor:
        cursor.execute(_fetching_both(model, other), [key])
        found = cursor.fetchall()
    if not found:
        raise ObjectDoesNotExist
    [of_both] = converted(found, _of_columns(model, other), database)
    first = len(_fields(model))
    return (
        model.from_db(database.alias, _names(model), of_both[:first]),
        other.from_db(database.alias, _names(other), of_both[first:]),
    )


@cache
def _fetching_both(model: type[Model], other: type[Model]) -> str:
    # Both are locked: of a row that was waited for, PostgreSQL reads again only what it was to lock.
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    return (
        f"SELECT {columns(model, 'a')}, {columns(other, 'b')} FROM {_table(model)} a JOIN {_table(other)} b"
        f" ON b.{_key(other)} = a.{_key(model)} WHERE a.{_key(model)} = %s{lock}"
    )


@cache
def columns(model: type[Model], of: str = "") -> str:
    """The columns of a model, as `select` wants them; `of` is what the statement calls its table."""
    return ", ".join(f"{of}.{name}" if of else name for name in (_quoted(field.column) for field in _fields(model)))


def insert(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in order, in one statement; a key that the database makes is set on each."""
    _insert_with(rows, _insert(type(rows[0]), len(rows)), [])


def insert_and_update(rows: Sequence[Model], changed: Model, names: Sequence[str], *, newest: str = "") -> None:
    """Insert new rows and write these fields of another row; its field `newest` becomes the last of their keys.

    In one statement where the database knows such: round trips are what an append costs.
    """
    together = connection.vendor == "postgresql"
    if together:
        fields = _named(type(changed), tuple(names))
        statement = _insert_and_update(type(rows[0]), len(rows), type(changed), fields, newest)
        _insert_with(rows, statement, [*_values(changed, fields), changed.pk])
    else:
        insert(rows)
    if newest:
        setattr(changed, newest, rows[-1].pk)
    if not together:
        update(changed, [*names, newest])


def _insert_with(rows: Sequence[Model], statement: str, more: Sequence[Any]) -> None:
    database, fields = connections[DEFAULT_DB_ALIAS], _said(type(rows[0]))
    with database.cursor() as cursor:
        cursor.execute(statement, [value for row in rows for value in _values(row, fields)] + [*more])
        keys = sorted(key for (key,) in cursor.fetchall())
    for row, key in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database.alias


def update(row: Model, names: Iterable[str]) -> None:
    """Write these fields of a row that exists."""
    fields = _named(type(row), tuple(names))
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_update(type(row), fields), [*_values(row, fields), row.pk])


def _values(row: Model, fields: Iterable[Column]) -> list[Any]:
    # Most values the driver takes as they are; Django would ask six functions about each.
    held = vars(row)
    return [
        value
        if type(value := held[field.attname]) in _PLAIN and not isinstance(field, JSONField)
        else field.get_db_prep_save(value, connection)
        for field in fields
    ]


@cache
def _insert(model: type[Model], rows: int) -> str:
    fields = _said(model)
    columns = ", ".join(_quoted(field.column) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return f"INSERT INTO {_table(model)} ({columns}) VALUES {', '.join([row] * rows)} RETURNING {_key(model)}"


@cache
def _update(model: type[Model], fields: tuple[Column, ...], more: str = "") -> str:
    changes = ", ".join([f"{_quoted(field.column)} = %s" for field in fields] + [more] * bool(more))
    return f"UPDATE {_table(model)} SET {changes} WHERE {_key(model)} = %s"


@cache
def _insert_and_update(
    model: type[Model], rows: int, changed: type[Model], fields: tuple[Column, ...], newest: str
) -> str:
    """In the language of PostgreSQL."""
    more = f"{_quoted(newest)} = (SELECT max({_key(model)}) FROM inserted)" if newest else ""
    parts = f"inserted AS ({_insert(model, rows)}), updated AS ({_update(changed, fields, more)})"
    return f"WITH {parts} SELECT {_key(model)} FROM inserted"


@cache
def _fields(model: type[Model]) -> tuple[Column, ...]:
    return tuple(model._meta.concrete_fields)


@cache
def _of_columns(*models: type[Model]) -> list[Converter]:
    return converters([field.cached_col for model in models for field in _fields(model)])


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
