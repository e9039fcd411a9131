"""Codes that people read on one device and type on another (RFC 8628 section 6.1)."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants, so that no code is a word; no digit, so that one keyboard will do. 20 letters in 8 places: 34.5 bits."""
LENGTH: Final = 8
_GROUP: Final = 4
_LONGEST_TYPED: Final = 64
_LOOK_ALIKES: Final = str.maketrans(
    # Digits and letters that no code has, then Cyrillic and Greek capitals, as keyboards of other languages type them.
    "0O1I25678U" + "ВСКМНРТХЅЈԌԚԜ" + "ΒΚΜΝΗΡΤΧΖ",
    "QQLLZSGTBV" + "BCKMHPTXSJGQW" + "BKMNHPTXZ",
)


def new_user_code() -> str:
    """A new code, without a hyphen."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def show_user_code(code: str) -> str:
    """In two groups, as people read it: `WDJB-MJHT`."""
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def read_user_code(typed: str) -> str:
    """The code that somebody *typed* in any case, with or without hyphens and spaces; what looks like a letter of it is that letter.

    Empty where it is none.
    """
    text = unicodedata.normalize("NFKC", typed[:_LONGEST_TYPED]).upper().translate(_LOOK_ALIKES)
    letters = "".join(filter(str.isalnum, text))
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else ""
