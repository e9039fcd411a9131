"""A pairwise client is told the identifiers of the sector in which people allowed it, and of no other (OpenID Connect Core sections 8.1 and 17.3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.logout.token import logout_token
from django_oauth_server.models import Authorization, Client
from django_oauth_server.protocol.jose import unverified
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.verifier import LocalVerifier
from tests.factories import ClientFactory
from tests.flow import Flow, answered
from tests.openid.conftest import read
from tests.registration.conftest import Registrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pairwise")]
VICTIM, OWN = "https://victim.example/callback", "https://own.example/callback"


@pytest.fixture
def pairwise(settings: Any, openid_connect: None) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": "a salt that nobody outside of these tests knows"}


@pytest.fixture
def theirs(browser: Browser) -> str:
    """By which the victim's site knows the person."""
    client = ClientFactory(metadata__subject_type="pairwise", metadata__redirect_uris=[VICTIM])
    return str(read(Flow(client, browser).tokens(scope="openid")["id_token"])["sub"])


@pytest.fixture
def registrant(browser: Browser) -> Registrant:
    registrant = Registrant()
    registrant.registered(
        redirect_uris=[OWN],
        subject_type="pairwise",
        scope="openid",
        grant_types=["authorization_code", "refresh_token"],
        backchannel_logout_uri="https://own.example/out",
    )
    return registrant


def flow_of(registrant: Registrant, browser: Browser) -> Flow:
    flow = Flow(registrant.row, browser)
    flow.client.secret = registrant.information["client_secret"]
    return flow


def by_put(registrant: Registrant, changes: dict[str, Any]) -> None:
    assert registrant.update(**changes).status_code == 200


def by_admin(registrant: Registrant, changes: dict[str, Any]) -> None:
    operator = Browser()
    operator.force_login(superuser())
    row = registrant.row
    form = {
        "token_endpoint_auth_method": row.token_endpoint_auth_method,
        "grant_types": row.grant_types,
        "response_types": row.response_types,
        "scope": ["openid"],
        "subject_type": "pairwise",
    }
    changed = {name: "\n".join(value) if isinstance(value, list) else value for name, value in changes.items()}
    response = operator.post(f"/admin/django_oauth_server/client/{row.pk}/change/", form | changed)
    assert response.status_code == 302, response.content


def by_hand(registrant: Registrant, changes: dict[str, Any]) -> None:
    row = registrant.row
    row.metadata = row.metadata | changes
    row.save()


def superuser() -> Any:
    return get_user_model().objects.create_superuser("operator", password="x")


WAYS = pytest.mark.parametrize("change", [by_put, by_admin, by_hand])


@WAYS
@pytest.mark.parametrize("form", ["", "at+jwt"])
@pytest.mark.spec("OpenID Connect Core", "8.1")
def test_who_moves_learns_nothing_there(
    browser: Browser, registrant: Registrant, theirs: str, change: Any, form: str, user: Any
) -> None:
    Client.objects.update(access_token_format=form)
    flow = flow_of(registrant, browser)
    tokens, code = flow.tokens(scope="openid"), flow.code(scope="openid")
    assert read(tokens["id_token"])["sub"] != theirs
    change(registrant, {"redirect_uris": [VICTIM]})
    flow = flow_of(registrant, browser)
    assert flow.refresh(tokens["refresh_token"]).status_code == 400
    assert flow.exchange(code, redirect_uri=OWN).status_code == 400
    assert not flow.is_active(tokens["access_token"])
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert flow.server.get("/oauth/userinfo", headers=header).status_code == 401
    told = logout_token(flow.client, str(user.pk), "sid", default_issuer(), timezone.now())
    assert unverified(told)[1].keys() >= {"sid"}
    assert "sub" not in unverified(told)[1]
    assert answered(flow.authorize(scope="openid", prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize("change", [by_put, by_admin])
@pytest.mark.parametrize("legacy", [True, False])
def test_a_move_ends_what_people_allowed(browser: Browser, registrant: Registrant, change: Any, legacy: bool) -> None:
    Client.objects.update(access_token_format="at+jwt")
    token = flow_of(registrant, browser).tokens(scope="openid")["access_token"]
    if legacy:
        Authorization.objects.update(sector=None)
    LocalVerifier().verify(token)
    change(registrant, {"redirect_uris": [VICTIM]})
    assert not Authorization.objects.filter(is_live=True).exists()
    with pytest.raises(InvalidToken):
        LocalVerifier().verify(token)


@WAYS
def test_who_moves_to_the_public_identifiers_asks_again(browser: Browser, registrant: Registrant, change: Any) -> None:
    tokens = flow_of(registrant, browser).tokens(scope="openid")
    change(registrant, {"redirect_uris": [OWN], "subject_type": "public"})
    assert not flow_of(registrant, browser).is_active(tokens["access_token"])


@WAYS
def test_who_stays_goes_on(browser: Browser, registrant: Registrant, change: Any, user: Any) -> None:
    tokens = flow_of(registrant, browser).tokens(scope="openid")
    change(registrant, {"redirect_uris": [f"{OWN}/other"]})
    flow = flow_of(registrant, browser)
    again = flow.refresh(tokens["refresh_token"]).json()
    assert read(again["id_token"])["sub"] == read(tokens["id_token"])["sub"]
    told = logout_token(flow.client, str(user.pk), "sid", default_issuer(), timezone.now())
    assert unverified(told)[1]["sub"] == read(tokens["id_token"])["sub"]


@pytest.mark.spec("OpenID Connect Core", "8.1")
@pytest.mark.parametrize("uri", ["com.example.own://victim.example/cb", "com.example.own:/cb", "http://127.0.0.1/cb"])
def test_nobody_joins_a_sector_with_an_app_on_a_device(registrant: Registrant, uri: str) -> None:
    chosen = {"subject_type": "pairwise", "scope": "openid", "application_type": "web"}
    response = registrant.register(redirect_uris=[VICTIM, uri], **chosen)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert "sector_identifier_uri" in response.json()["error_description"]
    assert registrant.update(redirect_uris=[VICTIM, uri]).status_code == 400


def test_a_row_that_has_both_is_a_sector_by_itself(browser: Browser, theirs: str) -> None:
    client = ClientFactory(
        metadata__subject_type="pairwise", metadata__redirect_uris=["com.example.own://victim.example/cb", VICTIM]
    )
    flow = Flow(client, browser)
    assert read(flow.tokens(scope="openid")["id_token"])["sub"] != theirs


def test_clients_on_one_host_go_on_sharing_identifiers(browser: Browser, theirs: str) -> None:
    sibling = ClientFactory(metadata__subject_type="pairwise", metadata__redirect_uris=[f"{VICTIM}/app"])
    assert read(Flow(sibling, browser).tokens(scope="openid")["id_token"])["sub"] == theirs
