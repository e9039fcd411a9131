"""The keys of an issuer that publishes them: found by its metadata, rotated, withdrawn, and away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from django_oauth_server.assertions.keys import LIFETIME, RETRY_UNKNOWN, STALE_FOR
from tests.factories import UserFactory
from tests.flow import told
from tests.resource.verifying.server import JWKS, METADATA, OPENID, TrickServer, as_json, failing
from tests.trusted_issuers.idp import GRANT, ISSUER, linked, trusted
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db
Present = Callable[..., Any]


@pytest.fixture
def idp(trust: Any) -> Iterator[TrickServer]:
    """An issuer on a port of its own, of whom nothing but its identifier is known."""
    server = TrickServer()
    trust(trusted(server.issuer.identifier, keys="", timeout=timedelta(seconds=PATIENCE)))
    linked(UserFactory(), issuer=server.issuer.identifier)
    yield server
    server.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Put the clock forward that is never set: assertions stay as young as they are."""
    passed, monotonic = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed)

    def put_forward(by: timedelta) -> None:
        nonlocal passed
        passed += by.total_seconds() + 1

    return put_forward


@pytest.fixture
def status(idp: TrickServer, present: Present) -> Callable[..., int]:
    """What an assertion is answered that the issuer signs now."""
    return lambda **said: present(signed_by(idp, **said), scope="notes:read").status_code


def signed_by(idp: TrickServer, **said: Any) -> str:
    now = int(time.time())
    claims = {"iss": idp.issuer.identifier, "sub": "alice", "aud": ISSUER, "jti": uuid4().hex, "exp": now + 300}
    return idp.issuer.sign(claims | said, typ=GRANT)


def test_keys_are_found_by_the_metadata_and_kept(idp: TrickServer, status: Any) -> None:
    assert [status(), status(), status()] == [200, 200, 200]
    assert (idp.calls[METADATA], idp.calls[JWKS]) == (1, 1)


def test_openid_metadata_will_do(idp: TrickServer, status: Any) -> None:
    idp.tricks = {METADATA: failing(404), OPENID: lambda: as_json(idp.metadata())}
    assert status() == 200


def test_metadata_of_another_issuer_will_not(idp: TrickServer, status: Any) -> None:
    idp.tricks[METADATA] = lambda: as_json(idp.metadata() | {"issuer": "https://other.example"})
    assert status() == 503


@pytest.mark.spec("RFC 7523", "3")
def test_a_new_key_is_noticed_at_once(idp: TrickServer, status: Any) -> None:
    assert status() == 200
    idp.issuer.rotate()
    assert (status(), idp.calls[JWKS]) == (200, 2)


def test_unknown_keys_cause_one_fetch_in_a_while(idp: TrickServer, status: Any, present: Present, later: Any) -> None:
    assert status() == 200
    stranger = TrickServer.__new__(TrickServer)
    stranger.issuer = type(idp.issuer)(idp.issuer.identifier)
    for _ in range(5):
        refusal = present(signed_by(stranger), scope="notes:read")
        assert told(refusal)["error_description"] == "The assertion cannot be verified."
    assert idp.calls[JWKS] == 2
    later(RETRY_UNKNOWN)
    present(signed_by(stranger), scope="notes:read")
    assert idp.calls[JWKS] == 3


def test_a_key_that_was_withdrawn_verifies_nothing_after_a_while(
    idp: TrickServer, present: Present, status: Any, later: Any
) -> None:
    old = signed_by(idp)
    assert status() == 200
    idp.issuer.rotate(withdraw=True)
    later(LIFETIME)
    assert told(present(old, scope="notes:read"))["error"] == "invalid_grant"


def test_an_issuer_that_is_away_is_told_at_once_and_not_waited_for_twice(
    idp: TrickServer, present: Present, status: Any
) -> None:
    idp.tricks[JWKS] = failing(503, Retry_After="7")
    response = present(signed_by(idp), scope="notes:read")
    assert (response.status_code, told(response)["error"]) == (503, "temporarily_unavailable")
    assert int(response["Retry-After"]) == 7
    asked = sum(idp.calls.values())
    assert [status(), status()] == [503, 503]
    assert sum(idp.calls.values()) == asked


def test_known_keys_outlast_an_outage_for_a_while(idp: TrickServer, status: Any, later: Any) -> None:
    assert status() == 200
    idp.stop()
    later(LIFETIME)
    assert status() == 200
    later(STALE_FOR)
    assert status() == 503


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (failing(404), 200),
        (lambda: as_json({"error": "gone"}), 200),
        (lambda: as_json([]), 200),
        (lambda: as_json({"keys": []}), 400),
    ],
    ids=["an error", "another object", "a list", "an empty JWK Set"],
)
def test_what_is_no_key_set_is_no_answer_and_an_empty_one_withdraws_every_key(
    idp: TrickServer, status: Any, later: Any, answer: Any, expected: int
) -> None:
    assert status() == 200
    idp.tricks[JWKS] = answer
    later(LIFETIME)
    assert status() == expected


def test_what_could_not_be_verified_is_not_used_up(idp: TrickServer, present: Present, later: Any) -> None:
    jwt = signed_by(idp)
    idp.tricks[JWKS] = failing(503)
    assert present(jwt, scope="notes:read").status_code == 503
    idp.tricks.clear()
    later(timedelta(minutes=1))
    assert present(jwt, scope="notes:read").status_code == 200
