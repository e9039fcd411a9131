"""The settings that follow from a source's, as they would be written in a settings file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from typing import Final

from django_oauth_server.conf import Policy

_UNITS: Final = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to write, and what to know of each setting that the project has."""

    server: Mapping[str, object]
    """`OAUTH_SERVER`."""
    notes: Mapping[str, str]
    """By the name of the source's setting: where it is now, or why it has no place."""

    def __str__(self) -> str:
        return "\n".join([*self._imports(), "", f"OAUTH_SERVER = {code(self.server)}", "", *self._remarks()])

    def _imports(self) -> Iterator[str]:
        written = code(self.server)
        if "timedelta(" in written:
            yield "from datetime import timedelta"
            yield ""
        if "Policy(" in written:
            yield "from django_oauth_server.conf import Policy"

    def _remarks(self) -> Iterator[str]:
        for name, note in self.notes.items():
            yield f"# {name}: {note}"


def code(value: object, indent: int = 0) -> str:
    """*value* as Python has it, one member a line."""
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Policy):
        changed = [one for one in fields(Policy) if getattr(value, one.name) != one.default or one.default is MISSING]
        return f"Policy({', '.join(f'{one.name}={code(getattr(value, one.name))}' for one in changed)})"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, tuple):
        return "(" + "".join(f"{code(one)}, " for one in value).removesuffix(" ") + ")" if value else "()"
    if isinstance(value, Mapping):
        inner = " " * (indent + 4)
        lines = [f"{inner}{code(str(name))}: {code(one, indent + 4)},\n" for name, one in value.items()]
        return "{\n" + "".join(lines) + " " * indent + "}" if lines else "{}"
    return repr(value)


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"timedelta({unit}={seconds // size})"
