"""Scripts of other origins (CORS, as the Fetch standard has it), where no cookie is ever looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

_USUAL: Final = ("Authorization", "Content-Type")
_EXPOSED: Final = ("WWW-Authenticate", "Retry-After")
_ASKED: Final = "Access-Control-Request-Headers"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,64}")
_MOST: Final = 32


NONE: Final[frozenset[str]] = frozenset()


def preflight(request: HttpRequest, methods: str, read: frozenset[str] = NONE) -> HttpResponse:
    """The answer to OPTIONS: any origin may call by *methods*, with the headers that are *read* and whatever else it asks for (Fetch 3.2.3).

    Protocols that build on this one, and tracing, add headers of their own (`MCP-Protocol-Version`, `traceparent`). Allowing them gives nobody
    anything: whoever is no browser sends what they like. The names are told back one by one, as `*` would not be `Authorization`.
    """
    asked = [name.strip() for name in request.headers.get(_ASKED, "").split(",")]
    told = (*_USUAL, *sorted(read), *asked[:_MOST])
    names = {name.lower(): name for name in told if _HEADER_NAME.fullmatch(name)}
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = ", ".join(names.values())
    response["Access-Control-Max-Age"] = "3600"
    patch_vary_headers(response, [_ASKED])
    return response


@cache
def sharing(sent: frozenset[str] = NONE) -> Mapping[str, str]:
    """The headers that let scripts of any origin read a response, and in it those headers that are *sent* beside the usual."""
    exposed = ", ".join((*_EXPOSED, *sorted(sent)))
    return MappingProxyType({"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": exposed})


def shared(response: HttpResponse, sent: frozenset[str] = NONE) -> HttpResponse:
    """*response*, for scripts of any origin."""
    for name, value in sharing(sent).items():
        response[name] = value
    return response
