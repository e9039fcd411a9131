"""Text that people read, by which one app is told from another: nothing in it is unseen (Unicode Technical Report 36)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
    "\ufdd0-\ufdef\ufffc\U00013441\U00013442\U00016fe4\U0001d159"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
"""Those of Unicode's Default_Ignorable_Code_Point that no general category has together (fillers, variation selectors, tags, reserved ones); the
Braille pattern without dots, and others that are drawn blank; noncharacters."""
_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Controls, format characters (among them all that turn the direction of text), private use, surrogates, line and paragraph separators."""
_SPACES: Final = frozenset(" \u00a0\u202f\u3000")
"""Others of the category Zs are too narrow to be seen."""
_JOINERS: Final = frozenset("\u200c\u200d")
_EMOJI_STYLE: Final = "\ufe0f"
_VIRAMA: Final = 9
_MOST_MARKS: Final = 4
"""Combining marks on one letter. Living languages need three."""


def unseen(text: str) -> str:
    """The first character of *text* that nobody would see, or that hides others; empty where there is none."""
    marks = 0
    for position, char in enumerate(text):
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if marks > _MOST_MARKS or (_is_unseen(char) and not _has_a_place(text, position)):
            return char
    return ""


def readable(text: str) -> str:
    """*text* without what nobody would see: it may have been stored before there was a rule."""
    kept = text
    while char := unseen(kept):
        kept = kept.replace(char, "")
    return kept


def is_visible(text: str) -> bool:
    """Whether *text* has a letter, a digit, a punctuation mark or a symbol."""
    return any(unicodedata.category(char)[0] in "LNPS" and not _is_unseen(char) for char in text)


def _is_unseen(char: str) -> bool:
    category = unicodedata.category(char)
    return category in _CATEGORIES or (category == "Zs" and char not in _SPACES) or bool(_UNSEEN.match(char))


def _has_a_place(text: str, position: int) -> bool:
    """Whether the invisible character there belongs to how a language is written (RFC 5892 appendix A), or to an emoji."""
    char, before = text[position], text[position - 1 : position]
    after = text[position + 1 : position + 2]
    if not before:
        return False
    if char == _EMOJI_STYLE:
        return unicodedata.category(before) == "So"
    if char not in _JOINERS or not after:
        return False
    joins_emoji = before == _EMOJI_STYLE or unicodedata.category(before) in {"So", "Sk"}
    if char == "\u200d" and joins_emoji and unicodedata.category(after) == "So":
        return True
    joins_arabic = char == "\u200c" and unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    return unicodedata.combining(before) == _VIRAMA or joins_arabic
