"""Clients whose row names what this server does not have."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client as Browser

from django_oauth_server.conf import Resource
from django_oauth_server.models import Client
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("column", ["profile", "access_token_format"])]


def broken(column: str, **more: Any) -> Any:
    client = ClientFactory(metadata__grant_types=["client_credentials", "authorization_code"], **more)
    Client.objects.filter(pk=client.pk).update(**{column: "fapi9"})
    return client


@pytest.mark.spec("RFC 6749", "5.2")
def test_they_are_refused_and_the_log_says_why(column: str, caplog: pytest.LogCaptureFixture) -> None:
    flow = Flow(broken(column), Browser())
    answer = flow.token(grant_type="client_credentials", scope="notes:read")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert (
        f"unknown {column.replace('_', ' ').replace('profile', 'security profile')} 'fapi9'. Known:" in caplog.text
        and flow.client.client_id in caplog.text
    )


def test_a_person_is_told_before_they_decide(column: str, browser: Browser) -> None:
    answer = Flow(broken(column), browser).authorize()
    assert (answer.status_code, "something that this server does not offer" in answer.content.decode()) == (400, True)


def test_nothing_else_falls_over(column: str, browser: Browser) -> None:
    flow = Flow(broken(column, metadata__post_logout_redirect_uris=["https://client.example/bye"]), browser)
    assert not flow.is_active("oas_at_nothing")
    assert flow.revoke("oas_at_nothing").status_code == 200
    bye = {"client_id": flow.client.client_id, "post_logout_redirect_uri": "https://client.example/bye"}
    assert browser.get("/oauth/end-session", bye).status_code == 200


def test_the_admin_names_them_and_lets_them_be_mended(column: str, admin_client: Browser) -> None:
    client = broken(column)
    at = "/admin/django_oauth_server/client/"
    assert "unknown profile or token format" in admin_client.get(at).content.decode()
    assert admin_client.get(f"{at}{client.pk}/change/").status_code == 200


def test_a_check_of_the_database_names_them(column: str) -> None:
    client = broken(column)
    found = [message.msg for message in run_checks(databases=["default"]) if message.id == "oauth_server.W012"]
    assert len(found) == 1 and client.client_id in found[0] and "fapi9" in found[0]
    assert not [message for message in run_checks() if message.id == "oauth_server.W012"]


def test_a_format_that_a_resource_names_is_checked(column: str, settings: Any) -> None:
    api = {"https://api.example": Resource("API", access_token_format="fapi9")}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": api}
    assert "oauth_server.E002" in {message.id for message in run_checks()}
