"""Who has to push: everybody, by the issuer's settings; whom a policy binds; a client that registered it (RFC 9126 sections 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.conf import Policy
from django_oauth_server.models.pushed_request import PushedRequest
from tests.flow import answered
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db

REFUSAL = "This client must push its authorization requests (RFC 9126)."


@pytest.fixture(params=["issuer", "client", "policy"])
def required(request: pytest.FixtureRequest, pushing: Pushing, settings: Any) -> Pushing:
    """A client that has to push, whoever says so."""
    if request.param == "issuer":
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pushed_requests": {"required": True}}
    elif request.param == "policy":
        own = Policy(name="strict", demands=frozenset({"pushed_requests"}))  # of this client alone
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"policies": (own,)}
        pushing.client.profile = "strict"
    else:
        pushing.client.metadata["require_pushed_authorization_requests"] = True
    pushing.client.save()
    return pushing


@pytest.mark.requirement(51)
@pytest.mark.spec("RFC 9126", "4", "5", "6")
def test_a_request_that_was_not_pushed_is_refused(required: Pushing) -> None:
    refusal = answered(required.authorize())
    assert (refusal["error"], refusal["error_description"], refusal["state"]) == ("invalid_request", REFUSAL, "xyz")


@pytest.mark.requirement(51)
@pytest.mark.spec("RFC 9126", "4")
def test_one_that_was_pushed_is_served(required: Pushing) -> None:
    assert "code" in required.done(required.reference())


def test_one_that_waits_for_a_person_is_refused_once_its_client_has_to_push(pushing: Pushing) -> None:
    page = pushing.authorize()
    pushing.client.metadata["require_pushed_authorization_requests"] = True
    pushing.client.save()
    assert answered(pushing.decide(page))["error_description"] == REFUSAL


@pytest.mark.spec("RFC 9126", "6")
def test_a_client_may_register_it(client: Browser) -> None:
    document = {"redirect_uris": ["https://rp.example/cb"], "require_pushed_authorization_requests": True}
    registered = client.post("/oauth/register", document, content_type="application/json").json()
    assert registered["require_pushed_authorization_requests"] is True


def test_it_is_true_or_false(client: Browser) -> None:
    document = {"redirect_uris": ["https://rp.example/cb"], "require_pushed_authorization_requests": "true"}
    refused = client.post("/oauth/register", document, content_type="application/json").json()
    assert "require_pushed_authorization_requests" in refused["error_description"]


@pytest.mark.spec("RFC 9126", "5")
def test_that_a_policy_demands_it_of_all_is_advertised(client: Browser, settings: Any) -> None:
    own = Policy(name="strict", demands=frozenset({"pushed_requests"}))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"policy": own}
    document = client.get("/.well-known/oauth-authorization-server").json()
    assert document["require_pushed_authorization_requests"] is True


def test_what_others_have_to_push_does_not_bind_who_need_not(pushing: Pushing, settings: Any) -> None:
    own = Policy(name="strict", demands=frozenset({"pushed_requests"}))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"policies": (own,)}
    assert "code" in answered(pushing.decide(pushing.authorize()))


@pytest.mark.spec("RFC 9126", "3")
def test_what_was_pushed_unsigned_is_dead_once_its_client_has_to_sign(pushing: Pushing) -> None:
    reference = pushing.reference()
    pushing.client.metadata["require_signed_request_object"] = True
    pushing.client.save()
    assert pushing.go(reference).status_code == 400
    assert PushedRequest.objects.exists()
