"""The first use of a signing key, by many at once."""

from __future__ import annotations

from functools import partial

from django_oauth_server.models import SigningKey
from tests.factories import ClientFactory
from tests.races.doors import Door, Gunicorn, Threads, at_once, walk


def tokens_at_once(door: Door) -> list[str]:
    client = ClientFactory(access_token_format="at+jwt", metadata__grant_types=["client_credentials"])
    ask = [partial(walk(door, client).token, grant_type="client_credentials", scope="email") for _ in range(20)]
    values = [one.json()["access_token"] for one in at_once(*ask)]
    assert all(walk(door, client).is_active(value) for value in values)
    return values


def published(door: Door) -> set[str]:
    return {key["kid"] for key in door.browser().get("/oauth/jwks").json()["keys"]}


def test_threads_that_need_the_first_key_at_once() -> None:
    tokens_at_once(Threads())
    assert published(Threads()) == set(SigningKey.objects.values_list("kid", flat=True))


def test_workers_that_need_the_first_key_at_once(fresh_gunicorn: Gunicorn) -> None:
    tokens_at_once(fresh_gunicorn)
    tokens_at_once(fresh_gunicorn)
    assert published(fresh_gunicorn) == set(SigningKey.objects.values_list("kid", flat=True))
