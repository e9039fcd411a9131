"""Every page leaves with the headers that keep it from being framed, kept, scripted or told about."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from django_oauth_server.endpoints.pages import render_page

ERROR = {"heading": "This app sent an invalid request", "explanation": "The app made a mistake."}


def page(**options: bool) -> HttpResponse:
    return render_page(RequestFactory().get("/"), "oauth_server/error.html", ERROR, **options)


def policy(response: HttpResponse) -> dict[str, str]:
    directives = (directive.split(" ", 1) for directive in response["Content-Security-Policy"].split("; "))
    return {directive[0]: directive[1] for directive in directives}


@pytest.mark.spec("OAuth 2.1", "7.11")
def test_no_page_can_be_framed() -> None:
    response = page()
    assert policy(response)["frame-ancestors"] == "'none'"
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.spec("RFC 9700", "4.2.4")
def test_no_page_loads_from_elsewhere_or_is_kept() -> None:
    response = page()
    assert policy(response) == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.spec("RFC 9700", "4.2.4")
def test_other_sites_are_told_no_address() -> None:
    assert page()["Referrer-Policy"] == "same-origin"


def test_a_form_that_leads_to_an_app_may_do_so() -> None:
    assert "form-action" not in policy(page(to_client=True))


def test_a_script_runs_on_the_page_that_brings_one() -> None:
    assert policy(page(script=True))["script-src"] == "'self'"


@pytest.mark.parametrize(
    ("static_url", "source"),
    [
        ("/static/", "'self'"),
        ("https://static.example/v1/", "'self' https://static.example"),
        ("https://static.example:8443/", "'self' https://static.example:8443"),
        ("//static.example/", "'self' static.example"),
    ],
)
def test_static_files_may_come_from_another_origin(settings: object, static_url: str, source: str) -> None:
    settings.STATIC_URL = static_url  # type: ignore[attr-defined]
    found = policy(page(script=True))
    assert found["style-src"] == found["img-src"] == found["script-src"] == source


def test_the_status_is_the_one_asked_for() -> None:
    assert render_page(RequestFactory().get("/"), "oauth_server/error.html", ERROR, status=400).status_code == 400


def test_a_page_loads_the_frames_that_it_names_and_no_address_writes_into_the_policy() -> None:
    named = ["https://b.example/x?y=z", "https://a.example:8443/", "https://a.example;sandbox/", "https://c.example,x/"]
    found = page(frames=named)["Content-Security-Policy"]
    assert "frame-src https://a.example:8443 https://b.example;" in found
    assert "sandbox" not in found and "c.example" not in found
