"""What components bring to the settings. The loader knows no component: the registry, which does, tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import AppRegistryNotReady


@dataclass(frozen=True, slots=True)
class Declared:
    """The names that components add to those of `IssuerSettings` and `Policy`."""

    groups: Mapping[str, type[Any]]
    """Their groups of settings, by name."""
    throttles: Mapping[str, str]
    """The defaults of their limits."""
    demands: frozenset[str]
    """What a policy may demand."""
    auth_methods: frozenset[str]
    """How clients may authenticate."""


Ask = Callable[[Iterable[str]], Declared]


def _too_early(components: Iterable[str]) -> Declared:
    raise AppRegistryNotReady("OAUTH_SERVER is read once the apps are loaded.")


_ask: Ask = _too_early


def told_by(ask: Ask) -> Ask:
    """Make *ask* what says what is declared: by all that the package brings, and by the components at the dotted paths that it is given."""
    global _ask
    _ask = ask
    return ask


def declared_by(components: Iterable[str]) -> Declared:
    return _ask(components)
