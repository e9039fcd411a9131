"""What a project's sign-in page can say of the app that sent the person."""

from __future__ import annotations

from urllib.parse import unquote, urlencode

import pytest
from django.template import engines
from django.test import Client as Browser
from django.test import RequestFactory

from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db

PAGE = (
    "{% load oauth_server %}{% signing_in_for request as client %}"
    '{% if client %}{{ client.name }}{% include "oauth_server/client_links.html" %}{% else %}nobody{% endif %}'
)


def shown(back: str, *, method: str = "get") -> str:
    request = getattr(RequestFactory(), method)("/accounts/login/", {"next": back})
    return engines["django"].from_string(PAGE).render({}, request).strip()


@pytest.fixture
def app() -> object:
    return ClientFactory(
        metadata__client_name="Printer",
        metadata__policy_uri="https://printer.example/privacy",
        metadata__tos_uri="https://terms.example/printer",
    )


@pytest.mark.requirement(41)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("origin", ["", "https://as.example"])
def test_the_app_is_the_one_whose_request_waits(app: object, method: str, origin: str) -> None:
    query = urlencode({"response_type": "code", "client_id": app.client_id, "state": "a&b"})
    page = shown(f"{origin}/oauth/authorize?{query}", method=method)
    assert page.startswith("Printer")
    assert 'href="https://printer.example/privacy"' in page
    assert 'href="https://terms.example/printer"' in page


def test_also_where_the_request_is_too_long_for_an_address(app: object) -> None:
    back = Flow(app, Browser()).authorize(state="s" * 7000)["Location"].partition("next=")[2]
    assert shown(unquote(back)).startswith("Printer")


def test_it_is_described_as_on_the_consent_page(app: object) -> None:
    template = engines["django"].from_string(
        "{% load oauth_server %}{% signing_in_for request as client %}{{ client }}"
    )
    request = RequestFactory().get("/", {"next": f"/oauth/authorize?client_id={app.client_id}"})
    expected = engines["django"].from_string("{{ client }}").render({"client": describe_client(app, default_issuer())})
    assert template.render({}, request) == expected


@pytest.mark.parametrize(
    "back",
    [
        "",
        "/",
        "/oauth/authorize",
        "/oauth/authorize?client_id=",
        "/oauth/authorize?client_id=unknown",
        "/oauth/authorize?client_id={0}&client_id={0}",
        "/oauth/authorize?client_id={0}&broken=%",
        "/oauth/token?client_id={0}",
        "/elsewhere?client_id={0}",
        "https://other.example/oauth/authorize?client_id={0}",
        "//oauth/authorize?client_id={0}",
    ],
)
def test_nobody_is_named_where_no_app_is_known_to_ask(app: object, back: str) -> None:
    assert shown(back.format(app.client_id)) == "nobody"


def test_a_disabled_app_is_not_named() -> None:
    disabled = ClientFactory(is_active=False)
    assert shown(f"/oauth/authorize?client_id={disabled.client_id}") == "nobody"
