"""What functions of other people hold, read so that none of them can stop who reads."""

from __future__ import annotations

from contextlib import suppress
from types import CodeType
from typing import Any


def attribute(thing: Any, name: str) -> Any:
    """The attribute *name*; None where there is none, and where looking at it raises."""
    try:
        return getattr(thing, name, None)
    except Exception:  # whatever the project's code raises
        return None


def held(function: Any) -> dict[str, Any]:
    """What *function* holds from where it was made, by name. A variable that was deleted since is left out."""
    code, cells = attribute(function, "__code__"), attribute(function, "__closure__")
    found: dict[str, Any] = {}
    if isinstance(code, CodeType) and isinstance(cells, tuple):
        for name, cell in zip(code.co_freevars, cells, strict=False):
            with suppress(ValueError):
                found[name] = cell.cell_contents
    return found


def made_in(function: Any) -> str:
    """The file of *function*'s code. Decorators copy names and attributes, but not this."""
    code = attribute(function, "__code__")
    return code.co_filename if isinstance(code, CodeType) else ""
