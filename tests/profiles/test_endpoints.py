"""Endpoint × profile: what each lets through, and that binding an issuer or a client to a tighter one tightens each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import validate
from django_oauth_server.conf import OAUTH2_1, Policy
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.models import Ticket
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory, UserFactory
from tests.flow import VERIFIER, Flow, answered

pytestmark = pytest.mark.django_db

LOOSE = {
    "metadata__grant_types": ["authorization_code", "refresh_token", "implicit", "password"],
    "metadata__response_types": ["code", "token"],
}
UNPROVEN = {"public": True, "metadata__redirect_uris": ["http://127.0.0.1/callback"]}


class Project:
    """A person, and clients that are bound to a profile."""

    def __init__(self, bound: str) -> None:
        self.bound = bound
        self.person = UserFactory()

    def flow(self, **client: Any) -> Flow:
        browser = Browser()
        browser.force_login(self.person)
        return Flow(ClientFactory(profile=self.bound, **client), browser)


def _asks(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


def a_code_without_pkce(project: Project) -> bool:
    return _asks(project.flow().authorize(code_challenge=None, code_challenge_method=None))


def a_code_without_pkce_for_a_public_client(project: Project) -> bool:
    return _asks(project.flow(public=True).authorize(code_challenge=None, code_challenge_method=None))


def a_plain_challenge(project: Project) -> bool:
    return _asks(project.flow().authorize(code_challenge=VERIFIER, code_challenge_method="plain"))


def a_token_from_the_authorization_endpoint(project: Project) -> bool:
    flow = project.flow(**LOOSE)
    response = flow.authorize(response_type="token", code_challenge=None, code_challenge_method=None)
    return _asks(response) and "access_token" in answered(flow.decide(response))


def a_token_for_a_password(project: Project) -> bool:
    asked = {"username": project.person.username, "password": "password", "scope": "notes:read"}
    return project.flow(**LOOSE).token(grant_type="password", **asked).status_code == 200


def an_http_redirect_uri(project: Project) -> bool:
    document = {"redirect_uris": ["http://client.example/callback"]}
    try:
        validate(document, terms_of(default_issuer(), project.bound))
    except InvalidClientMetadata:
        return False
    return True


def silence_for_a_client_that_anybody_could_be(project: Project) -> bool:
    flow = project.flow(**UNPROVEN)
    flow.code()
    return not _asks(flow.authorize())


def a_refresh_token_that_is_not_rotated(project: Project) -> bool:
    flow = project.flow()
    first = flow.tokens()["refresh_token"]
    return flow.refresh(first).json()["refresh_token"] == first


def a_code_that_lives_five_minutes(project: Project) -> bool:
    project.flow().code()
    ticket = Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE).latest("pk")
    return ticket.expires_at - ticket.created_at == timedelta(minutes=5)


def a_code_with_s256(project: Project) -> bool:
    flow = project.flow()
    return flow.exchange(flow.code()).status_code == 200


Deed = Callable[[Project], bool]

LETS_THROUGH: list[tuple[Deed, bool, bool]] = [
    # what                                    oauth2_1  legacy
    (a_code_with_s256, True, True),
    (a_code_without_pkce, False, True),
    (a_code_without_pkce_for_a_public_client, False, False),
    (a_plain_challenge, False, True),
    (a_token_from_the_authorization_endpoint, False, True),
    (a_token_for_a_password, False, True),
    (an_http_redirect_uri, False, True),
    (silence_for_a_client_that_anybody_could_be, False, True),
    (a_refresh_token_that_is_not_rotated, True, True),
    (a_code_that_lives_five_minutes, True, True),
]
STRICT = replace(
    OAUTH2_1, name="strict", require_refresh_token_rotation=True, maximum_code_lifetime=timedelta(seconds=30)
)


def configure(settings: Any, **more: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"code_lifetime": timedelta(minutes=5)} | more


@pytest.mark.parametrize(
    ("profile", "deed", "expected"),
    [("oauth2_1", deed, default) for deed, default, _ in LETS_THROUGH]
    + [("legacy", deed, legacy) for deed, _, legacy in LETS_THROUGH],
)
def test_what_a_profile_lets_through(settings: Any, profile: str, deed: Deed, expected: bool) -> None:
    configure(settings, profile=profile)
    assert deed(Project("")) is expected


@pytest.mark.parametrize(("deed", "expected"), [(deed, default) for deed, default, _ in LETS_THROUGH])
def test_a_client_that_is_bound_to_a_tighter_profile(settings: Any, deed: Deed, expected: bool) -> None:
    configure(settings, profile="legacy")
    assert deed(Project("oauth2_1")) is expected


@pytest.mark.parametrize(("deed", "expected"), [(deed, default) for deed, default, _ in LETS_THROUGH])
def test_a_client_that_is_bound_to_a_looser_profile_gains_nothing(settings: Any, deed: Deed, expected: bool) -> None:
    configure(settings)
    assert deed(Project("legacy")) is expected


@pytest.mark.parametrize(("deed", "expected"), [(deed, default) for deed, default, _ in LETS_THROUGH])
def test_an_issuer_with_a_tighter_policy_of_its_own(settings: Any, deed: Deed, expected: bool) -> None:
    configure(settings, profile="legacy", policy=OAUTH2_1)
    assert deed(Project("")) is expected


@pytest.mark.parametrize("deed", [deed for deed, *_ in LETS_THROUGH])
def test_a_policy_may_be_tighter_than_any_profile(settings: Any, deed: Deed) -> None:
    configure(settings, policy=STRICT)
    assert deed(Project("")) is (deed is a_code_with_s256)


@pytest.mark.parametrize(
    "loose", [replace(STRICT, name="loose", **{name: True}) for name in ("allow_password", "allow_implicit")]
)
def test_a_policy_of_its_own_never_loosens_the_profile(settings: Any, loose: Policy) -> None:
    configure(settings, policy=loose)
    assert not a_token_for_a_password(Project(""))
    assert not a_token_from_the_authorization_endpoint(Project(""))
