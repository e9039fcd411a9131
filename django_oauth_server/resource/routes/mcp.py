"""What the operations of MCP endpoints require."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django_oauth_server.resource.closures import held
from django_oauth_server.resource.mcp import Endpoint
from django_oauth_server.resource.requirement import Requirement, Scopes
from django_oauth_server.resource.routes.django import MECHANISM, chain, token_guard
from django_oauth_server.resource.routes.protection import Protection

_CALLED_BY: Final = {"tools": "tools/call ", "prompts": "prompts/get ", "resources": "resources/read ", "methods": ""}


def endpoint_of(view: Any) -> Endpoint | None:
    """What `protected_mcp` was told of *view*; None where it is no MCP endpoint."""
    holds = (held(link).get("endpoint") for link in chain(view))
    return next((one for one in holds if isinstance(one, Endpoint)), None)


def operations(view: Any) -> Iterator[Protection]:
    """What each operation that the tables of *view* name needs beyond the endpoint."""
    endpoint = endpoint_of(view)
    if endpoint is None:
        return
    for kind, table in endpoint.tables.items():
        for name, needed in table.items():
            one = Protection(methods=("POST",), operation=f"{_CALLED_BY[kind]}{name}")
            yield one.guarded([token_guard(needed)], MECHANISM) if _is_more(needed, endpoint.requirement) else one


def _is_more(needed: Requirement, before: Requirement) -> bool:
    """Whether *needed* asks for anything that *before* does not say."""
    return not (isinstance(needed, Scopes) and needed.needed <= before.scopes)
