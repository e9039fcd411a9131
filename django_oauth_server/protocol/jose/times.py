"""When a JWT holds (RFC 7519 sections 4.1.4 to 4.1.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

SKEW: Final = timedelta(seconds=30)
"""How far the clock of whoever signs may be ahead. FAPI 2.0 Security Profile section 5.3.2.1 asks for 10 seconds at least, and 60 at most."""
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def why_untimely(claims: Mapping[str, object], now: float, longest: timedelta) -> Iterator[str]:
    """Why *claims* do not hold at *now*, seconds since the epoch. *longest*: how far `exp` may be ahead."""
    expires = claims.get("exp")
    if not is_time(expires) or expires <= now:
        yield "it has expired, or does not say when it will"
    elif expires > now + (longest + SKEW).total_seconds():
        yield "it lives for too long"
    for name in ("iat", "nbf"):
        if name in claims and not (is_time(begins := claims[name]) and begins <= now + SKEW.total_seconds()):
            yield f"{name} is yet to come"


def is_time(value: object) -> TypeGuard[float]:
    """Whether *value* is a NumericDate (RFC 7519 section 2), of this age."""
    return is_number(value) and 0 <= value < _LAST


def is_number(value: object) -> TypeGuard[float]:
    """Whether *value* is a number in JSON, where true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
