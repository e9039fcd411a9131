"""The query of a GET, or the form of a POST (RFC 6749 section 3.1)."""

from __future__ import annotations

from django.http import HttpRequest

from django_oauth_server.protocol.parameters import Parameters


def parameters(http: HttpRequest) -> Parameters:
    """Raises `InvalidRequest` for what is malformed."""
    raw = http.META.get("QUERY_STRING", "") if http.method in {"GET", "HEAD"} else http.body
    return Parameters.parse(raw.encode("latin-1", "replace") if isinstance(raw, str) else raw)
