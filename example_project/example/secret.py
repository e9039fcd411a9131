"""Secrets for a project that was just started."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def secret_key(path: Path) -> str:
    """The one in the file *path*, which is made on first use and readable by its owner alone."""
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 600
            draft.write(secrets.token_urlsafe(64))
            draft.flush()
            with suppress(FileExistsError):  # another process was first: its key is the one
                os.link(draft.name, path)  # whole or not at all, so nobody reads half a key
    return path.read_text()
