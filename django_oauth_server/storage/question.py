"""A question that every request asks, compiled once.

To find a row by a unique column, Django spends several times longer on writing the SQL, column by column and join by join, than on all else,
the database included. The statement is the same each time; only its parameters are new.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from inspect import signature
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)


class Question(Generic[M]):
    """At most one row, found by strings: `Question(Token, lambda digest: Token.objects.filter(digest=digest))`.

    Django compiles it on first use, once for each database. All else is as ever: routing, connections, conversions, `from_db`.
    """

    def __init__(self, model: type[M], ask: Callable[..., QuerySet[M]]) -> None:
        self._model = model
        self._ask = ask
        self._blanks = tuple(map(_Blank, signature(ask).parameters))
        self._statements: dict[str, _Statement] = {}

    def answer(self, *given: str) -> M | None:
        """The row, for parameters in the order in which the question names them."""
        asked = _Asked(self._model, self._statement, dict(zip(self._blanks, given, strict=True)))
        return next(iter(QuerySet(self._model, asked)), None)

    def _statement(self, using: str) -> _Statement:
        if using not in self._statements:
            compiler = self._ask(*self._blanks).query.get_compiler(using)
            self._statements[using] = _Statement(compiler, *compiler.as_sql())
            compiler.connection = None  # it is this thread's
        return self._statements[using]


class _Blank(str):
    """Stands where a parameter will."""

    __slots__ = ()


class _Statement(NamedTuple):
    """What Django has compiled: the SQL, and a compiler that knows which column is which field."""

    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]


class _Asked(Query):
    """A query that Django finds compiled when it comes to run it."""

    def __init__(self, model: type[Model], statement: Callable[[str], _Statement], given: dict[_Blank, str]) -> None:
        super().__init__(model)
        self._statement = statement
        self._given = given

    def get_compiler(self, using: str | None = None, connection: Any = None, elide_empty: bool = True) -> SQLCompiler:
        assert using is not None
        statement = self._statement(using)
        params = tuple(self._given[one] if isinstance(one, _Blank) else one for one in statement.params)
        compiler = copy(statement.compiler)
        compiler.connection = connections[using]
        compiler.as_sql = lambda *args, **kwargs: (statement.sql, params)  # type: ignore[method-assign]
        return compiler
