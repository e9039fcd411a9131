"""What an endpoint answers, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """Says: the status, what the body is, and which headers go with it.

    *members* are told as a JSON object. A *body* is sent as it is, with its *media_type*. With neither, the answer has no body.
    An answer is not stored by caches (RFC 6749 section 5.1), unless its *headers* have a `Cache-Control` of their own.
    """

    members: Mapping[str, object] | None = None
    status: int = 200
    body: bytes | str | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_ordinary: bool = False
    """Whether it tells an error that clients meet where nothing is wrong, which is no bad request that operators look for."""
