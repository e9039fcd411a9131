"""Folders that the users of databases may enter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's, which is closed to others."""
    with TemporaryDirectory(prefix="clusters-") as made:
        Path(made).chmod(0o755)
        yield Path(made)
