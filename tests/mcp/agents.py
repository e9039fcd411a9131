"""Editors and agents as they present themselves: what they register (RFC 7591), what their documents say (client ID metadata documents), and where
they have codes sent. `seen` says when that was so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CLIENTS = Path(__file__).resolve().parent / "clients"


@dataclass(frozen=True)
class Agent:
    """One of them."""

    name: str
    seen: str
    sends: tuple[str, ...]
    """The redirect URIs of its authorization requests, whichever way it was made known."""
    registration: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


def _read(path: Path) -> Agent:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Agent(**said | {"sends": tuple(said["sends"])})


AGENTS: Iterable[Agent] = [_read(path) for path in sorted(_CLIENTS.glob("*.json"))]
REGISTERING = [one for one in AGENTS if one.registration]
DESCRIBED = [one for one in AGENTS if one.document]
