"""The parameters of a request, read strictly (RFC 6749 section 3.1 and appendix B)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload
from urllib.parse import unquote_to_bytes, urlencode

from django_oauth_server.protocol.errors import ContentTooLarge, InvalidRequest

MAX_LENGTH = 64 * 1024
"""Bytes of one request's parameters, far above what any client sends."""

T = TypeVar("T")

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Parameters(Mapping[str, str]):
    """What the client sent: one value a name. Empty means absent; a name sent twice is in `repeated` and has no value here."""

    __slots__ = ("_all", "_once", "repeated")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._all: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._all.setdefault(name, []).append(value)
        self._once = {name: values[0] for name, values in self._all.items() if len(values) == 1}
        self.repeated = frozenset(self._all.keys() - self._once.keys())

    @classmethod
    def parse(cls, raw: bytes) -> Parameters:
        """Read application/x-www-form-urlencoded *raw*.

        Raises `InvalidRequest` for a broken escape, a NUL, text that is not UTF-8, or more than `MAX_LENGTH` bytes.
        """
        if len(raw) > MAX_LENGTH:
            raise ContentTooLarge(f"The request's parameters are longer than {MAX_LENGTH} bytes.")
        pairs = []
        for part in raw.split(b"&"):
            name, _, value = part.partition(b"=")
            pairs.append((_text(name), _text(value)))
        return cls(pairs)

    def __getitem__(self, name: str) -> str:
        return self._once[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._once)

    def __len__(self) -> int:
        return len(self._once)

    def __contains__(self, name: object) -> bool:
        return name in self._once

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...
    def get(self, name: str, /, default: object = None) -> object:
        return self._once.get(name, default)

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a parameter that may be repeated (`resource`, RFC 8707 section 2)."""
        return tuple(self._all.get(name, ()))

    def only(self, names: frozenset[str]) -> Parameters:
        """Those in *names*; the rest is ignored, as RFC 6749 section 3.1 demands."""
        return Parameters([(name, value) for name, values in self._all.items() if name in names for value in values])

    def refuse_repeated(self, *, but: frozenset[str] = frozenset()) -> None:
        """RFC 6749 section 3.1: parameters MUST NOT be included more than once."""
        for name in sorted(self.repeated - but):
            raise InvalidRequest(f"The parameter {name} is repeated.")

    def require(self, name: str) -> str:
        """The value of *name*; raises `InvalidRequest` where it is absent or repeated."""
        value = self._once.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is {'repeated' if name in self.repeated else 'missing'}.")
        return value

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values as they were sent, repetitions included."""
        return [(name, value) for name, values in self._all.items() for value in values]

    def encode(self) -> str:
        """As a query string."""
        return urlencode(self.pairs())


def _text(raw: bytes) -> str:
    raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise InvalidRequest("A parameter has a broken percent escape.")
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise InvalidRequest("A parameter is not UTF-8.") from exc
    if "\0" in text:
        raise InvalidRequest("A parameter has a NUL character.")
    return text
