"""How often is too often. Imports no Django, so that a settings.py may import it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE: Final = re.compile(r"(\d{1,9})/(s|m|h|d|sec|min|hour|day)")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    count: int
    seconds: int


@lru_cache
def parse_rate(text: str) -> Rate:
    """`20/m` is twenty a minute, as REST framework writes it. Raises ValueError with the rule."""
    found = _RATE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no rate: a number, a slash, and s, m, h or d")
    return Rate(int(found[1]), _SECONDS[found[2][0]])
