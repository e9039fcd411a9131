"""What a request to an MCP endpoint asks for: the operations of its JSON-RPC messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError

from django_oauth_server.protocol.errors import InvalidRequest
from django_oauth_server.protocol.json_object import members

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
"""Of JSON-RPC 2.0 section 5.1."""

NOT_JSON: Final = "The request's body is not JSON, or names a member twice."
NO_MESSAGE: Final = "The request's body is not a JSON-RPC message."
TOO_LARGE: Final = "The request's body is too large."

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
_MOST: Final = 1000
"""Operations that are judged in one request: the event loop waits meanwhile."""


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


@dataclass(frozen=True, slots=True)
class Operation:
    """What a message asks for: the method, and of which kind and name."""

    method: str
    kind: str = ""
    name: str = ""
    message_id: object = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.name}".rstrip()

    @property
    def is_known(self) -> bool:
        """Whether the protocol defines its method."""
        return self.method in _UNNAMED or self.method in _NAMED


def operations(request: HttpRequest) -> list[Operation]:
    """Those that *request* asks for. Raises `NotJudged`."""
    found = list(islice(_operations(_messages(request)), _MOST + 1))
    if len(found) > _MOST:
        raise NotJudged(413, INVALID_REQUEST, TOO_LARGE)
    return found


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
