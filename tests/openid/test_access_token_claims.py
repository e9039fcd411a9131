"""What the deployment says of a person in access tokens, by scope and resource."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.claims import UserClaims
from django_oauth_server.tokens.verify import verify_access_token
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db

NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"


class ApiClaims(UserClaims):
    """Roles for one API, and what nobody may say."""

    def access_token_claims(self, scopes: Collection[str], audience: Collection[str]) -> Mapping[str, object]:
        roles = {"roles": [self.user.first_name]} if NOTES in audience else {}
        quota = {"quota": 5} if "notes:write" in scopes else {}
        return {
            **roles,
            **quota,
            "sub": "root",
            "cnf": {"jkt": "x"},
            "active": False,
            "client_id": "another",
            "exp": 9e9,
        }


@pytest.fixture(autouse=True)
def _own(settings: Any, user: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"claims": f"{__name__}.ApiClaims"}
    user.first_name = "editor"
    user.save()


@pytest.fixture(params=["opaque", "at+jwt"])
def flow(request: pytest.FixtureRequest, browser: Browser) -> Flow:
    return Flow(ClientFactory(access_token_format=request.param), browser)


def verified(token: str) -> Mapping[str, object]:
    issuer = default_issuer()
    return verify_access_token(token, {str(issuer): issuer}, timezone.now()).claims


@pytest.mark.spec("RFC 9068", "2.2.3")
def test_every_door_says_them(flow: Flow) -> None:
    tokens = flow.tokens(resource=NOTES)
    for token in (tokens["access_token"], flow.refresh(tokens["refresh_token"]).json()["access_token"]):
        said = [flow.introspect(token), verified(token), *([jose.unverified(token)[1]] if "." in token else [])]
        assert all((one["roles"], one["quota"]) == (["editor"], 5) for one in said)


def test_they_go_by_scope_and_resource(flow: Flow) -> None:
    said = flow.introspect(flow.tokens(resource=MAIL, scope="notes:read")["access_token"])
    assert not said.keys() & {"roles", "quota"}


def test_what_a_token_says_of_itself_is_never_theirs(flow: Flow, user: Any) -> None:
    token = flow.tokens()["access_token"]
    said = flow.introspect(token)
    assert (said["sub"], said["client_id"], said["active"]) == (str(user.pk), flow.client.client_id, True)
    assert not {"cnf"} & (said.keys() | verified(token).keys())
    assert said["exp"] < 9e9


def test_a_jwt_says_what_was_so_and_an_opaque_token_what_is(flow: Flow, user: Any) -> None:
    token = flow.tokens(resource=NOTES)["access_token"]
    user.first_name = "reader"
    user.save()
    assert verified(token)["roles"] == (["editor"] if "." in token else ["reader"])


def test_neither_a_refresh_token_nor_a_client_of_its_own_has_them(flow: Flow) -> None:
    assert "quota" not in flow.introspect(flow.tokens()["refresh_token"])
    flow.client.metadata |= {"grant_types": ["client_credentials"]}
    flow.client.save()
    token = flow.token(grant_type="client_credentials", scope="notes:write").json()["access_token"]
    assert "quota" not in flow.introspect(token)


def test_no_discovery_document_offers_them(client: Browser) -> None:
    assert "roles" not in client.get("/.well-known/openid-configuration").json()["claims_supported"]
