"""What is written down of what strangers sent."""

from __future__ import annotations

import logging

import pytest

from django_oauth_server.protocol import opaque
from django_oauth_server.protocol.log import get_log, redact

PREFIXES = [value for name, value in vars(opaque).items() if name[0] != "_" and str(value).startswith("oas_")]
JWS = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_value_in_the_wrong_place_is_not_written_down(prefix: str) -> None:
    value = opaque.generate(prefix)
    assert (
        redact(f"unknown client, client_id '{value}', and more") == f"unknown client, client_id '{prefix}...', and more"
    )


@pytest.mark.parametrize(
    "jwt",
    [
        JWS,
        JWS.rpartition(".")[0] + ".",
        JWS.replace("eyJh", "eyAiYW"),
        JWS.replace("eyJh", "ewogIm"),
        f"{JWS}.AAAA.BBBB",
        *(JWS.replace("eyJh", start) for start in ("IHsi", "ICB7", "CnsK", "DQp7", "CXsi")),
    ],
    ids=["signed", "unsigned", "a blank in the header", "a line in the header", "encrypted", *("blanks first",) * 5],
)
def test_nor_is_a_jwt(jwt: str) -> None:
    for said in (jwt, f"client_id '{jwt}' is unknown", f"x_{jwt}", f"Bearer{jwt}"):
        assert jwt.split(".")[1] not in redact(said)


@pytest.mark.parametrize(
    "said", ["https://api.example.com/a.b.c", "client 'notes-web.example.org' is disabled", "a.b.c"]
)
def test_what_is_no_secret_is_shown(said: str) -> None:
    assert redact(said) == said


def test_what_is_long_is_cut() -> None:
    assert redact("x" * 500 + " end") == "x" * 200 + "... end"
    assert len(redact("x " * 5000)) < 1010


@pytest.mark.parametrize("ending", ["", ".a.b"])
@pytest.mark.parametrize("start", ["eyA", "CQs"])
def test_what_begins_like_a_secret_again_and_again_is_read_once(start: str, ending: str) -> None:
    """Read from each of its beginnings, this would take hours."""
    shown = redact(f"{start * 300_000}{ending} {JWS}")
    assert shown.endswith(" (a JWT)")
    assert len(shown) < 220


def test_nothing_begins_a_line_of_its_own() -> None:
    assert redact("a\nb\x1b[2J\u2028") == "a\\nb\\x1b[2J\\u2028"


def test_whatever_a_message_is_given_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    log = get_log("django_oauth_server.somewhere")
    log.warning("%s, %r, %d: %s", JWS, JWS, 3, ValueError(JWS))
    assert (JWS not in caplog.text, ", 3: (a JWT)" in caplog.text) == (True, True)
    assert caplog.records[0].pathname == __file__
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed %s", "here")
    assert (caplog.records[1].levelno, caplog.records[1].getMessage()) == (logging.ERROR, "failed here")
    assert caplog.records[1].exc_info
