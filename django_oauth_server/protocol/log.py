"""The log: what strangers sent may be quoted in it, and does no harm there."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

_OURS: Final = re.compile(r"(oas_[a-z]{2}_)[\w\-]+", re.ASCII)
_JWT: Final = re.compile(
    r"(?<![\w\-])(?>([\w\-]*?)(?:ey[A-Z]|ew[A-Z0ko]))[\w\-]{8,}+(?:\.[\w\-]*){2,4}"
    r"|(?<![\w\-])(?>([\w\-]*?)(?:I[ACH]|C[QSXgin]|D[QSX]))[\w\-]{8,}+\.[\w\-]*\.[\w\-]{16,}(?:\.[\w\-]*){0,2}",
    re.ASCII,
)
"""Signed (RFC 7515) or encrypted (RFC 7516): the header is a JSON object, in base64url. What it may begin with, blanks and lines, names may begin
with as well, so that a signature has to follow. It is looked for once in each word, from the first place where it may begin: from each of them
a long word would take hours."""
_LONGEST_WORD: Final = 200
_MOST: Final = 1000
_RUN: Final = re.compile(rf"(\S{{{_LONGEST_WORD}}})\S+")


def redact(text: str) -> str:
    """*text*, which quotes what somebody sent, fit for the log.

    A secret that was sent in the wrong place is known by its prefix and left out, and so is a JWT; what is long is cut; nothing in it begins a
    line of its own.
    """
    shown = _RUN.sub(r"\1...", _JWT.sub(r"\1\2(a JWT)", _OURS.sub(r"\1...", text)))
    cut = shown if len(shown) <= _MOST else f"{shown[:_MOST]}..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


class Log(logging.LoggerAdapter[logging.Logger]):
    """A logger of this package. Whatever text a message is given is redacted here, so nobody who writes to it can forget to."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        if self.isEnabledFor(level):
            told = (arg if isinstance(arg, (int, float)) else redact(str(arg)) for arg in args)
            self.logger.log(level, msg, *told, **{"stacklevel": 2} | kwargs)


def get_log(name: str) -> Log:
    """The logger of this name."""
    return Log(logging.getLogger(name), {})
