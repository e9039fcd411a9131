"""Bearer tokens of others, beside ours: left to who knows them where the project says so, and never one that may be ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils import timezone
from ninja import NinjaAPI
from ninja.security import HttpBearer
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.verifiers.chain import ChainVerifier
from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.tokens.formats.at_jwt import AccessTokenJWT
from django_oauth_server.verifier import LocalVerifier
from tests.factories import TokenFactory
from tests.resource.verifiers import KnownTokens, Person

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

ELSEWHERE = FakeIssuer("https://elsewhere.example", audience="https://api.example")
KEYS = {
    "hexadecimal": "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
    "with dots": "SG.abcdefghijk.lmnopqrstuv",
    "outside the grammar": "user:key$",
    "another issuer's JWT": ELSEWHERE.token("notes:read", sub="x"),
    "encrypted": "a.b.c.d.e",
}


class Theirs(BaseAuthentication):
    def authenticate(self, request: Request):
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return (Person(), presented) if presented in KEYS.values() else None


class TheirKeys(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        return token if token in KEYS.values() else None

    def __call__(self, request: HttpRequest):
        presented = request.headers.get("Authorization", "")
        return self.authenticate(request, presented.removeprefix("Bearer ")) if presented else None


class View(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response("in")


OURS_FIRST, THEIRS_FIRST = [drf.BearerAuthentication, Theirs], [Theirs, drf.BearerAuthentication]
api = NinjaAPI(urls_namespace="foreign")


@api.get("ours-first", auth=[ninja.requires("notes:read"), TheirKeys()])
def ours_first(request: HttpRequest) -> str:
    return "in"


@api.get("theirs-first", auth=[TheirKeys(), ninja.requires("notes:read")])
def theirs_first(request: HttpRequest) -> str:
    return "in"


@api.get("async", auth=[ninja.requires("notes:read"), TheirKeys()])
async def async_operation(request: HttpRequest) -> str:
    return "in"


@api.get("ours-alone", auth=ninja.requires("notes:read"))
def ours_alone(request: HttpRequest) -> str:
    return "in"


@protected_resource("notes:read")
def function(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


urlpatterns = [
    path("rest/ours-first", View.as_view(authentication_classes=OURS_FIRST)),
    path("rest/theirs-first", View.as_view(authentication_classes=THEIRS_FIRST)),
    path("rest/ours-alone", View.as_view(authentication_classes=[drf.BearerAuthentication])),
    path(
        "rest/required",
        View.as_view(authentication_classes=OURS_FIRST, permission_classes=[drf.requires("notes:read")]),
    ),
    path("rest/signed-in", View.as_view(authentication_classes=OURS_FIRST, permission_classes=[drf.SignedIn])),
    path("rest/open", View.as_view(authentication_classes=OURS_FIRST, permission_classes=[AllowAny])),
    path("ninja/", api.urls),
    path("function", function),
]
BESIDE_THEIRS = [
    "/rest/ours-first",
    "/rest/theirs-first",
    "/ninja/ours-first",
    "/ninja/theirs-first",
    "/ninja/async",
]
ALONE = ["/rest/ours-alone", "/ninja/ours-alone", "/function"]


@pytest.fixture(autouse=True)
def local(settings):
    settings.OAUTH_RESOURCE_SERVER = {"leave_foreign_tokens": True}


def ask(at: str, token: str) -> HttpResponse:
    return Client().get(at, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("at", BESIDE_THEIRS)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_what_cannot_be_ours_is_left_to_who_knows_it(at, key):
    assert ask(at, key).status_code == 200


def test_the_loop_leaves_it_too():
    sent = async_to_sync(AsyncClient().get)("/ninja/async", headers={"Authorization": f"Bearer {KEYS['hexadecimal']}"})
    assert sent.status_code == 200


@pytest.mark.parametrize("at", ["/rest/ours-first", "/ninja/ours-first"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_unless_the_project_says_so_it_is_refused_at_once(settings, at, key):
    settings.OAUTH_RESOURCE_SERVER = {}
    assert ask(at, key).status_code == 401


@pytest.mark.parametrize("at", ALONE)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.spec("RFC 6750", "3.1")
def test_a_token_that_nobody_knows_is_told_to_be_invalid(at, key):
    response = ask(at, key)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_a_key_of_theirs_has_no_scope_and_is_no_session():
    assert ask("/rest/required", KEYS["hexadecimal"]).status_code == 403
    assert ask("/rest/signed-in", KEYS["hexadecimal"]).status_code == 403


def _ours(**row: object) -> str:
    row.setdefault("scope", "notes:read")
    return TokenFactory(**row).value


def _jwt(**claims: object) -> str:
    row = TokenFactory(scope="notes:read")
    return AccessTokenJWT().render(row, row.value, default_issuer())


def _signed(typ: str, **claims: object) -> str:
    now = int(timezone.now().timestamp())
    said = {"iss": "https://as.example", "sub": "1", "aud": "https://as.example", "client_id": "app", "jti": "x"}
    return jose.sign(said | {"iat": now, "exp": now + 300} | claims, signing_key(default_issuer()), typ=typ)


RECOGNIZABLE = {
    "unknown": lambda: "oas_at_" + "a" * 43,
    "short": lambda: "oas_at_x",
    "outside the grammar": lambda: "oas_at_x$",
    "a refresh token": lambda: "oas_rt_" + "a" * 43,
    "a client secret": lambda: "oas_cs_" + "a" * 43,
    "expired": lambda: _ours(issued_at=timezone.now() - timedelta(days=1)),
    "for another": lambda: _ours(audience=["https://api.example/mail"]),
    "a tampered JWT": lambda: _jwt()[:-8] + "AAAAAAAA",
    "an expired JWT": lambda: _signed("at+jwt", exp=1),
    "an ID token": lambda: _signed("JWT"),
    "unsigned": lambda: "eyJhbGciOiJub25lIn0." + _signed("JWT").split(".")[1] + ".",
}


@pytest.mark.parametrize("at", [*BESIDE_THEIRS, "/rest/open", *ALONE])
@pytest.mark.parametrize("make", RECOGNIZABLE.values(), ids=RECOGNIZABLE)
def test_what_may_be_ours_is_left_to_nobody(monkeypatch, at, make):
    token = make()
    if "theirs-first" not in at:
        monkeypatch.setitem(KEYS, "ours", token)  # whoever else would know it
    response = ask(at, token)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("at", BESIDE_THEIRS)
def test_ours_open_as_before(at):
    assert ask(at, _ours()).status_code == 200


def test_nobody_is_asked_about_what_cannot_be_ours(django_assert_num_queries):
    with django_assert_num_queries(0):
        ask("/rest/ours-first", KEYS["hexadecimal"])


AS = "https://as.example"
NAMING_AS = FakeIssuer(AS, audience="https://api.example").token("a", sub="x")
JWKS, ASKED = JWKSVerifier(AS), IntrospectionVerifier(AS, client_id="api", client_secret="s")


@pytest.mark.parametrize(
    "verifier, key, jwt, ours",
    [
        (LocalVerifier(), False, False, True),
        (JWKS, False, False, True),
        (ASKED, True, False, True),
        (ChainVerifier(JWKS), False, False, True),
        (ChainVerifier(JWKS, opaque=ASKED), True, False, True),
        (ChainVerifier(JWKS, opaque=LocalVerifier()), False, False, True),
        (ChainVerifier(by_issuer={AS: KnownTokens()}), False, False, True),
        (ELSEWHERE.verifier(), False, True, False),
    ],
    ids=[
        "local",
        "keys",
        "introspection",
        "chain",
        "asked in a chain",
        "local in a chain",
        "silent in a chain",
        "fake",
    ],
)
def test_each_verifier_says_what_may_be_its_own(verifier, key, jwt, ours):
    assert verifier.may_be_ours(KEYS["hexadecimal"]) is key
    assert verifier.may_be_ours(KEYS["another issuer's JWT"]) is jwt
    assert verifier.may_be_ours(NAMING_AS) is ours
    assert verifier.may_be_ours("oas_at_x") is True


def test_a_verifier_that_does_not_say_may_know_every_token(settings):
    settings.OAUTH_RESOURCE_SERVER = {"verifier": KnownTokens(), "leave_foreign_tokens": True}
    assert ask("/rest/ours-first", KEYS["hexadecimal"]).status_code == 401
