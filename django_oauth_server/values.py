"""Frozen dataclasses from what people write in a settings.py: names that exist, values of the kind that is annotated."""

from __future__ import annotations

from collections import abc
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from os import PathLike, fspath
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)

_WORDS: Final[Mapping[object, str]] = {
    bool: "True or False",
    int: "a number, not negative",
    float: "a number, not negative",
    timedelta: "a timedelta, not negative, and a century at most",
    str: "a string",
    NoneType: "None",
    abc.Mapping: "a dict",
}
_CENTURY: Final = timedelta(days=36525)
"""What is later than that may be beyond what a date can say: `timedelta.max` would fail at each request."""


def check_names(complaint: str, declared: Iterable[object], known: Collection[str]) -> None:
    """Raise ImproperlyConfigured for the first of *declared* that is not among *known*: *complaint*, it, and what may be meant."""
    for name in declared:
        if name not in known:
            spelt = {one.lower(): one for one in known}
            close = get_close_matches(str(name).lower(), spelt, n=1)
            raise ImproperlyConfigured(
                f"{complaint} {name!r}." + (f" Did you mean {spelt[close[0]]!r}?" if close else "")
            )


def make(where: str, kind: type[T], declared: Mapping[str, object]) -> T:
    """The *kind* that *declared* describes. Its own rules are in its `__post_init__`, which raises ValueError."""
    if not isinstance(declared, Mapping):
        raise ImproperlyConfigured(f"{where} must be a dict or a {kind.__name__}, not {type(declared).__name__}.")
    check_names(f"{where} has no", declared, [field.name for field in fields(kind)])
    values = _read(where, kind, declared)
    try:
        return kind(**values)
    except ValueError as exc:
        raise ImproperlyConfigured(f"{where}: {exc}") from exc


def checked(where: str, one: T) -> T:
    """*one* as it would be if it had been written as a dict: each value of its kind, lists as tuples."""
    values = _read(where, type(one), {field.name: getattr(one, field.name) for field in fields(one)})
    return replace(one, **values)


def settle(one: DataclassInstance) -> None:
    """Give each field of *one*, a frozen value that a settings.py writes, the kind that is annotated: called by its `__post_init__`.

    Raises ImproperlyConfigured where that cannot be, for the line that wrote it.
    """
    said = {field.name: getattr(one, field.name) for field in fields(one) if field.init}
    for name, value in _read(type(one).__name__, type(one), said).items():
        object.__setattr__(one, name, value)


def _read(where: str, kind: type[DataclassInstance], declared: Mapping[str, object]) -> dict[str, object]:
    read = {}
    for name, value in declared.items():
        try:
            read[name] = as_annotated(_annotations(kind)[name], value)
        except ValueError as exc:
            raise ImproperlyConfigured(f"{where}: {name} must be {exc}.") from exc  # the value may be a secret
    return read


_annotations = cache(get_type_hints)


def as_annotated(annotation: object, value: object) -> object:
    """*value*, lists as the tuples or sets that are annotated. Raises ValueError with what would pass."""
    origin, arms = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _as_one_of(arms, value)
    if annotation is str and isinstance(value, PathLike):
        return fspath(value)
    if origin is Literal:
        return _passed(value, value in arms, "one of " + ", ".join(map(str, arms)))
    if origin in {tuple, frozenset}:
        _passed(value, isinstance(value, (list, tuple, set, frozenset)), "a list or tuple")
        return origin(as_annotated(arms[0], one) for one in value)  # type: ignore[attr-defined]
    if origin is abc.Mapping and isinstance(value, Mapping):
        return _as_mapping(arms, value)
    expected = origin or annotation
    return _passed(value, _is_a(expected, value), _WORDS.get(expected, f"a {getattr(expected, '__name__', expected)}"))


def _as_one_of(arms: tuple[object, ...], value: object) -> object:
    wanted = []
    for arm in arms:
        try:
            return as_annotated(arm, value)
        except ValueError as exc:
            wanted.append(str(exc))
    raise ValueError(" or ".join(wanted))


def _as_mapping(arms: tuple[object, ...], value: Mapping[object, object]) -> Mapping[object, object]:
    for name, one in value.items():
        for said, arm, part in (("each name", arms[0], name), (repr(name), arms[1], one)):
            try:
                as_annotated(arm, part)
            except ValueError as exc:
                raise ValueError(f"a dict, in which {said} is {exc}") from exc
    return value


def _is_a(kind: object, value: object) -> bool:
    if kind is str:
        return isinstance(value, (str, Promise))
    if kind in {int, float}:
        return isinstance(value, (int, kind)) and not isinstance(value, bool) and value >= 0
    if kind is timedelta:
        return isinstance(value, timedelta) and timedelta() <= value <= _CENTURY
    return not isinstance(kind, type) or isinstance(value, kind)


def _passed(value: object, passes: bool, wanted: str) -> object:
    if not passes:
        raise ValueError(wanted)
    return value
