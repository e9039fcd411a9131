"""Claims in ID tokens for clients that read nothing else, where an operator says so."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauth_server.models import Client
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.openid.conftest import read
from tests.registration.conftest import Registrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]


@pytest.fixture
def rp(user: Any, browser: Any) -> Flow:
    user.email = "ada@mail.example"
    user.save()
    return Flow(ClientFactory(metadata__claims_in_id_token=True), browser)


def test_they_are_those_of_the_scopes_that_were_allowed(rp: Flow, user: Any) -> None:
    tokens = rp.tokens(scope="openid email profile", nonce="n")
    claims = read(tokens["id_token"])
    assert (claims["email"], claims["preferred_username"]) == ("ada@mail.example", user.get_username())
    assert read(rp.refresh(tokens["refresh_token"]).json()["id_token"])["email"] == "ada@mail.example"
    assert "email" not in read(rp.tokens(scope="openid profile")["id_token"])


@pytest.mark.spec("RFC 7591", "5")
def test_no_client_gives_itself_that(registrant: Registrant) -> None:
    assert "claims_in_id_token" not in registrant.registered(claims_in_id_token=True)
    assert "claims_in_id_token" not in registrant.row.metadata


def test_a_client_keeps_what_an_operator_gave_it(registrant: Registrant) -> None:
    registrant.registered()
    row = registrant.row
    Client.objects.filter(pk=row.pk).update(metadata={**row.metadata, "claims_in_id_token": True})
    assert registrant.update(client_name="Other", claims_in_id_token=False).status_code == 200
    assert registrant.row.metadata["claims_in_id_token"] is True


@pytest.fixture
def registrant(db: None) -> Registrant:
    return Registrant()
