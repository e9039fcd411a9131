"""Protection of servers of the Model Context Protocol: of the endpoint, and of single tools, prompts and resources."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from itertools import islice
from typing import Any, Final, TypeAlias, Unpack
from urllib.parse import unquote

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError

from django_oauth_server.protocol.errors import InvalidRequest
from django_oauth_server.protocol.json_object import members
from django_oauth_server.protocol.log import get_log
from django_oauth_server.resource.admission import aidentify, by_token, enough, identify
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.django import ViewFunction, by_token_alone, refused
from django_oauth_server.resource.mcp_sessions import hand_out, take_up
from django_oauth_server.resource.occasionally import OccasionallyEach
from django_oauth_server.resource.people import attach
from django_oauth_server.resource.requirement import Demands, Requirement, requires
from django_oauth_server.resource.token import VerifiedToken

Table: TypeAlias = Mapping[str, str | Requirement]
"""What each of the named needs beyond what the endpoint requires. A name that ends with `*` stands for all that begin so."""

ANY: Final = requires()
"""Nothing beyond what the endpoint requires."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
"""Of JSON-RPC 2.0 section 5.1."""

NOT_JSON: Final = "The request's body is not JSON, or names a member twice."
NO_MESSAGE: Final = "The request's body is not a JSON-RPC message."
TOO_LARGE: Final = "The request's body is too large."
NO_SESSION: Final = "There is no such session. Begin a new one."
NOT_OFFERED: Final = "This server does not offer it."
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

_UNNAMED: Final = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "logging/setLevel",
        "notifications/cancelled",
        "notifications/initialized",
        "notifications/progress",
        "notifications/roots/list_changed",
        "notifications/tasks/status",
    }
)
"""What clients send without naming a tool, prompt or resource, in all versions of the protocol up to 2026-07-28, but methods for tasks (`tasks/get`,
2025-11-25): what such a method asks of belongs to a tool that it does not name, so it has to be in the table of methods."""
_EMPTY_SEGMENTS: Final = re.compile(r"(?<=[^:/]/)/+|(?<=:///)/+")
"""Slashes that repeat the one before them; an authority begins with two, and behind an empty one the path with a third."""
_MOST: Final = 1000
"""Operations that are judged in one request: the event loop waits meanwhile."""

logger = get_log("django_oauth_server.resource")
_may_warn: Final = OccasionallyEach(timedelta(minutes=1))


class NotJudged(Exception):
    """What is asked, or in which session, is nothing that can be judged. Nothing is served: the status and the JSON-RPC error say so."""

    def __init__(self, status: int, code: int, description: str, message_id: object = None) -> None:
        super().__init__(description)
        self.status = status
        self.error = {
            "jsonrpc": "2.0",
            "id": message_id if isinstance(message_id, (str, int)) else None,
            "error": {"code": code, "message": description},
        }


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
class Operation:
    """What a message asks for: the method, and of which kind and name."""

    method: str
    kind: str = ""
    name: str = ""
    message_id: object = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an MCP endpoint requires, and its operations besides."""

    requirement: Requirement
    tables: Mapping[str, Mapping[str, Requirement]]

    def required(self, request: HttpRequest) -> Requirement:
        """All that *request* needs, so that a client has to ask the person once. Raises `NotJudged`."""
        if not self.tables or request.method in _BODILESS:
            return self.requirement
        operations = list(islice(_operations(_messages(request)), _MOST + 1))
        if len(operations) > _MOST:
            raise NotJudged(413, INVALID_REQUEST, TOO_LARGE)
        needed = dict.fromkeys(self._needed(one) for one in operations)
        return requires(self.requirement, *(one for one in needed if one != ANY))

    def _needed(self, operation: Operation) -> Requirement:
        """What *operation* needs beyond what the endpoint requires."""
        methods = self.tables.get("methods", {})
        is_known = operation.method in _UNNAMED or operation.method in _NAMED
        by_method = methods.get(operation.method, ANY if is_known else None)
        by_name = self._by_name(operation)
        if by_method is None or by_name is None:
            level = logging.WARNING if _may_warn(str(operation)) else logging.INFO
            logger.log(level, "an MCP operation is not served, as no requirement is declared for it: %s", operation)
            code = INVALID_PARAMS if is_known else METHOD_NOT_FOUND
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


# -- what is asked ------------------------------------------------------------------------------------------------------


def _messages(request: HttpRequest) -> Sequence[Any]:
    """The messages of the body, one or a batch, as no two parsers can read them differently. Raises `NotJudged`."""
    try:
        said = json.loads(request.body.decode(), object_pairs_hook=members, parse_constant=_no_constant)
    except RequestDataTooBig as exc:
        raise NotJudged(413, INVALID_REQUEST, TOO_LARGE) from exc
    except (InvalidRequest, ValueError, RecursionError, UnreadablePostError, RawPostDataException) as exc:
        raise NotJudged(400, PARSE_ERROR, NOT_JSON) from exc
    messages = said if isinstance(said, list) else [said]
    if not messages:
        raise NotJudged(400, INVALID_REQUEST, NO_MESSAGE)
    return messages


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _operations(messages: Sequence[Any]) -> Iterator[Operation]:
    for message in messages:
        if not isinstance(message, dict):
            raise NotJudged(400, INVALID_REQUEST, NO_MESSAGE)
        if "method" in message:
            yield from _asked(message)
        elif not message.keys() & {"result", "error"}:  # the client's answer to what the server asked
            raise NotJudged(400, INVALID_REQUEST, NO_MESSAGE, message.get("id"))


def _asked(message: Mapping[str, Any]) -> Iterator[Operation]:
    """What *message* asks for; several at once where it subscribes to several."""
    method, message_id = message["method"], message.get("id")
    if not isinstance(method, str):
        raise NotJudged(400, INVALID_REQUEST, NO_MESSAGE, message_id)
    try:
        named = list(_NAMED[method](message["params"])) if method in _NAMED else []
        if not all(isinstance(name, str) for _, name in named):
            raise TypeError("a name is a string")
    except (KeyError, TypeError, AttributeError) as exc:
        raise NotJudged(400, INVALID_PARAMS, NO_MESSAGE, message_id) from exc
    for kind, name in named or [("", "")]:
        yield Operation(method, kind, name, message_id)


def _uri(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "resources", params["uri"]


def _completed(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The prompt or the resource template of which an argument is completed."""
    reference = params["ref"]
    yield ("prompts", reference["name"]) if reference["type"] == "ref/prompt" else ("resources", reference["uri"])


def _listened(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The resources of whose changes the client wants to hear; none is a method that names nothing.

    However the member is spelt: the Python SDK takes it by its own name for it as well, `resource_subscriptions`.
    """
    for member, uris in params["notifications"].items():
        if member.replace("_", "").lower() == "resourcesubscriptions":
            yield from (("resources", uri) for uri in uris or ())


_NAMED: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]]] = {
    "tools/call": lambda params: iter([("tools", params["name"])]),
    "prompts/get": lambda params: iter([("prompts", params["name"])]),
    "resources/read": _uri,
    "resources/subscribe": _uri,
    "resources/unsubscribe": _uri,
    "completion/complete": _completed,
    "subscriptions/listen": _listened,
}
"""Methods that name what they are for, each with how to find its kind and name in the parameters."""


# -- the view -----------------------------------------------------------------------------------------------------------


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
