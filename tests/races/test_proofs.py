"""One proof sent many times at once, to the token endpoint and to an API (RFC 9449 section 11.1): to threads and processes, with the database and a
shared cache."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token
from tests.factories import ClientFactory
from tests.races.doors import Door, Threads, at_once, serve, walk

TIMES = 50
TOKEN, NOTES = "https://as.example/oauth/token", "https://as.example/notes"


def bought(door: Door, client: Any, proofs: list[str]) -> Counter[str]:
    flows = [walk(door, client) for _ in proofs]
    asked = {"grant_type": "client_credentials", "scope": "notes:read"}
    works = [partial(one.token, headers={"DPoP": proof}, **asked) for one, proof in zip(flows, proofs, strict=True)]
    return Counter("200" if one.status_code == 200 else one.json()["error"] for one in at_once(*works))


def outcomes(door: Door, headers: list[dict[str, str]]) -> Counter[tuple[int, str]]:
    answers = at_once(*[partial(door.browser().generic, "GET", "/notes", headers=one) for one in headers])
    return Counter((one.status_code, one.json()["error"] if one.content else "") for one in answers)


def headers(key: DPoPKey, token: str) -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", NOTES, token)}


def race(door: Door) -> None:
    key, client = DPoPKey(), ClientFactory(metadata__grant_types=["client_credentials"])
    assert bought(door, client, [key.proof("POST", TOKEN)] * TIMES) == {"200": 1, "invalid_dpop_proof": TIMES - 1}
    assert bought(door, client, [key.proof("POST", TOKEN) for _ in range(TIMES)]) == {"200": TIMES}
    token = issue_token(scopes="notes:read", format="opaque", key=key)
    assert outcomes(door, [headers(key, token)] * TIMES) == {(200, ""): 1, (401, "invalid_dpop_proof"): TIMES - 1}
    assert outcomes(door, [headers(key, token) for _ in range(TIMES)]) == {(200, ""): TIMES}


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_that_is_sent_fifty_times_at_once_is_accepted_once(door: Door) -> None:
    race(door)


@pytest.fixture
def redis() -> None:
    if not os.environ.get("TEST_REDIS_URL"):
        pytest.skip("TEST_REDIS_URL names no server")


@pytest.mark.spec("RFC 9449", "11.1")
def test_so_it_is_by_a_shared_cache_in_threads(redis: None, settings: Any) -> None:
    backend = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["TEST_REDIS_URL"]}
    settings.CACHES = settings.CACHES | {"shared": backend}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"dpop": {"cache": "shared"}}
    settings.OAUTH_RESOURCE_SERVER = {"dpop": {"cache": "shared"}}
    race(Threads())


@pytest.mark.spec("RFC 9449", "11.1")
def test_so_it_is_by_a_shared_cache_of_two_processes(redis: None, tmp_path: Path) -> None:
    with serve(tmp_path, "tests.races.proofs_settings") as gunicorn:
        race(gunicorn)
        assert b"Traceback" not in gunicorn.log.read_bytes(), gunicorn.log.read_text()
