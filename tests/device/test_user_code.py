"""Codes that people read and type (RFC 8628 section 6.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.protocol.user_code import ALPHABET, LENGTH, new_user_code, read_user_code, show_user_code


@pytest.mark.spec("RFC 8628", "6.1")
def test_a_code_is_eight_consonants_in_two_groups() -> None:
    code = new_user_code()
    assert len(code) == LENGTH == 8 and set(code) <= set(ALPHABET) == set("BCDFGHJKLMNPQRSTVWXZ")
    assert show_user_code("WDJBMJHT") == "WDJB-MJHT"


@pytest.mark.spec("RFC 8628", "5.1")
def test_no_two_are_alike() -> None:
    assert len({new_user_code() for _ in range(1000)}) == 1000


@pytest.mark.spec("RFC 8628", "6.1")
@pytest.mark.parametrize(
    "typed",
    [
        "WDJB-MJHT",
        "WDJBMJHT",
        "wdjb-mjht",
        "  wdjb mjht ",
        "W D J B M J H T",
        "WDJB\u2013MJHT",  # a dash, as phones write it
        "WDJB\u00a0MJHT",
        "\uff37\uff24\uff2a\uff22\uff0d\uff2d\uff2a\uff28\uff34",  # full width
        "WDJ8-MJHT",
        "WDJ\u0412-\u041cJ\u041d\u0422",  # Cyrillic
        "WDJ\u0392-\u039cJ\u0397\u03a4",  # Greek
        "WDJB-MJH7",
    ],
)
def test_it_may_be_typed_in_many_ways(typed: str) -> None:
    assert read_user_code(typed) == "WDJBMJHT"


@pytest.mark.spec("RFC 8628", "6.1")
@pytest.mark.parametrize(
    ("typed", "code"),
    [("2222-5555", "ZZZZSSSS"), ("1IlL-6666", "LLLLGGGG"), ("0OoQ-UUvV", "QQQQVVVV"), ("8888-7777", "BBBBTTTT")],
)
def test_what_looks_like_a_letter_of_a_code_is_that_letter(typed: str, code: str) -> None:
    assert read_user_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH3", "W" * 100_000, "\0" * 8, "漢字漢字漢字漢字"],
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert read_user_code(typed) == ""


@given(st.text(max_size=100))
def test_whatever_is_typed_is_read(typed: str) -> None:
    code = read_user_code(typed)
    assert code == "" or (len(code) == LENGTH and set(code) <= set(ALPHABET))
    assert read_user_code(code) == code
