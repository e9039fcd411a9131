"""Going back to django-oauth-toolkit: it accepts what lives here, by its own code."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client as Browser
from django.urls import include, path
from django.utils import timezone

from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.testing.factories import ClientFactory
from tests.adoption.toolkit import SECRET, Toolkit, adopt
from tests.factories import UserFactory
from tests.flow import Flow

urlpatterns = [path("", include("tests.urls"))]


@pytest.fixture(autouse=True)
def _adopting(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "adoption": {"source": "oauth_toolkit"}}
    settings.OAUTH2_PROVIDER = {"SCOPES": {"notes:read": "read", "notes:write": "write"}, "PKCE_REQUIRED": False}


def flow_of(application: Any) -> Flow:
    client = Client.objects.get(client_id=application.client_id)
    client.secret = SECRET
    return Flow(client, Browser())


def is_accepted(toolkit: Toolkit, token: str) -> bool:
    """Whether the toolkit's own code takes an access token."""
    from oauth2_provider.oauth2_backends import get_oauthlib_core

    request = HttpRequest()
    request.META = {"HTTP_AUTHORIZATION": f"Bearer {token}", "SERVER_NAME": "as.example", "SERVER_PORT": "443"}
    valid, _ = get_oauthlib_core().verify_request(request, scopes=["notes:read"])
    return bool(valid)


def refreshed(toolkit: Toolkit, application: Any, refresh: str) -> Any:
    """What the toolkit's own code answers."""
    from django.test import RequestFactory
    from oauth2_provider.views import TokenView

    told = base64.b64encode(f"{application.client_id}:{SECRET}".encode()).decode()
    asked = {"grant_type": "refresh_token", "refresh_token": refresh}
    return TokenView.as_view()(RequestFactory().post("/o/token/", asked, HTTP_AUTHORIZATION=f"Basic {told}"))


def test_a_dry_run_writes_nothing(toolkit: Toolkit):
    toolkit.needs("AccessToken", "token_checksum")
    application = toolkit.application()
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow_of(application).refresh(refresh)
    before = list(toolkit.model("AccessToken").objects.values())
    assert "1 access tokens that were issued here" in adopt("--undo")
    assert list(toolkit.model("AccessToken").objects.values()) == before


def test_what_an_older_version_cannot_know_is_said(toolkit: Toolkit):
    if toolkit.knows("RefreshToken", "token_checksum"):
        pytest.skip("this version can")
    application = toolkit.application(client_type="public")
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow_of(application).refresh(refresh)
    assert "tokens, because its version looks tokens up by their values" in adopt("--undo", "--apply")


def test_what_was_issued_here_is_good_there(toolkit: Toolkit):
    toolkit.needs("AccessToken", "token_checksum")
    application = toolkit.application(client_type="public")
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    issued = flow_of(application).refresh(refresh).json()
    adopt("--undo", "--apply")
    assert is_accepted(toolkit, issued["access_token"])


def test_and_can_be_refreshed_there(toolkit: Toolkit):
    toolkit.needs("RefreshToken", "token_checksum")
    application = toolkit.application()
    user = UserFactory()
    toolkit.pair(application, user)
    adopt("--apply")
    flow = flow_of(application)
    flow.browser.force_login(user)
    issued = flow.tokens(scope="notes:read")
    adopt("--undo", "--apply")
    answer = refreshed(toolkit, application, issued["refresh_token"])
    assert answer.status_code == 200, answer.content
    row = toolkit.model("RefreshToken").objects.latest("pk")
    assert row.user == user
    assert row.access_token.scope == "notes:read"


def test_a_second_time_nothing_is_new(toolkit: Toolkit):
    application = toolkit.application()
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow_of(application).refresh(refresh)
    adopt("--undo", "--apply")
    before = toolkit.model("AccessToken").objects.count(), toolkit.model("RefreshToken").objects.count()
    assert "nothing new" in adopt("--undo", "--apply")
    assert (toolkit.model("AccessToken").objects.count(), toolkit.model("RefreshToken").objects.count()) == before


def test_what_has_ended_here_ends_there(toolkit: Toolkit):
    application = toolkit.application(client_type="public")
    access, refresh = toolkit.pair(application, UserFactory())
    other, other_refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow = flow_of(application)
    flow.refresh(refresh)
    flow.revoke(other_refresh)
    adopt("--undo", "--apply")
    assert refreshed(toolkit, application, refresh).status_code == 400
    assert refreshed(toolkit, application, other_refresh).status_code == 400
    assert is_accepted(toolkit, access)
    assert not is_accepted(toolkit, other)


def test_what_a_person_removed_here_is_removed_there(toolkit: Toolkit):
    access, _ = toolkit.pair(toolkit.application(), UserFactory())
    adopt("--apply")
    revoke_authorizations(Authorization.objects.all(), timezone.now())
    adopt("--undo", "--apply")
    assert not is_accepted(toolkit, access)


def test_what_changed_of_a_client_changes_there(toolkit: Toolkit):
    application = toolkit.application()
    adopt("--apply")
    client = Client.objects.get(client_id=application.client_id)
    client.metadata["redirect_uris"].append("https://new.example/cb")
    client.save()
    assert "1 clients whose" in adopt("--undo", "--apply")
    application.refresh_from_db()
    assert "https://new.example/cb" in application.redirect_uris
    assert application.client_secret


def test_a_client_of_ours_is_registered_there_without_its_secret(toolkit: Toolkit):
    client = ClientFactory()
    said = adopt("--undo", "--apply")
    assert "Needs a new secret there" in said
    application = toolkit.model("Application").objects.get(client_id=client.client_id)
    assert application.authorization_grant_type == "authorization-code"
    assert application.client_type == "confidential"


def test_there_and_back_and_there_again(toolkit: Toolkit):
    toolkit.needs("RefreshToken", "token_checksum")
    application = toolkit.application()
    user = UserFactory()
    _, first = toolkit.pair(application, user)
    adopt("--apply")
    flow = flow_of(application)
    flow.browser.force_login(user)
    issued = flow.tokens(scope="notes:read")
    adopt("--undo", "--apply")
    import json

    back = json.loads(refreshed(toolkit, application, issued["refresh_token"]).content)
    adopt("--apply")
    assert flow.refresh(issued["refresh_token"]).status_code == 400
    assert flow.refresh(back["refresh_token"]).status_code == 200
    assert flow.refresh(first).status_code == 200
