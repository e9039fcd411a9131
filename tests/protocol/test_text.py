"""What nobody would see in a text, and what only looks like it."""

from __future__ import annotations

import pytest

from django_oauth_server.protocol.text import readable, unseen

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200a\u200b\u200c\u200d\u200e\u202e\u2060\u2066"
    + "\u2800\u3164\ufe0f\ufeff\uffa0\ue000\U000e0041\U000e0100\ufdd0\uffff\U0010fffe\ufffc\U00013441\U00016fe4\U0001d159"
)


@pytest.mark.parametrize("char", UNSEEN)
def test_what_nobody_sees(char: str) -> None:
    assert unseen(f"Goo{char}gle") == char
    assert readable(f"{char}Goo{char}gle{char}") == "Google"


def test_letters_under_a_heap_of_marks() -> None:
    assert unseen("e" + "\u0301" * 5) == "\u0301"
    assert not unseen("e" + "\u0301" * 4)


@pytest.mark.parametrize(
    "text", ["Notebook", "Ça va\u202f?", "メモ\u3000帳", "نامه\u200cها", "👨\u200d👩\u200d👧 ❤\ufe0f", "שָׁלוֹם"]
)
def test_what_people_write(text: str) -> None:
    assert not unseen(text)
    assert readable(text) == text
