"""A question that every request asks, compiled once.

To find a row by a unique column, Django spends several times longer on writing the SQL, column by column and join by join, and on finding out
how rows become models, than on all else, the database included. Both are the same each time; only parameters and rows are new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from types import MethodType
from typing import Any, Generic, Self, TypeAlias, TypeVar

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
_Convert: TypeAlias = Callable[[Any, BaseDatabaseWrapper], Any]


class Question(Generic[M]):
    """At most one row, found by strings: `Question(Token, lambda digest: Token.objects.filter(digest=digest))`. What is no string says of which
    field it is a value: `filter(user=ValueOf(user, get_user_model()._meta.pk))`.

    Django compiles it on first use, once for each database. All else is as ever: routing, connections, conversions, `from_db`.
    """

    def __init__(self, model: type[M], ask: Callable[..., QuerySet[M]]) -> None:
        self._model = model
        self._ask = ask
        self._blanks = tuple(map(_Blank, signature(ask).parameters))
        self._statements: dict[str, _Statement] = {}

    def answer(self, *given: object) -> M | None:
        """The row, for parameters in the order in which the question names them."""
        using = router.db_for_read(self._model)
        connection, statement = connections[using], self._statements.get(using) or self._compiled(using)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.filled(dict(zip(self._blanks, given, strict=True)), connection))
            row = cursor.fetchone()
        found: M | None = statement.read(row, connection) if row else None
        return found

    def _compiled(self, using: str) -> _Statement:
        self._statements[using] = made = _Statement.of(self._ask(*self._blanks).query.get_compiler(using))
        return made


class ValueOf(Value):
    """A parameter that the database is given as a field (`output_field`) has its values."""

    def resolve_expression(self, *args: Any, **options: Any) -> Self:
        return self

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def filled(self, given: Mapping[str, object], connection: BaseDatabaseWrapper) -> object:
        return self.output_field.get_db_prep_value(given[self.value], connection)


class _Blank(str):
    """Stands where a parameter will."""

    __slots__ = ()

    def filled(self, given: Mapping[str, object], connection: BaseDatabaseWrapper) -> object:
        return given[self]


@dataclass(frozen=True, slots=True)
class _Statement:
    """What Django has compiled. It holds no connection, which is one thread's."""

    sql: str
    params: tuple[Any, ...]
    conversions: tuple[tuple[int, _Convert], ...]
    """By the column's place."""
    rows: _Rows

    @classmethod
    def of(cls, compiler: SQLCompiler) -> Self:
        sql, params = compiler.as_sql()
        columns = [column for column, *_ in compiler.select]
        conversions = tuple(
            (place, _conversion(converter, expression, compiler.connection))
            for place, (converters, expression) in compiler.get_converters(columns).items()
            for converter in converters
        )
        return cls(sql, tuple(params), conversions, _Rows.of(compiler.klass_info, columns))

    def filled(self, given: Mapping[str, object], connection: BaseDatabaseWrapper) -> list[Any]:
        """The parameters, with those that were *given*."""
        return [one.filled(given, connection) if isinstance(one, (_Blank, ValueOf)) else one for one in self.params]

    def read(self, row: Sequence[Any], connection: BaseDatabaseWrapper) -> Any:
        """The model that *row* is, with those that it was joined with."""
        values = [*row]
        for place, convert in self.conversions:
            values[place] = convert(values[place], connection)
        return self.rows.made(values, connection.alias)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which columns are which model's, as `select_related` joined them."""

    model: type[Model]
    names: list[str]
    columns: slice
    key: int
    """The place of the primary key, which is NULL where nothing was joined."""
    related: tuple[tuple[_Rows, Callable[[Any, Any], None], Callable[[Any, Any], None]], ...]
    """Each with who tells the one of the other, and the other of the one."""

    @classmethod
    def of(cls, joined: Any, columns: Sequence[Any]) -> Self:
        """*joined*: as Django's compilers describe it."""
        model, places = joined["model"], joined["select_fields"]
        own = slice(places[0], places[-1] + 1)
        names = [column.target.attname for column in columns[own]]
        related = tuple(
            (cls.of(one, columns), one["local_setter"], one["remote_setter"])
            for one in joined.get("related_klass_infos", ())
        )
        return cls(model, names, own, places[0] + names.index(model._meta.pk.attname), related)

    def made(self, values: Sequence[Any], using: str) -> Any:
        if values[self.key] is None:
            return None
        one = self.model.from_db(using, self.names, values[self.columns])
        for rows, tell, tell_other in self.related:
            other = rows.made(values, using)
            tell(one, other)
            if other is not None:
                tell_other(other, one)
        return one


def _conversion(converter: Callable[..., Any], expression: Any, compiled_by: BaseDatabaseWrapper) -> _Convert:
    """*converter*; one that belongs to the connection of a thread belongs to the asking thread's."""
    if isinstance(converter, MethodType) and converter.__self__ is compiled_by.ops:
        convert = converter.__func__
        return lambda value, connection: convert(connection.ops, value, expression, connection)
    return lambda value, connection: converter(value, expression, connection)
