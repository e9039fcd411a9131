"""What requests write, composed once: new rows, on condition that what they use up is still there, and that their client is as it is remembered.

Django composes every INSERT anew, column by column, and asks for a key at which nobody looks. Two statements that belong together need a transaction,
which is two round trips more. Here both are one statement, which takes effect as a whole or not at all. Only PostgreSQL has an UPDATE inside an
INSERT: the others are sent two statements, in a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

from django_oauth_server.storage.transaction import atomic, database

M = TypeVar("M", bound=Model)

_PLAIN_VALUES: Final[frozenset[type]] = frozenset({str, int, bool, type(None)})
_PLAIN_FIELDS: Final = frozenset(
    {
        models.CharField,
        models.TextField,
        models.BooleanField,
        models.IntegerField,
        models.BigAutoField,
        models.AutoField,
    }
)
"""Their plain values are given to the database as they are. All others are prepared by Django, and those of a project's own fields."""
_TYPES_OF_POSTGRESQL: Final[frozenset[type]] = frozenset({datetime, UUID, type(None)})


@dataclass(frozen=True)
class Change(Generic[M]):
    """How a row is used up: `Change(Ticket, sets=("redeemed_at",), unless=("redeemed_at",))`. Of all who try at once, one does it."""

    model: type[M]
    sets: tuple[str, ...] = ()
    """The columns that are given a value."""
    unless: tuple[str, ...] = ()
    """The columns that have to be NULL before."""
    same: tuple[str, ...] = ()
    """The columns that have to be what they were when the row was read."""
    counts: str = ""
    """A column of integers that is one more with each change."""

    def of(self, row: M, *values: object) -> Spending:
        """The change of *row*, with a value for each column that is given one."""
        return Spending(self, (*values, row.pk, *(getattr(row, name) for name in self.same)))


@dataclass(frozen=True, slots=True)
class Spending:
    """A row that is used up by what is stored in its place."""

    change: Change[Any]
    values: tuple[object, ...]


class Unchanged(NamedTuple):
    """The condition that a row has the same values in these columns as when it was read."""

    row: Model
    columns: tuple[str, ...]


class Insertion(Generic[M]):
    """New rows of one model. They are not told their keys, and no signal is sent, as with `bulk_create`."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    def write(self, rows: Sequence[M], *, spending: Spending | None = None, provided: Unchanged | None = None) -> bool:
        """Store *rows*, and use up what they are bought with. False, and nothing is done, where that was used up, or *provided* does not hold."""
        connection = connections[database()]
        if spending is None:
            return _run(connection, *self._insert(connection, rows, provided))
        change, of_change = _change(connection, spending, provided)
        if not rows:
            return _run(connection, change, of_change)
        if connection.vendor == "postgresql":
            sql = _insert(connection.alias, self._model, len(rows), "FROM spent")
            values = [value for row in rows for value in _values(connection, row)]
            return _run(connection, f"WITH spent AS ({change} RETURNING 1) {sql}", [*of_change, *values])
        with atomic():
            return _run(connection, change, of_change) and _run(connection, *self._insert(connection, rows))

    def _insert(
        self, connection: BaseDatabaseWrapper, rows: Sequence[M], provided: Unchanged | None = None
    ) -> tuple[str, list[object]]:
        source, of_source = _source(connection, provided) if provided else ("", [])
        values = [value for row in rows for value in (*_values(connection, row), *of_source)]
        return _insert(connection.alias, self._model, len(rows), source), values


def _run(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> bool:
    """Whether a row was written."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.rowcount)


class _Column(NamedTuple):
    field: Field[Any, Any]
    attname: str
    plain: frozenset[type]
    """The types of values that the database is given as they are."""

    def prepared(self, value: object, connection: BaseDatabaseWrapper) -> object:
        return value if type(value) in self.plain else self.field.get_db_prep_save(value, connection)


@cache
def _columns(using: str, model: type[Model]) -> tuple[_Column, ...]:
    """All but the key, which the database makes."""
    return tuple(_column(using, one) for one in model._meta.concrete_fields if not one.primary_key)


@cache
def _column(using: str, field: Field[Any, Any]) -> _Column:
    kind = type(field.target_field if isinstance(field, models.ForeignKey) else field)
    plain = _PLAIN_VALUES if kind in _PLAIN_FIELDS else frozenset[type]()
    if kind in {models.DateTimeField, models.UUIDField} and connections[using].vendor == "postgresql":
        plain = _TYPES_OF_POSTGRESQL
    return _Column(field, field.attname, plain)


def _values(connection: BaseDatabaseWrapper, row: Model) -> Iterator[object]:
    held = vars(row)
    for field, attname, plain in _columns(connection.alias, type(row)):
        value = held[attname]
        yield value if type(value) in plain else field.get_db_prep_save(value, connection)


@cache
def _insert(using: str, model: type[Model], rows: int, source: str) -> str:
    """The INSERT of so many *rows*, where *source* has a row."""
    connection, columns = connections[using], _columns(using, model)
    into = f"INSERT INTO {_table(using, model)} ({', '.join(_name(using, one.field) for one in columns)})"
    if not source:
        return f"{into} VALUES " + ", ".join([f"({', '.join(['%s'] * len(columns))})"] * rows)
    selected = ", ".join(_typed(connection, one.field) for one in columns)
    return f"{into} " + " UNION ALL ".join([f"SELECT {selected} {source}"] * rows)


def _typed(connection: BaseDatabaseWrapper, field: Field[Any, Any]) -> str:
    """PostgreSQL has to be told the types of what is selected. Without their limits: it would cut off what is too long, where it had to refuse."""
    if connection.vendor != "postgresql":
        return "%s"
    kind = re.sub(r"\(.*?\)", "", str(field.db_type(connection)))
    return f"%s::{'bpchar' if kind == 'char' else kind}"  # `char` alone is one character


def _change(
    connection: BaseDatabaseWrapper, spending: Spending, provided: Unchanged | None
) -> tuple[str, list[object]]:
    sql, columns = _update(connection.alias, spending.change)
    values = [column.prepared(value, connection) for column, value in zip(columns, spending.values, strict=True)]
    if provided is None:
        return sql, values
    source, of_source = _source(connection, provided)
    return f"{sql} AND EXISTS (SELECT 1 {source})", [*values, *of_source]


@cache
def _update(using: str, change: Change[Any]) -> tuple[str, tuple[_Column, ...]]:
    """The UPDATE of one row, and the columns of its parameters."""
    model, key = change.model, change.model._meta.pk
    given, unset, same = (
        [_field(model, name) for name in names] for names in (change.sets, change.unless, change.same)
    )
    sets = [f"{_name(using, one)} = %s" for one in given]
    if change.counts:
        count = _name(using, _field(model, change.counts))
        sets.append(f"{count} = {count} + 1")
    still = [*(f"{_name(using, one)} = %s" for one in (key, *same)), *(f"{_name(using, one)} IS NULL" for one in unset)]
    sql = f"UPDATE {_table(using, model)} SET {', '.join(sets)} WHERE {' AND '.join(still)}"  # noqa: S608 - names of the model
    return sql, tuple(_column(using, one) for one in (*given, key, *same))


def _source(connection: BaseDatabaseWrapper, provided: Unchanged) -> tuple[str, list[object]]:
    sql, columns = _same_row(connection.alias, type(provided.row), provided.columns)
    return sql, [one.prepared(vars(provided.row)[one.attname], connection) for one in columns]


@cache
def _same_row(using: str, model: type[Model], names: tuple[str, ...]) -> tuple[str, tuple[_Column, ...]]:
    """The row of the condition, where it holds."""
    fields = [model._meta.pk, *(_field(model, name) for name in names)]
    same = " AND ".join(f"{_name(using, one)} = %s" for one in fields)
    return f"FROM {_table(using, model)} WHERE {same}", tuple(_column(using, one) for one in fields)


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    return cast("Field[Any, Any]", model._meta.get_field(name))


def _name(using: str, field: Field[Any, Any]) -> str:
    return connections[using].ops.quote_name(str(field.column))


def _table(using: str, model: type[Model]) -> str:
    return connections[using].ops.quote_name(model._meta.db_table)
