"""`manage.py revoke`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import include, path

from django_oauth_server.models import Authorization, Token
from django_oauth_server.protocol.jose import unverified
from django_oauth_server.resource.django import protected_resource
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory, UserFactory
from tests.flow import Flow

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@protected_resource("notes:read")
def notes(http: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("", include("tests.urls")), path("notes", notes)]


def revoke(*flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command("revoke", *flags, "--json", stdout=out)
    return json.loads(out.getvalue())


def opens(token: str) -> bool:
    return Browser().get("/notes", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_of_a_client_all_that_was_allowed_and_all_that_it_got_for_itself() -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    own = flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    allowed = TokenFactory(authorization=AuthorizationFactory(client=flow.client), client=flow.client)
    other = TokenFactory()
    assert revoke("--client", flow.client.client_id) == {"authorizations": 1, "tokens": 1, "dry_run": False}
    assert [opens(one) for one in (own, allowed.value, other.value)] == [False, False, True]
    assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200


def test_jwts_that_a_client_got_for_itself_end_too() -> None:
    client = ClientFactory(metadata__grant_types=["client_credentials"], access_token_format="at+jwt")
    own = Flow(client, Browser()).token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    assert opens(own)
    revoke("--client", client.client_id)
    assert not opens(own)


def test_of_a_person_at_every_client() -> None:
    person = UserFactory(username="ann")
    for _ in range(2):
        AuthorizationFactory(user=person)
    other = AuthorizationFactory()
    assert revoke("--user", "ann")["authorizations"] == 2
    assert list(Authorization.objects.filter(is_live=True)) == [other]


def test_of_a_person_at_one_client() -> None:
    person = UserFactory(username="ann")
    one, other = AuthorizationFactory(user=person), AuthorizationFactory(user=person)
    AuthorizationFactory(client=one.client)
    assert revoke("--user", "ann", "--client", one.client.client_id)["authorizations"] == 1
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.is_live, other.is_live) == (None, True)


def test_by_the_grant_that_a_token_names() -> None:
    one, _ = AuthorizationFactory(), AuthorizationFactory()
    assert revoke("--reference", str(one.grant_id))["authorizations"] == 1
    assert revoke("--reference", str(one.grant_id))["authorizations"] == 0
    assert Authorization.objects.filter(is_live=True).count() == 1


def test_by_the_id_of_a_jwt_this_one_alone(flow: Flow) -> None:
    flow.client.access_token_format = "at+jwt"
    flow.client.save()
    first, second = flow.tokens()["access_token"], flow.tokens()["access_token"]
    assert revoke("--reference", str(unverified(first)[1]["jti"])) == {
        "authorizations": 0,
        "tokens": 1,
        "dry_run": False,
    }
    assert (opens(first), opens(second)) == (False, True)


def test_a_dry_run_counts_and_ends_nothing() -> None:
    token = TokenFactory()
    assert revoke("--client", token.client.client_id, "--dry-run") == {
        "authorizations": 1,
        "tokens": 0,
        "dry_run": True,
    }
    assert opens(token.value)


def test_thousands_are_ended_in_a_few_statements(django_assert_max_num_queries: Any) -> None:
    client = ClientFactory()
    for _ in range(60):
        TokenFactory(client=client, authorization=AuthorizationFactory(client=client))
    with django_assert_max_num_queries(20):
        assert revoke("--client", client.client_id)["authorizations"] == 60
    assert not Token.objects.filter(authorization__is_live=True).exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "Use --reference, or --client"),
        (["--reference", "x", "--user", "ann"], "Use --reference, or --client"),
        (["--client", "nobody"], "no client nobody"),
        (["--client", ""], "no client "),
        (["--user", "nobody"], "no user nobody"),
        (["--reference", "nothing"], "has the ID nothing"),
    ],
)
def test_what_names_nothing_is_refused(flags: list[str], words: str) -> None:
    AuthorizationFactory()
    with pytest.raises(CommandError, match=words):
        revoke(*flags)
    assert Authorization.objects.get().is_live


def test_in_words() -> None:
    out = StringIO()
    call_command("revoke", "--client", AuthorizationFactory().client.client_id, stdout=out)
    assert out.getvalue().strip() == "Revoked: 1 authorization, 0 other tokens."
