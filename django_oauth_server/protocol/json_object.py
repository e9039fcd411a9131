"""A JSON object as the body of a request, read strictly (RFC 8259; RFC 7493 asks for no less)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Final

from django_oauth_server.protocol.errors import ContentTooLarge, InvalidRequest
from django_oauth_server.protocol.parameters import MAX_LENGTH

_DEEPEST: Final = 20


def parse_object(raw: bytes) -> dict[str, object]:
    """The object that *raw* is.

    Raises `InvalidRequest` for what is none, a name that is said twice, a text that no database keeps, or more than `MAX_LENGTH` bytes.
    """
    if len(raw) > MAX_LENGTH:
        raise ContentTooLarge(f"The request's body is longer than {MAX_LENGTH} bytes.")
    try:
        document = json.loads(raw.decode(), object_pairs_hook=members)
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest("The request's body is not JSON.") from exc
    if not isinstance(document, dict):
        raise InvalidRequest("The request's body is not a JSON object.")
    for value, depth in _parts(document):
        if depth > _DEEPEST:
            raise InvalidRequest("The request's body is nested too deeply.")
        _check(value)
    return document


def texts(document: object) -> Iterator[str]:
    """Every text in *document*, names of members among them, however deep it is."""
    return (value for value, _ in _parts(document) if isinstance(value, str))


def is_storable(text: str) -> bool:
    """Whether every database takes *text*: JSON can say NUL, and half a character."""
    return "\0" not in text and _is_unicode(text)


def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Those of an object, for `json.loads`. Raises `InvalidRequest` where two have one name: parsers disagree on which of them counts."""
    named = dict(pairs)
    if len(named) < len(pairs):
        raise InvalidRequest("The request's body has a member twice.")
    return named


def _parts(document: object) -> Iterator[tuple[object, int]]:
    """*document*, with every name and value in it in their order, and how deep each is: a name as its object."""
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        names = value if isinstance(value, dict) else ()
        values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += reversed([*((name, depth) for name in names), *((one, depth + 1) for one in values)])


def _check(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest("The request's body has a number that is not valid JSON.")
    if isinstance(value, str) and not is_storable(value):
        raise InvalidRequest("The request's body has a NUL character or an unpaired surrogate.")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
