"""Scope, as RFC 6749 section 3.3 writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django_oauth_server.protocol.errors import InvalidScope

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: +[\x21\x23-\x5B\x5D-\x7E]+)*")


def parse_scope(value: str) -> tuple[str, ...]:
    """The scope tokens of *value*, each once, in order. Raises `InvalidScope` for a character that is not allowed."""
    if not value.strip(" "):
        return ()
    if not _SCOPE.fullmatch(value.strip(" ")):
        raise InvalidScope("The scope has a character that RFC 6749 section 3.3 does not allow.")
    return tuple(dict.fromkeys(value.split()))


def requests_openid(value: str) -> bool:
    """Whether the parameter `scope` makes a request an OpenID request (OpenID Connect Core section 3.1.2.1), whatever else it has."""
    return "openid" in value.split(" ")


def format_scope(scopes: Iterable[str]) -> str:
    """Scope tokens as one string, sorted, so that equal sets read equal."""
    return " ".join(sorted(scopes))
