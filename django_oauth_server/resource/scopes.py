"""Which scopes a client is asked for, and which covers which, where the deployment says more than the names do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django_oauth_server.resource.conf import load, scope_rule

NOT_FOR_RESOURCES: Final = frozenset({"offline_access"})
"""Scopes that are between a client and the authorization server (OpenID Connect Core section 11): no resource asks for them."""


def covered(needed: Collection[str], held: Collection[str]) -> bool:
    """Whether each scope of *needed* is among *held*, or covered by one of them (the setting `scope_covers`)."""
    missing = set(needed).difference(held)
    return not missing or (bool(load().scope_covers) and all(_is_covered(scope, held) for scope in missing))


def fewest(scopes: Collection[str]) -> frozenset[str]:
    """*scopes* without those that another one covers: what a client has to ask for. Of two that cover each other the first by name stays."""
    if not load().scope_covers:
        return frozenset(scopes)
    asked: list[str] = sorted(scopes)
    for scope in sorted(scopes, reverse=True):
        others = [other for other in asked if other != scope]
        asked = others if _is_covered(scope, others) else asked
    return frozenset(asked)


def _is_covered(scope: str, held: Collection[str]) -> bool:
    covers = scope_rule()
    return any(covers(one, scope) for one in held)
