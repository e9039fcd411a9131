"""A database that does not answer: what programs, people and other servers are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser

from django_oauth_server.grants.device_code import DeviceCode
from tests.factories import ClientFactory, TokenFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db
WORDS = "server closed the connection unexpectedly"
FORM = "application/x-www-form-urlencoded"
AS_CLIENT = {"client_id": "a", "client_secret": "b"}


def _refuse(execute: Callable[..., Any], *statement: Any) -> Any:
    raise OperationalError(WORDS)


@contextmanager
def outage() -> Iterator[None]:
    with connection.execute_wrapper(_refuse):
        yield


def _ask(path: str, form: dict[str, str] | None, **more: Any) -> Any:
    """As a program does; nothing that the server raises is raised here."""
    program = Browser(raise_request_exception=False)
    return program.get(path, **more) if form is None else program.post(path, urlencode(form), FORM, **more)


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/oauth/token", {"grant_type": "client_credentials"} | AS_CLIENT),
        ("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"} | AS_CLIENT),
        ("/oauth/token", {"grant_type": "authorization_code", "code": "x"} | AS_CLIENT),
        ("/oauth/revoke", {"token": "x"} | AS_CLIENT),
        ("/oauth/introspect", {"token": "x"} | AS_CLIENT),
        ("/oauth/par", {"response_type": "code"} | AS_CLIENT),
        ("/oauth/device_authorization", {"scope": "notes:read"} | AS_CLIENT),
        ("/oauth/token", {"grant_type": DeviceCode.name, "device_code": "x"} | AS_CLIENT),
        ("/oauth/jwks", None),
        ("/oauth/health", None),
    ],
)
def test_programs_are_told_in_JSON_when_to_come_again(
    caplog: pytest.LogCaptureFixture, path: str, form: dict[str, str] | None
) -> None:
    with outage(), caplog.at_level(logging.INFO, logger="django_oauth_server"):
        response = _ask(path, form)

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert int(response["Retry-After"]) > 0
    assert response["Cache-Control"] == "no-store"
    assert WORDS not in response.content.decode()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "django_oauth_server"]
    assert WORDS in line, "operators are told the cause, once"


def test_so_are_those_who_present_a_token() -> None:
    token = TokenFactory(scope="openid")
    with outage():
        response = _ask("/oauth/userinfo", None, headers={"Authorization": f"Bearer {token.value}"})

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in response


@pytest.mark.urls("tests.resource.urls")
@pytest.mark.parametrize("where", ["function", "async-function", "class", "async-class", "rest-view", "rest-function"])
def test_no_protected_view_takes_a_good_token_for_a_bad_one(where: str) -> None:
    token = TokenFactory()
    with outage():
        response = _ask(f"/{where}", None, headers={"Authorization": f"Bearer {token.value}"})

    assert response.status_code == 503, response.content
    assert "Retry-After" in response
    assert "WWW-Authenticate" not in response


@pytest.mark.urls("tests.resource.ninja_urls")
def test_nor_does_an_operation_of_django_ninja() -> None:
    token = TokenFactory()
    with outage():
        response = _ask("/v3/notes", None, headers={"Authorization": f"Bearer {token.value}"})

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in response


@pytest.mark.parametrize(
    "path",
    ["/oauth/authorize?client_id=x", "/oauth/connected-apps/", "/oauth/end-session", "/device?user_code=BCDF-GHJK"],
)
def test_people_are_shown_a_page(browser: Browser, caplog: pytest.LogCaptureFixture, path: str) -> None:
    browser.raise_request_exception = False
    with outage():
        response = browser.get(path)

    page = response.content.decode()
    assert response.status_code == 503, page
    assert "Retry-After" in response
    assert "Try again in a moment" in page and "<h1>" in page
    (line,) = [record.getMessage() for record in caplog.records if record.name == "django_oauth_server"]
    assert WORDS in line
    assert line.rpartition("[")[2].rstrip("]") in page, "by this reference operators find the cause"


def test_a_page_of_the_projects_that_asks_the_database_is_left_out(
    browser: Browser, settings: Any, tmp_path: Any
) -> None:
    (tmp_path / "oauth_server").mkdir()
    (tmp_path / "oauth_server" / "error.html").write_text("Dear {{ request.user.username }}")
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    with outage():
        response = browser.get("/oauth/connected-apps/")

    assert (response.status_code, response["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert "Try again in a moment" in response.content.decode()


def test_a_person_who_decides_meanwhile_can_decide_again(browser: Browser) -> None:
    flow = Flow(ClientFactory(), browser)
    page = flow.authorize()
    browser.raise_request_exception = False
    with outage():
        assert flow.decide(page).status_code == 503

    assert flow.decide(page).status_code == 303


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])
def test_metadata_always_answers(path: str) -> None:
    with outage():
        assert _ask(path, None).status_code == 200


@pytest.mark.django_db(transaction=True)  # keys that are not committed are not remembered
@pytest.mark.spec("RFC 7517", "5")
def test_other_servers_find_the_keys_that_this_process_knows(caplog: pytest.LogCaptureFixture) -> None:
    known = [_ask("/oauth/jwks", None).json() for _ in ("made", "read")][-1]
    with outage():
        response = _ask("/oauth/jwks", None)

    assert (response.status_code, response.json()) == (200, known)
    assert response["Cache-Control"] == "public, max-age=10", "for a moment only"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert any(WORDS in record.getMessage() for record in caplog.records)


@pytest.mark.django_db(transaction=True)
def test_a_remembered_client_gets_JWTs_meanwhile() -> None:
    """Nothing is asked of the database for it, and nothing is stored."""
    client = ClientFactory(
        access_token_format="at+jwt", metadata__grant_types=["client_credentials"], metadata__response_types=[]
    )
    flow = Flow(client, Browser())
    assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200
    with outage():
        assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200


def test_health_says_that_tokens_could_be_issued(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        response = _ask("/oauth/health", None)

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"


def test_health_notices_a_database_that_can_only_be_read() -> None:
    def read_only(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        return execute(sql, *more) if sql.startswith("SELECT") else _refuse(execute)

    with connection.execute_wrapper(read_only):
        assert _ask("/oauth/health", None).status_code == 503
