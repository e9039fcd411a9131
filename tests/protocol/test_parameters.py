"""Parameters are read strictly: a request means one thing, or nothing."""

from __future__ import annotations

from time import process_time
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol.errors import InvalidRequest
from django_oauth_server.protocol.parameters import MAX_LENGTH, Parameters

PROPERTY = settings(max_examples=300, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@pytest.mark.spec("RFC 6749", "B")
@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", []),
        (b"a=1", [("a", "1")]),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a=b+c%20d%2B%26%3D", [("a", "b c d+&=")]),
        (b"a==b", [("a", "=b")]),
        (b"a=%C3%BC&b=\xc3\xbc", [("a", "ü"), ("b", "ü")]),
        (b"&&a=1&&", [("a", "1")]),
        (b"a;b=1", [("a;b", "1")]),
    ],
)
def test_what_was_sent(raw: bytes, pairs: list[tuple[str, str]]) -> None:
    assert Parameters.parse(raw).pairs() == pairs


@pytest.mark.spec("RFC 6749", "3.1")
@pytest.mark.parametrize("raw", [b"a", b"a=", b"=", b"a=&a="])
def test_empty_is_absent(raw: bytes) -> None:
    params = Parameters.parse(raw)
    assert "a" not in params
    assert len(params) == 0
    assert not params.repeated


@pytest.mark.spec("RFC 6749", "3.1")
def test_a_name_sent_twice_has_no_value() -> None:
    params = Parameters.parse(b"a=1&a=1&b=2")
    assert dict(params) == {"b": "2"}
    assert params.every("a") == ("1", "1")
    with pytest.raises(InvalidRequest, match="a is repeated"):
        params.refuse_repeated()
    with pytest.raises(InvalidRequest, match="a is repeated"):
        params.require("a")
    with pytest.raises(InvalidRequest, match="c is missing"):
        params.require("c")


@pytest.mark.spec("RFC 8707", "2")
def test_a_parameter_may_be_one_that_may_be_repeated() -> None:
    Parameters.parse(b"resource=1&resource=2").refuse_repeated(but=frozenset({"resource"}))


@pytest.mark.parametrize("raw", [b"a=1&a=", b"a=&a=1", b"a&a=1"])
def test_an_empty_one_beside_it_is_no_repetition(raw: bytes) -> None:
    assert Parameters.parse(raw)["a"] == "1"


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    "raw",
    [
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"%=1",
        b"a=%u00fc",
        b"a=%ff",
        b"a=\xff",
        b"a=%C3",
        b"a=%ED%A0%80",
        b"\xc3(=1",
        b"a=%00",
        b"a=\0",
        b"%00=1",
        b"a=" + b"x" * MAX_LENGTH,
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        Parameters.parse(raw)


@PROPERTY
@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        params = Parameters.parse(raw)
    except InvalidRequest:
        return
    assert Parameters.parse(params.encode().encode()).pairs() == params.pairs()


@PROPERTY
@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_whatever_a_client_encodes_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    read = Parameters.parse(urlencode(pairs).encode())
    assert sorted(read.pairs()) == sorted(pair for pair in pairs if pair[1])


@pytest.mark.spec("RFC 6749", "3.1")
def test_only_what_is_known_is_kept() -> None:
    assert Parameters.parse(b"a=1&user=2&b=3&b=4").only(frozenset({"a", "b"})).pairs() == [
        ("a", "1"),
        ("b", "3"),
        ("b", "4"),
    ]


@pytest.mark.parametrize("raw", [b"a=1&" * (MAX_LENGTH // 4), b"&" * MAX_LENGTH, b"%41" * (MAX_LENGTH // 3)])
def test_no_request_keeps_the_server_busy(raw: bytes) -> None:
    started = process_time()
    Parameters.parse(raw).only(frozenset({"a"}))
    assert process_time() - started < 0.5
