"""Many rows, a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

AT_ONCE: Final = 1000
"""Rows that one statement names."""

T = TypeVar("T")


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """*rows*, as many at once as one statement may name. A queryset is read once."""
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        yield some
