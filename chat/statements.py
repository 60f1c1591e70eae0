"""The queries of the hot path, composed once a process.

Django's query builder takes about seven times as long to compose a statement as the driver takes to run it, and an
exchange is some forty of them. What comes in and goes out is the ORM's: rows of models, through their fields.
"""
# ruff: noqa: SLF001  (how a queryset iterates is said nowhere else)

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, update_wrapper
from inspect import signature
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.query import FlatValuesListIterable, ModelIterable, ValuesListIterable
from django.db.models.sql import UpdateQuery
from django.db.transaction import TransactionManagementError

#: The place of a column in a row, the column, and what makes Python of the database's value.
type Converter = tuple[int, Any, Callable[[Any, Any, Any], Any]]


class _Slot:
    """The place in a statement's parameters of the value that comes with each call."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Statement:
    """SQL with slots in its parameters."""

    def __init__(self, sql: str, params: Sequence[Any]) -> None:
        self.sql, self.params = sql, params

    def run(self, values: Sequence[Any], cursor: CursorWrapper) -> None:
        cursor.execute(self.sql, [values[it.number] if isinstance(it, _Slot) else it for it in self.params])


class _Query(_Statement):
    """A query, and what its own iteration would make of a row of columns."""

    def __init__(self, queryset: "QuerySet[Any, Any]") -> None:
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        super().__init__(*compiler.as_sql())
        columns = [column for column, _, _ in compiler.select]
        self.holds = queryset.query.select_for_update
        self.make = _maker(queryset, [column.target.attname for column in columns])
        self.converters = converters(columns)

    def rows(self, values: Sequence[Any]) -> list[Any]:
        database = connections[DEFAULT_DB_ALIAS]
        if self.holds:
            refuse_to_hold_outside(database)
        with database.cursor() as cursor:
            self.run(values, cursor)
            rows = cursor.fetchall()
        return [self.make(row) for row in converted(rows, self.converters, database)]


def composed[*Values, Row](
    build: "Callable[[*Values], QuerySet[Any, Row]]", *, count: int | None = None
) -> Callable[[*Values], list[Row]]:
    """Makes of a function that builds a queryset one that returns its rows, composed once a process.

    `build` is called once, with expressions for its arguments (`count` of them, if its signature does not say), so
    they may be compared with and nothing else. Each call takes values of the database's own types (numbers, text,
    true and false; no None). For querysets of models without `select_related`, `values_list` and flat ones.
    """

    @cache
    def query() -> _Query:
        return _Query(_with_slots(build, count))

    def rows(*values: *Values) -> list[Row]:
        return query().rows(values)

    return update_wrapper(rows, build)


def composed_in[*Values, Row](
    build: "Callable[[Sequence[int], *Values], QuerySet[Any, Row]]",
) -> Callable[[Collection[int], *Values], list[Row]]:
    """The same of a function whose first argument is some numbers, for an `__in`; no rows for no numbers."""

    @cache
    def query(length: int) -> _Query:
        slots = _slots(length + len(signature(build).parameters) - 1)
        made: Callable[..., QuerySet[Any, Row]] = build
        return _Query(made(slots[:length], *slots[length:]))

    def rows(numbers: Collection[int], *values: *Values) -> list[Row]:
        if not numbers:
            return []
        # To the next power of two, so that few statements serve every length.
        some = [*numbers]
        some += [some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))
        return query(len(some)).rows([*some, *values])

    return update_wrapper(rows, build)


def composed_update[*Values](
    build: "Callable[[*Values], tuple[QuerySet[Any, Any], Mapping[str, Any]]]",
) -> Callable[[*Values], int]:
    """The same of a function that says which rows are to be changed, and how; a call returns how many were."""

    @cache
    def statement() -> _Statement:
        queryset, changes = _with_slots(build)
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(changes)
        return _Statement(*query.get_compiler(DEFAULT_DB_ALIAS).as_sql())

    def change(*values: *Values) -> int:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            statement().run(values, cursor)
            return int(cursor.rowcount)

    return update_wrapper(change, build)


def _with_slots(build: Callable[..., Any], count: int | None = None) -> Any:
    return build(*_slots(len(signature(build).parameters) if count is None else count))


def _slots(count: int) -> list[RawSQL]:
    return [RawSQL("%s", [_Slot(number)]) for number in range(count)]


def refuse_to_hold_outside(database: BaseDatabaseWrapper) -> None:
    """TransactionManagementError outside a transaction: what is held there is held for nobody."""
    if not database.in_atomic_block:
        raise TransactionManagementError("rows are held in a transaction only")


def converters(columns: Sequence[Any]) -> list[Converter]:
    """What makes Python of the database's values in rows of these columns, for those that need it."""
    return [
        (place, column, convert)
        for place, column in enumerate(columns)
        for convert in connection.ops.get_db_converters(column) + column.get_db_converters(connection)
    ]


def converted(
    rows: Iterable[Sequence[Any]], needed: list[Converter], database: BaseDatabaseWrapper
) -> Iterable[Sequence[Any]]:
    """Rows as fetched, with the `needed` converters applied in their order."""
    if not needed:
        return rows
    found = [list(row) for row in rows]
    for place, column, convert in needed:
        for values in found:
            values[place] = convert(values[place], column, database)
    return found


def _maker(queryset: "QuerySet[Any, Any]", names: list[str]) -> Callable[[Sequence[Any]], Any]:
    made = queryset._iterable_class
    if made is FlatValuesListIterable:
        return lambda row: row[0]
    if made is ValuesListIterable:
        return tuple
    if made is not ModelIterable or queryset.query.select_related:
        raise TypeError(f"{made.__name__} cannot be composed")
    return lambda row: queryset.model.from_db(DEFAULT_DB_ALIAS, names, row)
