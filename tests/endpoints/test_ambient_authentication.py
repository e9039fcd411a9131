"""Methods whose proof comes with every request of a connection, as a certificate or a gateway's header does, and clients whose method is gone."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest
from django.test import Client as Browser

from django_oauth_server.clients.methods.base import Attempt, ClientAuthMethod, Credentials
from django_oauth_server.conf import Workload
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.parameters import Parameters
from tests.factories import ClientFactory, TokenFactory
from tests.flow import Flow
from tests.trusted_issuers.idp import JWT_BEARER, assertion, linked, trusted, trusting

pytestmark = pytest.mark.django_db


class Certificate(ClientAuthMethod):
    """A certificate says nothing of the client id."""

    name = "certificate"
    ambient = True

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        shown = http.headers.get("X-Certificate", "")
        return Credentials("", shown) if shown else None

    def verify(self, attempt: Attempt) -> bool:
        return attempt.client.metadata.get("certificate") == attempt.credentials.proof


class Gateway(ClientAuthMethod):
    """A gateway says which client it has authenticated, on whatever it lets through."""

    name = "gateway"
    ambient = True

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        named = http.headers.get("X-Gateway", "")
        return Credentials(named) if named else None

    def verify(self, attempt: Attempt) -> bool:
        return True


class Header(ClientAuthMethod):
    """A header that the client itself sends."""

    name = "header"

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        named = http.headers.get("X-Header", "")
        return Credentials(named) if named else None

    def verify(self, attempt: Attempt) -> bool:
        return True


@pytest.fixture(autouse=True)
def components(settings: Any) -> None:
    names = [f"{__name__}.{one}" for one in ("Certificate", "Gateway", "Header")]
    settings.OAUTH_SERVER = django_settings.OAUTH_SERVER | {"components": names}


def service(method: str, **more: Any) -> Flow:
    metadata = {
        "metadata__grant_types": ["client_credentials"],
        "metadata__token_endpoint_auth_method": method,
        "metadata__certificate": "mine",
    }
    return Flow(ClientFactory(**(metadata | more)), Browser())


def ask(flow: Flow, *, authorization: str | None = None, headers: dict[str, str], **params: Any) -> Any:
    flow.server = Browser(headers=headers)
    asked = {"grant_type": "client_credentials", "scope": "notes:read"} | params
    return flow.token(authorization=authorization, **asked)


@pytest.mark.spec("RFC 8705", "2")
def test_the_form_has_the_client_id_and_nothing_else() -> None:
    flow = service("certificate")
    assert ask(flow, headers={"X-Certificate": "mine"}, client_id=flow.client.client_id).status_code == 200


def test_a_proof_that_names_the_client_needs_nothing_in_the_form() -> None:
    flow = service("gateway")
    assert ask(flow, headers={"X-Gateway": flow.client.client_id}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-Certificate": "another's"}, {"X-Gateway": "another"}])
def test_without_its_proof_the_client_is_refused(headers: dict[str, str]) -> None:
    flow = service("certificate")
    response = ask(flow, headers=headers, client_id=flow.client.client_id)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_proof_of_another_client_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    mine, other = service("gateway"), service("gateway")
    with caplog.at_level(logging.WARNING):
        response = ask(mine, headers={"X-Gateway": other.client.client_id}, client_id=mine.client.client_id)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "issued to another client" in caplog.text


@pytest.mark.parametrize("headers", [{"X-Certificate": "mine"}, {"X-Gateway": "a", "X-Certificate": "mine"}, {}])
def test_somebody_has_to_say_which_client_it_is(headers: dict[str, str]) -> None:
    response = ask(service("certificate"), headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("headers", [{"X-Certificate": "mine"}, {"X-Gateway": "another"}])
def test_it_is_no_second_proof_beside_one_that_was_sent(headers: dict[str, str]) -> None:
    basic, post = service("client_secret_basic"), service("client_secret_post")
    header = format_basic(basic.client.client_id, basic.client.secret)
    assert ask(basic, headers=headers, authorization=header).status_code == 200
    sent = {"client_id": post.client.client_id, "client_secret": post.client.secret}
    assert ask(post, headers=headers, **sent).status_code == 200


@pytest.mark.spec("RFC 6749", "2.3")
def test_two_proofs_that_were_sent_are_refused_beside_it_as_well() -> None:
    flow = service("certificate")
    header = format_basic(flow.client.client_id, "secret")
    sent = {"client_id": flow.client.client_id, "client_secret": "secret"}
    response = ask(flow, headers={"X-Certificate": "mine"}, authorization=header, **sent)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_client_that_sends_another_proof_is_refused() -> None:
    flow = service("certificate")
    header = format_basic(flow.client.client_id, flow.client.secret)
    assert ask(flow, headers={"X-Certificate": "mine"}, authorization=header).status_code == 401


def test_a_client_with_a_secret_is_not_let_in_by_it() -> None:
    flow = service("client_secret_basic")
    assert ask(flow, headers={"X-Certificate": "mine"}, client_id=flow.client.client_id).status_code == 401
    assert ask(flow, headers={"X-Gateway": flow.client.client_id}).status_code == 401


@pytest.mark.parametrize("headers", [{"X-Certificate": "any"}, {"X-Gateway": "another"}])
def test_public_clients_are_as_they_were(browser: Browser, headers: dict[str, str]) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    code = flow.code()
    flow.server = Browser(headers=headers)
    assert flow.exchange(code).status_code == 200


def test_its_clients_are_confidential() -> None:
    flow, token = service("gateway"), TokenFactory()
    flow.client.metadata["resource_identifiers"] = token.audience
    flow.client.save()
    flow.server = Browser(headers={"X-Gateway": flow.client.client_id})
    form = f"token={token.value}"
    asked = flow.server.post("/oauth/introspect", form, content_type="application/x-www-form-urlencoded")
    assert asked.json()["active"] is True


def test_the_metadata_document_offers_it() -> None:
    document = Browser().get("/.well-known/oauth-authorization-server").json()
    assert {"certificate", "gateway"} <= set(document["token_endpoint_auth_methods_supported"])
    assert {"certificate", "gateway"} <= set(document["introspection_endpoint_auth_methods_supported"])


class TestAMethodThatIsOfferedNoMore:
    @pytest.fixture
    def flow(self, settings: Any, browser: Browser) -> Flow:
        metadata = {"metadata__token_endpoint_auth_method": "certificate", "metadata__certificate": "mine"}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": []}
        return Flow(ClientFactory(**metadata), browser)

    @pytest.mark.parametrize("sends", ["nothing", "secret"])
    def test_nothing_lets_its_clients_in(self, flow: Flow, sends: str, caplog: pytest.LogCaptureFixture) -> None:
        header = format_basic(flow.client.client_id, flow.client.secret) if sends == "secret" else None
        named = {} if header else {"client_id": flow.client.client_id}
        response = ask(flow, headers={"X-Certificate": "mine"}, authorization=header, **named)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert "registered for certificate" in caplog.text

    def test_nobody_is_asked_for_its_clients(self, flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
        """What they got could never be redeemed; and what comes without authentication is not for them."""
        assert flow.authorize().status_code == 400
        assert "'certificate' is not offered to this client" in caplog.text


class TestGrants:
    """An assertion of the JWT bearer grant can prove a workload, and is about a person where something else proves the client."""

    @pytest.fixture(autouse=True)
    def _trust(self, settings: Any, user: Any) -> None:
        workloads = (Workload(client_id="job", subject="jobs:nightly"),)
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | trusting(trusted(workloads=workloads))
        linked(user)

    @pytest.mark.spec("RFC 7523", "2.1")
    @pytest.mark.parametrize("method", ["certificate", "gateway", "header"])
    def test_it_is_about_a_person(self, method: str) -> None:
        flow = service(method, metadata__grant_types=[JWT_BEARER])
        client_id = flow.client.client_id
        headers = {f"X-{method}": "mine" if method == "certificate" else client_id}
        asked = {"grant_type": JWT_BEARER, "assertion": assertion(), "client_id": client_id}
        assert ask(flow, headers=headers, **asked).status_code == 200

    @pytest.mark.spec("RFC 7523", "2.1")
    def test_it_proves_a_workload_whatever_comes_with_every_request(self) -> None:
        flow = service("federated_jwt", client_id="job", metadata__grant_types=[JWT_BEARER])
        asked = {"grant_type": JWT_BEARER, "assertion": assertion(sub="jobs:nightly", header={"typ": "JWT"})}
        assert ask(flow, headers={"X-Certificate": "mine"}, **asked).status_code == 200
