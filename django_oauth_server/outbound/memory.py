"""What a process remembers of the addresses that others named, until the settings change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from weakref import WeakSet

from django.core.signals import setting_changed

from django_oauth_server.conf.loader import SETTING
from django_oauth_server.resource.verifiers.flights import PerProcess

T = TypeVar("T")

_all: Final[WeakSet[PerProcess[Any]]] = WeakSet()


def remembered(make: Callable[[], T]) -> PerProcess[T]:
    """What each process makes for itself when it first needs it, and anew once the settings have changed."""
    one = PerProcess(make)
    _all.add(one)
    return one


def forget() -> None:
    """Ask every address anew, as a process that has just begun: forget what each said, who was silent, what it cost, and who asked how often."""
    for one in _all:
        one.begin_anew()


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        forget()


setting_changed.connect(_forget)
