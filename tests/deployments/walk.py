"""From the metadata to a protected view, as a client and a person walk it. Run by test_kinds, in a process of each kind."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import WARNING, run_checks
from django.urls import reverse

from django_oauth_server.clients.methods.assertion import ASSERTION_TYPE
from django_oauth_server.conf.loader import load
from django_oauth_server.grants.device_code import DeviceCode
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.pkce import challenge_of
from django_oauth_server.testing.proofs import DPoPKey
from tests.assertions import claims_for, key_client, signed
from tests.deployments.browser import MOUNT, Browser, parameters
from tests.deployments.urls import PROTECTED
from tests.flow import VERIFIER

pytestmark = pytest.mark.django_db
ISSUERS = [one.issuer for one in load()]
CALLBACK = "https://client.example/callback"
DEVICE_CODE = DeviceCode.name


@pytest.fixture(params=[False, True], ids=["wsgi", "asgi"])
def asynchronous(request):
    return request.param


@pytest.fixture(params=ISSUERS)
def walker(request, asynchronous):
    return Walker(request.param, asynchronous)


class Walker:
    """A client that knows the issuer identifier, and nothing else of this server."""

    def __init__(self, issuer, asynchronous):
        self.issuer, self.asynchronous = issuer, asynchronous
        self.program, self.person = Browser(asynchronous=asynchronous), Browser(asynchronous=asynchronous)
        origin, path = issuer[: len(issuer) - len(urlsplit(issuer).path)], urlsplit(issuer).path
        self.base = origin + MOUNT
        self.metadata = self._json(f"{origin}/.well-known/oauth-authorization-server{path}")
        assert self.metadata["issuer"] == issuer
        for other in (
            f"{origin}/.well-known/openid-configuration{path}",
            f"{issuer}/.well-known/openid-configuration",
            f"{issuer}/.well-known/oauth-authorization-server",
        ):
            assert self._json(other) == self.metadata, other

    def _json(self, url):
        response = self.program.get(url)
        assert response.status_code == 200, f"{url}: {response.status_code} {response.headers}"
        return json.loads(response.content)

    def register(self, **document):
        asked = {
            "client_name": "Notebook",
            "redirect_uris": [CALLBACK],
            "scope": "openid notes:read",
            "grant_types": ["authorization_code", "refresh_token"],
        } | document
        url = self.metadata["registration_endpoint"]
        response = self.program.ask("POST", url, json.dumps(asked), kind="application/json")
        assert response.status_code == 201, response.content
        self.client = json.loads(response.content)
        assert self.client["registration_client_uri"].startswith(f"{self.issuer}/")

    def post(self, endpoint, params, **headers):
        headers |= {"Authorization": format_basic(self.client["client_id"], self.client["client_secret"])}
        return self.program.ask("POST", self.metadata[endpoint], params, **headers)

    def asked(self, **params):
        return {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "redirect_uri": CALLBACK,
            "scope": "openid notes:read",
            "state": "xyz",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | params

    def request(self, **params):
        return f"{self.metadata['authorization_endpoint']}?{urlencode(self.asked(**params))}"

    def sign_in(self, url):
        """What the person does who was not signed in."""
        url, page = self.person.follow(url, until=CALLBACK)
        assert "password" in page.content.decode(), f"{url}: {page.content.decode()}"
        to, answer = self.person.press(url, page, username="person", password="password")
        return urljoin(to, answer["Location"])

    def tokens(self, request="", *, key=None, **params):
        get_user_model().objects.create_user("person", password="password")
        url, page = self.person.follow(self.sign_in(request or self.request(**params)), until=CALLBACK)
        _, answer = self.person.press(url, page, decision="allow")
        code = parameters(answer["Location"])
        assert (code.get("iss"), code.get("state")) == (self.issuer, "xyz"), answer["Location"]
        grant = {"grant_type": "authorization_code", "code": code["code"], "redirect_uri": CALLBACK}
        proof = {"DPoP": key.proof("POST", self.metadata["token_endpoint"])} if key else {}
        response = self.post("token_endpoint", grant | {"code_verifier": VERIFIER}, **proof)
        assert response.status_code == 200, response.content
        return json.loads(response.content)


def test_from_the_metadata_to_a_protected_view(walker):
    walker.register()
    tokens = walker.tokens()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    told = walker.program.get(walker.metadata["userinfo_endpoint"], **bearer)
    assert told.status_code == 200, told.content
    assert json.loads(told.content)["sub"] == str(get_user_model().objects.get().pk)
    assert json.loads(walker.post("introspection_endpoint", {"token": tokens["access_token"]}).content)["active"]
    assert walker._json(walker.metadata["jwks_uri"])["keys"]

    for path in PROTECTED:
        url = f"{walker.base}/{path}"
        let_in = walker.program.get(url, **bearer)
        assert let_in.status_code == 200, f"{path}: {let_in.status_code} {let_in.headers}"

    refreshed = walker.post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200, refreshed.content


def test_a_request_that_is_pushed(walker):
    walker.register()
    pushed = walker.post("pushed_authorization_request_endpoint", walker.asked())
    assert pushed.status_code == 201, pushed.content
    reference = {"client_id": walker.client["client_id"], "request_uri": json.loads(pushed.content)["request_uri"]}
    assert walker.tokens(f"{walker.metadata['authorization_endpoint']}?{urlencode(reference)}")["id_token"]


def test_a_device_whose_code_is_in_a_link(walker):
    get_user_model().objects.create_user("person", password="password")
    walker.register(grant_types=[DEVICE_CODE], response_types=[], redirect_uris=[])
    shown = json.loads(walker.post("device_authorization_endpoint", {"scope": "openid notes:read"}).content)
    assert shown["verification_uri"] == f"{walker.issuer}/device"
    url, page = walker.person.follow(walker.sign_in(shown["verification_uri_complete"]), until=CALLBACK)
    assert shown["user_code"] in page.content.decode()
    to, confirmed = walker.person.press(url, page, decision="continue")
    url, page = walker.person.follow(urljoin(to, confirmed["Location"]), until=CALLBACK)
    _, done = walker.person.press(url, page, answered={200}, decision="allow")
    assert "Go back to your device" in done.content.decode()
    polled = walker.post("token_endpoint", {"grant_type": DEVICE_CODE, "device_code": shown["device_code"]})
    assert polled.status_code == 200, polled.content


def test_a_token_that_is_bound_to_a_key(walker):
    walker.register()
    key = DPoPKey()
    tokens = walker.tokens(key=key)
    token = tokens["access_token"]
    assert tokens["token_type"] == "DPoP"
    for url in [walker.metadata["userinfo_endpoint"], *(f"{walker.base}/{path}" for path in PROTECTED)]:
        proven = walker.program.get(url, Authorization=f"DPoP {token}", DPoP=key.proof("GET", url, token))
        assert proven.status_code == 200, f"{url}: {proven.status_code} {proven.headers}"
        assert walker.program.get(url, Authorization=f"Bearer {token}").status_code == 401, url


def test_a_challenge_leads_to_the_metadata_of_the_resource_and_that_to_the_issuer(walker):
    for path in PROTECTED:
        refused = walker.program.get(f"{walker.base}/{path}")
        assert refused.status_code == 401, f"{path}: {refused.status_code} {refused.headers}"
        address = refused["WWW-Authenticate"].split('resource_metadata="')[1].split('"')[0]
        document = walker._json(address)
        assert walker.issuer in document["authorization_servers"]
        at = urlsplit(document["resource"])
        origin = f"{at.scheme}://{at.netloc}"
        if origin == walker.base.removesuffix(MOUNT):
            assert walker._json(f"{origin}/.well-known/oauth-protected-resource{at.path}") == document


def test_a_person_takes_back_what_they_allowed(walker):
    walker.register()
    tokens = walker.tokens()
    url, page = walker.person.follow(f"{walker.issuer}/oauth/connected-apps/", until=CALLBACK)
    assert "Notebook" in page.content.decode()
    assert urlsplit(url).path == f"{urlsplit(walker.issuer).path}/oauth/connected-apps/"
    remove = urljoin(url, page.content.decode().split('/remove"')[0].split('"')[-1] + "/remove")
    _, question = walker.person.follow(remove, until=CALLBACK)
    to, done = walker.person.press(remove, question)
    assert urljoin(to, done["Location"]) == url
    assert not json.loads(walker.post("introspection_endpoint", {"token": tokens["access_token"]}).content)["active"]


def test_the_pages_of_a_person_ask_for_a_sign_in(walker):
    url, page = walker.person.follow(f"{walker.issuer}/oauth/connected-apps/", until=CALLBACK)
    assert "password" in page.content.decode()
    assert parameters(url)["next"] == f"{urlsplit(walker.issuer).path}/oauth/connected-apps/"


def test_a_sign_in_is_fresh_enough_and_the_moment_is_told(walker):
    walker.register()
    tokens = walker.tokens(max_age="60", prompt="login consent")
    assert tokens["id_token"]


def test_a_client_authenticates_with_a_key_of_its_own(walker):
    claims = claims_for(key_client(issuer=walker.issuer), aud=walker.issuer)
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(claims)}
    asked = {"grant_type": "client_credentials", "scope": "notes:read", **proof}
    answer = walker.program.ask("POST", walker.metadata["token_endpoint"], asked)
    assert answer.status_code == 200, answer.content
    again = walker.program.ask("POST", walker.metadata["token_endpoint"], asked)
    assert again.status_code == 401, "an assertion counts once"


def test_signing_out(walker):
    walker.register()
    walker.tokens()
    url, page = walker.person.follow(walker.metadata["end_session_endpoint"], until=CALLBACK)
    response = walker.person.ask(
        "POST",
        f"{walker.issuer}/oauth/end-session/decision",
        {
            "decision": "sign_out",
            "csrfmiddlewaretoken": page.content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0],
        },
    )
    assert "signed out" in response.content.decode()
    asked = parameters(urljoin(url, walker.person.get(walker.request(prompt="none"))["Location"]))
    assert asked["error"] == "login_required"


def test_another_host_is_answered_by_no_issuer_where_the_host_decides(walker):
    if len(ISSUERS) > 1:
        settings.ALLOWED_HOSTS = ["*"]
        assert walker.program.get("https://third.example/oauth/jwks").status_code == 404


def test_names_of_urls_lead_to_the_same_addresses():
    from django_oauth_server.registry import issuers

    for issuer in issuers():
        assert issuer.url("token") == f"{issuer}/oauth/token"
        assert reverse("oauth_server:token", current_app=issuer.namespace) == f"{issuer.path}/oauth/token"


def test_the_system_checks_have_nothing_to_say():
    mine = [one for one in run_checks(include_deployment_checks=True) if str(one.id).startswith("oauth_")]
    mine = [one for one in mine if one.level >= WARNING and one.id != "oauth_server.W007" and not one.is_silenced()]
    assert mine == []
