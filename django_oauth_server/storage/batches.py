"""Many rows, a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from django.db.models import QuerySet

AT_ONCE: Final = 1000
"""Rows that one statement names."""

T = TypeVar("T")


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """*rows*, as many at once as one statement may name. A queryset is read once."""
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def walk(rows: QuerySet[Any]) -> Iterator[Any]:
    """*rows* in the order of their keys, read as they are needed: however many there are, only some are in memory, and no cursor stays open."""
    rows, last = rows.order_by("pk"), None
    while some := list((rows if last is None else rows.filter(pk__gt=last))[:AT_ONCE]):
        yield from some
        last = some[-1].pk
