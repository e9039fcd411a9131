"""Every mechanism, every refusal, both formats of token, WSGI and ASGI: the same status, body and header, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.formats.at_jwt import AccessTokenJWT
from tests.factories import ClientFactory, TokenFactory
from tests.flow import Flow
from tests.resource.refusal_urls import REQUIREMENT, TOLD

pytestmark = [pytest.mark.urls("tests.resource.refusal_urls"), pytest.mark.django_db(transaction=True)]

MECHANISMS = [
    "/rest-view",
    "/rest-viewset",
    "/rest-function",
    "/function",
    "/async-function",
    "/class",
    "/async-class",
    "/ninja/sync",
    "/ninja/async",
    "/prefix/sync",
    "/prefix/async",
]
FORMATS = ["opaque", "at+jwt"]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def prefix(settings: Any) -> None:
    settings.MIDDLEWARE = [
        *django_settings.MIDDLEWARE,
        "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware",
    ]
    settings.OAUTH_RESOURCE_SERVER = {"bindings": [], "protected_prefixes": {"/prefix/": REQUIREMENT}}


def wsgi(path: str, **more: Any) -> HttpResponse:
    return Client(enforce_csrf_checks=True).post(path, **more)


def asgi(path: str, **more: Any) -> HttpResponse:
    return async_to_sync(AsyncClient(enforce_csrf_checks=True).post)(path, **more)


class Presented:
    """A token that is good for everything, but for what a test changes; and how it is sent."""

    def __init__(self, form: str, /, acr: str = "phr", signed_in: timedelta = timedelta(0), **row: Any) -> None:
        row.setdefault("facts", {"acr": acr, "auth_time": int((timezone.now() - signed_in).timestamp())})
        self.form, self.row = form, TokenFactory(**row)
        self.value = self.row.value
        if form == "at+jwt":
            self.row.digest = AccessTokenJWT().digest(self.value)
            self.row.save()
            self.value = AccessTokenJWT().render(self.row, self.value, default_issuer())
        self.request: dict[str, Any] = {"headers": {"Authorization": f"Bearer {self.value}"}}

    def sent(self, authorization: str | None = None, **form: str) -> Presented:
        self.request = {"headers": {} if authorization is None else {"Authorization": authorization}}
        self.request |= {"data": urlencode(form), "content_type": FORM} if form else {}
        return self


def good(form: str) -> Presented:
    return Presented(form)


def none(form: str) -> Presented:
    return Presented(form).sent()


def malformed(form: str) -> Presented:
    token = Presented(form)
    return token.sent(f"Bearer {token.value} {token.value}")


def two_methods(form: str) -> Presented:
    token = Presented(form)
    return token.sent(f"Bearer {token.value}", access_token=token.value)


def unknown(form: str) -> Presented:
    token = Presented(form)
    return token.sent(f"Bearer {token.value[:-4]}AAAA")


def expired(form: str) -> Presented:
    return Presented(form, issued_at=timezone.now() - timedelta(minutes=16))


def revoked(form: str) -> Presented:
    client = ClientFactory()
    token = Presented(form, authorization__client=client)
    assert Flow(client, Client()).revoke(token.value).status_code == 200
    return token


def wrong_audience(form: str) -> Presented:
    return Presented(form, audience=["https://api.example/mail"])


def id_token(form: str) -> Presented:
    """What OpenID Connect hands to the client about the person: signed by the same key, and no access token."""
    token = Presented(form)
    claims = {"iss": "https://as.example", "sub": "1", "aud": "https://as.example", "client_id": "app", "jti": "x"}
    now = int(timezone.now().timestamp())
    claims |= {"iat": now, "exp": now + 300, "scope": "notes:write", "acr": "phr", "auth_time": now}
    return token.sent(f"Bearer {jose.sign(claims, signing_key(default_issuer()), typ='JWT')}")


def missing_scope(form: str) -> Presented:
    return Presented(form, scope="notes:read")


def stale(form: str) -> Presented:
    return Presented(form, signed_in=timedelta(minutes=6))


def wrong_acr(form: str) -> Presented:
    return Presented(form, acr="pwd")


def client_itself(form: str) -> Presented:
    return Presented(form, authorization=None, client=ClientFactory())


def told(status: int, error: str = "", description: str = "", more: str = "") -> tuple[int, dict[str, str], str]:
    body = {"error": error, "error_description": description} if error else {}
    words = f', error="{error}", error_description="{description}"' if error else ""
    metadata = ', resource_metadata="https://as.example/.well-known/oauth-protected-resource"'
    return status, body, f'Bearer realm="api"{words}{more}{metadata}'


SCOPE = ', scope="notes:write"'
INVALID = told(
    401, "invalid_token", "The access token is unknown, expired, revoked, or meant for another resource.", SCOPE
)
NO_PERSON = told(403, "insufficient_scope", "This needs an access token of a person.", SCOPE)
INSUFFICIENT = told(403, "insufficient_scope", "The access token does not allow this request.", SCOPE)
STEP_UP = told(
    401,
    "insufficient_user_authentication",
    "The person must sign in with a stronger method.",
    f'{SCOPE}, acr_values="phr", max_age="300"',
)
REFUSALS: list[tuple[Callable[[str], Presented], tuple[int, dict[str, str], str]]] = [
    (none, told(401, more=SCOPE)),
    (malformed, told(400, "invalid_request", "The Authorization header is not of the form: Bearer TOKEN.")),
    (two_methods, told(400, "invalid_request", "The access token is sent more than once.")),
    (unknown, INVALID),
    (expired, INVALID),
    (revoked, INVALID),
    (wrong_audience, INVALID),
    (id_token, INVALID),
    (missing_scope, INSUFFICIENT),
    (client_itself, NO_PERSON),
    (stale, STEP_UP),
    (wrong_acr, STEP_UP),
]


@pytest.mark.spec("MCP", "scope-selection-strategy", "scope-challenge-handling")
@pytest.mark.spec("RFC 6750", "3")
@pytest.mark.spec("RFC 9470", "3")
@pytest.mark.spec("RFC 9728", "5.1")
@pytest.mark.parametrize("server", [wsgi, asgi])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("make, expected", REFUSALS, ids=[make.__name__ for make, _ in REFUSALS])
def test_every_mechanism_refuses_alike(server, form, make, expected):
    request = make(form).request
    answers = {path: server(path, **request) for path in MECHANISMS}
    assert {path: _said(answer) for path, answer in answers.items()} == dict.fromkeys(MECHANISMS, expected)


@pytest.mark.parametrize("server", [wsgi, asgi])
@pytest.mark.parametrize("form", FORMATS)
def test_every_mechanism_lets_in_who_holds_enough(server, form):
    request = good(form).request
    answers = {path: server(path, **request) for path in MECHANISMS}
    assert {path: (answer.status_code, answer.json()) for path, answer in answers.items()} == dict.fromkeys(
        MECHANISMS, (200, TOLD)
    )


def _said(answer: HttpResponse) -> tuple[int, dict[str, str], str]:
    return answer.status_code, answer.json(), answer["WWW-Authenticate"]
