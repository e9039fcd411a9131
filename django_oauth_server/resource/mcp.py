"""Protection of servers of the Model Context Protocol: of the endpoint, and of single tools, prompts and resources."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Final, TypeAlias, Unpack
from urllib.parse import unquote

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.admission import aidentify, by_token, enough, identify
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.django import ViewFunction, by_token_alone, refused
from django_oauth_server.resource.mcp_operations import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NotJudged,
    Operation,
    operations,
)
from django_oauth_server.resource.mcp_sessions import hand_out, take_up
from django_oauth_server.resource.occasionally import OccasionallyEach
from django_oauth_server.resource.people import attach
from django_oauth_server.resource.requirement import Demands, Requirement, requires
from django_oauth_server.resource.token import VerifiedToken

Table: TypeAlias = Mapping[str, str | Requirement]
"""What each of the named needs beyond what the endpoint requires. A name that ends with `*` stands for all that begin so."""

ANY: Final = requires()
"""Nothing beyond what the endpoint requires."""

NO_SESSION: Final = "There is no such session. Begin a new one."
NOT_OFFERED: Final = "This server does not offer it."
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_EMPTY_SEGMENTS: Final = re.compile(r"(?<=[^:/]/)/+|(?<=:///)/+")
"""Slashes that repeat the one before them; an authority begins with two, and behind an empty one the path with a third."""

logger = get_log("django_oauth_server.resource")
_may_warn: Final = OccasionallyEach(timedelta(minutes=1))


def protected_mcp(
    *demands: str | Requirement,
    tools: Table | None = None,
    prompts: Table | None = None,
    resources: Table | None = None,
    methods: Table | None = None,
    **further: Unpack[Demands],
) -> Callable[[ViewFunction], ViewFunction]:
    """Let only those reach an MCP endpoint who present a good token with all of *demands*, and with what the operation needs that they ask for.

    The arguments are those of `requires`, and tables of what needs more: `tools={"delete_note": "notes:write"}`. Of a kind that has a table,
    only what the table names is served. Where there is any table, a method that the protocol does not define is served only if *methods* names it.
    """
    said = {"tools": tools, "prompts": prompts, "resources": resources, "methods": methods}
    tables = {kind: _checked(kind, table) for kind, table in said.items() if table is not None}
    endpoint = Endpoint(requires(*demands, **further), tables)

    def protect(view: ViewFunction) -> ViewFunction:
        if isinstance(view, type) or not callable(view):
            raise TypeError(f"protected_mcp decorates a view function, such as asgi_view makes, not {view!r}.")
        protected = by_token_alone(_async(view, endpoint) if iscoroutinefunction(view) else _sync(view, endpoint))
        protected.requirement = endpoint.requirement  # type: ignore[attr-defined]
        return protected

    return protect


def _checked(kind: str, table: Table) -> Mapping[str, Requirement]:
    if not isinstance(table, Mapping):
        raise TypeError(
            f'{kind} is a dict from names to what each needs, such as {{"delete_note": "notes:write"}}, not {table!r}.'
        )
    return {name: requires(needed) for name, needed in table.items()}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an MCP endpoint requires, and its operations besides."""

    requirement: Requirement
    tables: Mapping[str, Mapping[str, Requirement]]

    def required(self, request: HttpRequest) -> Requirement:
        """All that *request* needs, so that a client has to ask the person once. Raises `NotJudged`."""
        if not self.tables or request.method in _BODILESS:
            return self.requirement
        needed = dict.fromkeys(self._needed(one) for one in operations(request))
        return requires(self.requirement, *(one for one in needed if one != ANY))

    def _needed(self, operation: Operation) -> Requirement:
        """What *operation* needs beyond what the endpoint requires."""
        methods = self.tables.get("methods", {})
        by_method = methods.get(operation.method, ANY if operation.is_known else None)
        by_name = self._by_name(operation)
        if by_method is None or by_name is None:
            level = logging.WARNING if _may_warn(str(operation)) else logging.INFO
            logger.log(level, "an MCP operation is not served, as no requirement is declared for it: %s", operation)
            code = INVALID_PARAMS if operation.is_known else METHOD_NOT_FOUND
            raise NotJudged(403, code, NOT_OFFERED, operation.message_id)
        return by_method if by_name == ANY else by_name if by_method == ANY else by_method & by_name

    def _by_name(self, operation: Operation) -> Requirement | None:
        """None where the table of its kind does not name it, or another reading of the name would mean another entry."""
        if operation.kind not in self.tables:
            return ANY
        table, name = self.tables[operation.kind], operation.name
        found = entry(table, name)
        is_same = all(found == entry(table, reading) for reading in _readings(name))
        return table[found] if found is not None and is_same and _is_plain(name) else None


def entry(table: Mapping[str, Requirement], name: str) -> str | None:
    """The entry of *table* that is for *name*: its own, or else the one with the longest beginning."""
    if name in table and not name.endswith("*"):
        return name
    beginnings = [one for one in table if one.endswith("*") and name.startswith(one[:-1])]
    return max(beginnings, key=len, default=None)


def _readings(name: str) -> tuple[str, ...]:
    """*name* as others may read it: decoded, with the slashes of URL parsers, and without empty segments, as file systems read a path."""
    decoded = unquote(name)
    path = decoded.replace("\\", "/")
    return decoded, path, _EMPTY_SEGMENTS.sub("", path)


def _is_plain(name: str) -> bool:
    """Whether nobody would read *name* as another: without dot segments and without what URL parsers leave out."""
    segments = unquote(name).replace("\\", "/").split("/")
    return name.isprintable() and not {".", ".."} & set(segments)


def _sync(view: ViewFunction, endpoint: Endpoint) -> ViewFunction:
    @wraps(view)
    def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        refusal = _admitted(request, identify(request), endpoint)
        return refusal or _answered(request, view(request, *args, **kwargs))

    return protected


def _async(view: ViewFunction, endpoint: Endpoint) -> ViewFunction:
    @wraps(view)
    async def protected(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        refusal = _admitted(request, await aidentify(request), endpoint)
        return refusal or _answered(request, await view(request, *args, **kwargs))

    return protected


def _admitted(request: HttpRequest, outcome: VerifiedToken | Challenge, endpoint: Endpoint) -> HttpResponseBase | None:
    """None where the view may be called. Nothing of a stranger is read: what they ask for is looked at once their token is known."""
    if isinstance(outcome, Challenge):
        return refused(request, endpoint.requirement.completed(outcome))
    try:
        answer = _judged(request, outcome, endpoint)
        if isinstance(answer, Challenge):
            return refused(request, answer)
        if not take_up(request, answer):
            raise NotJudged(404, INVALID_REQUEST, NO_SESSION)
    except NotJudged as exc:
        return by_token(request, JsonResponse(exc.error, status=exc.status))
    attach(request, answer)
    return None


def _judged(request: HttpRequest, token: VerifiedToken, endpoint: Endpoint) -> VerifiedToken | Challenge:
    """*token*, if it is enough. Nobody learns what the endpoint offers, or what is wrong with their message, whom it is not for."""
    try:
        return enough(request, token, endpoint.required(request))
    except NotJudged:
        answer = enough(request, token, endpoint.requirement)
        if isinstance(answer, Challenge):
            return answer
        raise


def _answered(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    hand_out(response, request.auth)  # type: ignore[attr-defined]
    return by_token(request, response)
