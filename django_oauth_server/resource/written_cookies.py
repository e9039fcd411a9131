"""Cookies that an application has written itself, in a response of Django."""

from __future__ import annotations

from collections.abc import Container
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any, Final

_FLAGS: Final = frozenset({"secure", "httponly", "partitioned"})
"""Attributes without a value."""


def add_cookie(cookies: SimpleCookie, written: str) -> None:
    """Add the value of a Set-Cookie header to *cookies*. Of several of one name, such as for different paths, none replaces another.

    Raises CookieError for one that Django could not send as it was written. The error does not have the cookie's value.
    """
    cookie = WrittenCookie(written)
    cookies[written if cookie.key in cookies else cookie.key] = cookie


class WrittenCookie(Morsel[str]):
    """A cookie that keeps the attributes that `http.cookies` does not know: `Priority`, and before Python 3.14 `Partitioned`.

    Middlewares read and change the others as those of any cookie.
    """

    def __init__(self, written: str) -> None:
        super().__init__()
        pair, *attributes = (part.strip() for part in written.split(";"))
        name, value = pair.split("=", 1) if "=" in pair else ("", pair)
        if not (written.isascii() and written.isprintable()):
            raise CookieError(f"The cookie {name!r} has other characters than those of printable ASCII.")
        self.set(name, *SimpleCookie().value_decode(value))
        self._unknown = [one for one in attributes if one and not self._take(one)]

    def _take(self, attribute: str) -> bool:
        """Whether `http.cookies` knows *attribute*, and writes it as it is."""
        name, _, value = attribute.partition("=")
        is_known = self.isReservedKey(name) and (bool(value) or name.lower() in _FLAGS)
        if is_known:
            self[name] = value or True
        return is_known

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        """The value of the Set-Cookie header."""
        return "; ".join([super().OutputString(attrs), *self._unknown])

    def __reduce__(self) -> tuple[Any, ...]:
        """A cache stores responses with their cookies."""
        return WrittenCookie, (self.OutputString(),)
