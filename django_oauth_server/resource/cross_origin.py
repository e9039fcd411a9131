"""Scripts of other origins (CORS, as the Fetch standard has it), where no cookie is ever looked at."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

_USUAL: Final = ("Authorization", "Content-Type")
_ASKED: Final = "Access-Control-Request-Headers"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,64}")
_MOST: Final = 32


def preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """The answer to OPTIONS: any origin may call by *methods*, with whatever headers it asks for (Fetch section 3.2.3).

    Protocols that build on this one, and tracing, add headers of their own (`MCP-Protocol-Version`, `traceparent`). Allowing them gives nobody
    anything: whoever is no browser sends what they like. The names are told back one by one, as `*` would not be `Authorization`.
    """
    asked = [name.strip() for name in request.headers.get(_ASKED, "").split(",")]
    names = {name.lower(): name for name in (*_USUAL, *asked[:_MOST]) if _HEADER_NAME.fullmatch(name)}
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = ", ".join(names.values())
    response["Access-Control-Max-Age"] = "3600"
    patch_vary_headers(response, [_ASKED])
    return shared(response)


def shared(response: HttpResponse) -> HttpResponse:
    """*response*, for scripts of any origin."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
    return response
