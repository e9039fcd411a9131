"""Proof Key for Code Exchange (RFC 7636)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol.pkce import challenge_of, is_verifier


@pytest.mark.spec("RFC 7636", "B")
def test_the_example_of_the_specification() -> None:
    challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.spec("RFC 7636", "4.1")
@pytest.mark.parametrize("verifier", ["a" * 43, "Z9" * 64, "-._~" * 11])
def test_a_verifier(verifier: str) -> None:
    assert is_verifier(verifier)


@pytest.mark.spec("RFC 7636", "4.1")
@pytest.mark.parametrize(
    "verifier",
    ["", "a" * 42, "a" * 129, "a" * 42 + "=", "a" * 42 + "+", "a" * 42 + " ", "a" * 43 + "\n", "é" * 43, "٣" * 43],
)
def test_no_verifier(verifier: str) -> None:
    assert not is_verifier(verifier)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.from_regex(r"[A-Za-z0-9\-._~]{43,128}", fullmatch=True))
def test_a_challenge_is_written_as_a_verifier(verifier: str) -> None:
    assert is_verifier(challenge_of(verifier))
