"""An answer is a value: a component of a deployment answers with any status, media type and headers, and refuses with headers too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import clear_url_caches

from django_oauth_server.component import Component, Endpoint
from django_oauth_server.endpoints.http import form_parameters, protocol_endpoint
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


class StampNeeded(OAuthError):
    """Clients meet it once, and learn from it what to send."""

    error = "stamp_needed"
    status = 402
    is_ordinary = True

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Stamp": "first", "WWW-Authenticate": "Stamp"}


class PostOffice(Component):
    """An endpoint whose answers are letters."""

    name = "post_office"
    request_headers = frozenset({"Stamp"})
    response_headers = frozenset({"Stamp", "Postmark"})
    endpoints = (
        Endpoint("letter", "oauth/letter", f"{__name__}.letter"),
        Endpoint("quiet", "oauth/quiet", f"{__name__}.quiet"),
    )


@protocol_endpoint(cors=True)
def letter(http: HttpRequest, issuer: Issuer) -> Answer:
    if "Stamp" not in http.headers:
        raise StampNeeded("A stamp is needed.")
    text = form_parameters(http).get("text", "")
    return Answer(body=f"<letter>{text}</letter>", media_type="application/xml", status=202, headers={"Postmark": "7"})


@protocol_endpoint(cors=False, methods=("GET", "HEAD"))
def quiet(http: HttpRequest, issuer: Issuer) -> Answer:
    return Answer(status=204, headers={"Cache-Control": "public, max-age=60"})


@pytest.fixture(autouse=True)
def _open(settings: Any) -> Iterator[None]:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.PostOffice"]}
    _reload_urls()
    yield
    _reload_urls()


def _reload_urls() -> None:
    sys.modules.pop("django_oauth_server.urls", None)
    sys.modules.pop("tests.urls", None)
    clear_url_caches()


def post(path: str = "/oauth/letter", body: str = "text=hello", **headers: str) -> HttpResponse:
    return Browser().post(path, body, content_type=FORM, headers=headers)


def names(value: str) -> set[str]:
    return set(value.split(", "))


def test_another_media_type_status_and_header() -> None:
    response = post(Stamp="yes")
    assert (response.status_code, response.content) == (202, b"<letter>hello</letter>")
    assert (response["Content-Type"], response["Postmark"]) == ("application/xml", "7")
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")


def test_an_answer_without_a_body_has_no_media_type() -> None:
    response = Browser().get("/oauth/quiet")
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    assert (response["Cache-Control"], response.get("Pragma")) == ("public, max-age=60", None)


def test_an_error_has_its_headers_and_status() -> None:
    response = post()
    assert (response.status_code, response.json()["error"]) == (402, "stamp_needed")
    assert (response["Stamp"], response["WWW-Authenticate"]) == ("first", "Stamp")


def test_an_ordinary_error_is_no_refusal_for_operators(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "django_oauth_server"):
        assert "error_reference" not in post().json()
        Browser().get("/oauth/letter")
    told = [(record.name, record.levelname) for record in caplog.records]
    assert told == [("django_oauth_server", "DEBUG"), ("django_oauth_server", "WARNING"), ("django.request", "WARNING")]


@pytest.mark.spec("RFC 9110", "15.5.6")
def test_another_method_is_told_which_would_do() -> None:
    response = Browser().get("/oauth/letter", headers={"Stamp": "yes"})
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
    assert Browser().post("/oauth/quiet")["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/oauth/letter", "/oauth/token", "/oauth/jwks"])
def test_scripts_of_other_origins_may_send_and_read_what_components_do(path: str) -> None:
    asked = Browser().options(path, headers={"Origin": "https://app.example"})
    assert {"Authorization", "Content-Type", "Stamp"} <= names(asked["Access-Control-Allow-Headers"])
    answered = Browser().get(path)
    assert {"WWW-Authenticate", "Retry-After", "Stamp", "Postmark"} <= names(answered["Access-Control-Expose-Headers"])


def test_where_no_other_origin_is_let_in_nothing_is_told() -> None:
    assert not [name for name in Browser().get("/oauth/quiet").headers if name.startswith("Access-Control-")]


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    ("body", "headers", "asked"),
    [("&client_id=nobody&client_secret=x", {}, False), ("", {"Authorization": "Basic bm9ib2R5Ong="}, True)],
)
def test_a_client_is_asked_for_the_header_that_it_used(body: str, headers: dict[str, str], asked: bool) -> None:
    response = post("/oauth/token", f"grant_type=client_credentials{body}", **headers)
    assert response.status_code == 401
    assert response.headers.get("WWW-Authenticate", "").startswith("Basic") is asked
