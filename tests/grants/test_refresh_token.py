"""Refreshing (RFC 6749 section 6, OAuth 2.1 section 4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_oauth_server.models import Authorization, Token
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def public(browser: Any) -> Flow:
    """A public client, whose refresh tokens are rotated."""
    return Flow(ClientFactory(public=True), browser)


def age(seconds: int) -> None:
    """Let time pass for every refresh token that was rotated."""
    for token in Token.objects.exclude(superseded_at=None):
        Token.objects.filter(pk=token.pk).update(superseded_at=token.superseded_at - timedelta(seconds=seconds))


def test_a_confidential_client_keeps_its_refresh_token(flow: Flow) -> None:
    bought = flow.tokens()
    refreshed = flow.refresh(bought["refresh_token"]).json()
    assert refreshed["refresh_token"] == bought["refresh_token"]
    assert refreshed["access_token"] != bought["access_token"]
    assert flow.refresh(bought["refresh_token"]).status_code == 200


def test_each_use_prolongs_it(flow: Flow) -> None:
    bought = flow.tokens()
    Token.objects.filter(kind="refresh").update(expires_at=Token.objects.latest("pk").issued_at + timedelta(minutes=1))
    flow.refresh(bought["refresh_token"])
    token = Token.objects.get(kind="refresh")
    assert token.expires_at - token.issued_at > timedelta(days=29)


@pytest.mark.parametrize(("hours", "moves"), [(0, False), (22, False), (23, True)])
def test_a_thirty_second_of_its_idle_time_passes_before_a_use_prolongs_it(flow: Flow, hours: int, moves: bool) -> None:
    refresh_token = flow.tokens()["refresh_token"]
    rows = Token.objects.filter(kind="refresh")
    before = rows.get().expires_at - timedelta(hours=hours)
    rows.update(expires_at=before)
    assert flow.refresh(refresh_token).status_code == 200
    assert (rows.get().expires_at > before) is moves


def test_a_use_after_the_lifetime_was_shortened_shortens_it_too(flow: Flow, settings: Any) -> None:
    refresh_token = flow.tokens()["refresh_token"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refresh_token_lifetime": timedelta(days=1)}
    assert flow.refresh(refresh_token).status_code == 200
    token = Token.objects.get(kind="refresh")
    assert token.expires_at - token.issued_at < timedelta(days=2)


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_public_clients_refresh_token_is_rotated(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()["refresh_token"]
    assert second != first
    assert public.refresh(second).status_code == 200


def test_an_honest_retry_gets_the_same_tokens(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    answers = [public.refresh(first).json() for _ in range(3)]
    assert len({answer["access_token"] for answer in answers}) == 1
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert Token.objects.count() == 4


def test_a_retry_that_asks_for_less_gets_less_beside_the_same_refresh_token(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    one, other = public.refresh(first).json(), public.refresh(first, scope="notes:read").json()
    assert one["refresh_token"] == other["refresh_token"]
    assert one["access_token"] != other["access_token"]
    assert other["scope"] == "notes:read"


def test_a_retry_survives_a_change_of_the_secret_key(public: Flow, settings: Any) -> None:
    first = public.tokens()["refresh_token"]
    answer = public.refresh(first).json()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    assert public.refresh(first).json()["refresh_token"] == answer["refresh_token"]


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_later_reuse_revokes_the_family(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()
    age(31)
    assert public.refresh(first).json()["error"] == "invalid_grant"
    assert public.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert not Token.objects.filter(revoked_at=None).exists()


@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("params", [{}, {"scope": "notes:read"}], ids=["the same", "less"])
def test_what_is_presented_again_after_its_successor_was_used_is_reuse_within_the_window_too(
    public: Flow, params: dict[str, str]
) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()
    third = public.refresh(second["refresh_token"]).json()
    assert public.refresh(first, **params).json()["error"] == "invalid_grant"
    assert public.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"
    assert not Token.objects.filter(revoked_at=None).exists()


def test_a_retry_is_honest_until_the_successor_is_used(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()["refresh_token"]
    assert public.refresh(first).json()["refresh_token"] == second
    third = public.refresh(second).json()["refresh_token"]
    assert public.refresh(second).json()["refresh_token"] == third


@pytest.mark.parametrize(("window", "status"), [(0, 400), (30, 200)])
def test_a_token_that_was_rotated_by_a_clock_ahead_was_rotated_just_now(
    public: Flow, settings: Any, window: int, status: int
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refresh_token_replay_window": timedelta(seconds=window)}
    first = public.tokens()["refresh_token"]
    public.refresh(first)
    age(-60)
    assert public.refresh(first).status_code == status


def test_reuse_of_a_family_leaves_the_persons_other_sign_ins_alone(public: Flow) -> None:
    first, other = public.tokens()["refresh_token"], public.tokens()["refresh_token"]
    public.refresh(first)
    age(31)
    public.refresh(first)
    assert public.refresh(other).status_code == 200


def test_no_window_means_reuse_at_once(public: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refresh_token_replay_window": timedelta()}
    first = public.tokens()["refresh_token"]
    assert public.refresh(first).status_code == 200
    assert public.refresh(first).json()["error"] == "invalid_grant"


@pytest.mark.spec("RFC 6749", "6")
def test_scope_narrows_the_access_token_and_never_widens(flow: Flow) -> None:
    refresh_token = flow.tokens(scope="notes:read notes:write")["refresh_token"]
    assert flow.refresh(refresh_token, scope="notes:read").json()["scope"] == "notes:read"
    assert flow.refresh(refresh_token, scope="email").json()["error"] == "invalid_scope"
    assert flow.refresh(refresh_token).json()["scope"] == "notes:read notes:write"


@pytest.mark.spec("OAuth 2.1", "4.3.3")
def test_the_new_refresh_token_has_the_scope_of_the_old(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first, scope="notes:read").json()["refresh_token"]
    assert public.refresh(second).json()["scope"] == "notes:read notes:write"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"refresh_token": None}, "invalid_request"),
        ({"refresh_token": "oas_rt_unknown"}, "invalid_grant"),
        ({"refresh_token": "x" * 10_000}, "invalid_grant"),
        ({"refresh_token": "ü"}, "invalid_grant"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"resource": "https://api.example/mail"}, "invalid_target"),
    ],
)
def test_refusals(public: Flow, params: dict[str, Any], error: str) -> None:
    first = public.tokens()["refresh_token"]
    assert public.refresh(first, **params).json()["error"] == error
    assert public.refresh(first).status_code == 200


def test_an_access_token_is_no_refresh_token(flow: Flow) -> None:
    assert flow.refresh(flow.tokens()["access_token"]).json()["error"] == "invalid_grant"


def test_another_clients_refresh_token_is_refused_and_lives_on(flow: Flow, browser: Any) -> None:
    refresh_token = flow.tokens()["refresh_token"]
    assert Flow(ClientFactory(), browser).refresh(refresh_token).json()["error"] == "invalid_grant"
    assert flow.refresh(refresh_token).status_code == 200


def disable_client(flow: Flow, user: Any) -> None:
    type(flow.client).objects.filter(pk=flow.client.pk).update(is_active=False)


def disable_user(flow: Flow, user: Any) -> None:
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def change_password(flow: Flow, user: Any) -> None:
    user.set_password("another")
    user.save()


def revoke_authorization(flow: Flow, user: Any) -> None:
    Authorization.objects.update(is_live=None)


@pytest.mark.parametrize("end", [disable_client, disable_user, change_password, revoke_authorization])
def test_what_ends_ends_at_once_on_every_path(flow: Flow, user: Any, end: Any) -> None:
    code = flow.code()
    bought = flow.tokens()
    caller = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), flow.browser)
    assert caller.is_active(bought["access_token"])
    end(flow, user)
    assert flow.refresh(bought["refresh_token"]).json()["error"] in {"invalid_grant", "invalid_client"}
    assert flow.exchange(code).json()["error"] in {"invalid_grant", "invalid_client"}
    assert not caller.is_active(bought["access_token"])


def test_a_changed_password_ends_nothing_where_the_deployment_says_so(flow: Flow, user: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"password_change_revokes": False}
    bought = flow.tokens()
    change_password(flow, user)
    assert flow.refresh(bought["refresh_token"]).status_code == 200
