"""Refreshing (RFC 6749 section 6, OAuth 2.1 section 4.3)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

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


@contextmanager
def later(**span: int) -> Iterator[None]:
    """Let time pass."""
    then = timezone.now() + timedelta(**span)
    with mock.patch("django.utils.timezone.now", lambda: then):
        yield


def swept(**span: int) -> None:
    """All that is dead so much later is deleted."""
    with later(**span):
        call_command("cleartokens", verbosity=0, stdout=StringIO())


def living() -> QuerySet[Token]:
    return Token.objects.filter(revoked_at=None)


@pytest.fixture
def reused(public: Flow) -> tuple[str, str]:
    """A refresh token that was rotated, whose row is gone, and the one that its family has now."""
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()["refresh_token"]
    swept(hours=2)
    assert [one.kind for one in Token.objects.all()] == ["refresh"]
    return first, second


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
    with later(minutes=1):
        public.refresh(first)
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


@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("days", [1, 29])
def test_reuse_is_noticed_when_the_row_is_gone(public: Flow, reused: tuple[str, str], days: int) -> None:
    with later(days=days):
        assert public.refresh(reused[0]).json()["error"] == "invalid_grant"
        assert not living().exists()
        assert public.refresh(reused[1]).json()["error"] == "invalid_grant"


def test_a_session_that_refreshes_around_the_clock_keeps_few_rows(public: Flow) -> None:
    value = public.tokens()["refresh_token"]
    for hours in range(0, 100, 5):
        with later(hours=hours):
            value = public.refresh(value).json()["refresh_token"]
        swept(hours=hours)
    assert Token.objects.filter(kind="refresh").count() == 2
    with later(hours=100):
        assert public.refresh(value).status_code == 200


def test_reuse_is_noticed_by_what_a_former_secret_key_sealed(
    public: Flow, reused: tuple[str, str], settings: Any
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    with later(hours=3):
        public.refresh(reused[0])
    assert not living().exists()


def under(settings: Any, key: str, *former: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"key_encryption_key": key, "key_encryption_key_fallbacks": former}


def test_a_token_of_a_secret_that_is_gone_is_an_unknown_one(
    public: Flow, reused: tuple[str, str], settings: Any
) -> None:
    under(settings, "another" * 10)
    with later(hours=3):
        assert public.refresh(reused[0]).json()["error"] == "invalid_grant"
        assert public.refresh(reused[1]).status_code == 200


def test_what_a_former_secret_sealed_keeps_its_row_until_it_expires(public: Flow, settings: Any) -> None:
    under(settings, "former" * 10)
    first = public.tokens()["refresh_token"]
    under(settings, "another" * 10, "former" * 10)
    public.refresh(first)
    swept(days=2)
    under(settings, "another" * 10)
    with later(days=3):
        public.refresh(first)
    assert not living().exists()


def test_another_client_that_presents_it_ends_nothing(public: Flow, reused: tuple[str, str], browser: Any) -> None:
    other = Flow(ClientFactory(public=True), browser)
    with later(hours=3):
        assert other.refresh(reused[0]).json()["error"] == "invalid_grant"
    assert living().exists()


def changed(value: str, at: int) -> str:
    return value[:at] + ("B" if value[at] == "A" else "A") + value[at + 1 :]


def with_the_origin_of(origin: str, value: str) -> str:
    return value[:50] + origin[50:]


MADE_UP = {
    "random": lambda value: value[:50] + base64.urlsafe_b64encode(bytes(48)).decode(),
    "another secret part": lambda value: changed(value, 20),
    "another tag": lambda value: changed(value, 52),
    "another origin": lambda value: changed(value, 90),
    "its last character": lambda value: changed(value, len(value) - 1),
    "another origin of ours": lambda value: with_the_origin_of(value, "oas_rt_" + "x" * 43),
    "longer": lambda value: value + "A",
    "shorter": lambda value: value[:-4],
    "without": lambda value: value[:50],
    "padded": lambda value: value[:-2] + "==",
}


@pytest.mark.parametrize("change", MADE_UP.values(), ids=list(MADE_UP))
def test_a_made_up_value_ends_nothing_and_costs_what_an_unknown_one_does(
    public: Flow, reused: tuple[str, str], change: Any
) -> None:
    with later(hours=3):
        public.refresh("oas_rt_unknown")
        with CaptureQueriesContext(connection) as unknown:
            public.refresh("oas_rt_unknown")
        with CaptureQueriesContext(connection) as made_up:
            assert public.refresh(change(reused[0])).json()["error"] == "invalid_grant"
    assert len(made_up) == len(unknown)
    assert living().exists()


def test_what_was_made_a_moment_ago_is_no_reuse_though_the_database_has_not_seen_it(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    second = public.refresh(first).json()["refresh_token"]
    Token.objects.filter(kind="refresh", superseded_at=None).delete()
    Token.objects.filter(kind="refresh").update(superseded_at=None)  # as a standby has it that lags behind
    assert public.refresh(second).json()["error"] == "invalid_grant"
    assert living().exists()


def test_a_token_says_nothing_that_can_be_read_of_where_it_comes_from(public: Flow) -> None:
    first, other = public.tokens()["refresh_token"], public.tokens()["refresh_token"]
    token = Token.objects.filter(kind="refresh").latest("pk")
    told = base64.urlsafe_b64decode(other[50:])
    assert token.family is not None
    assert token.family.bytes not in told
    assert not {first[at : at + 8] for at in range(50, 107)} & {other[at : at + 8] for at in range(50, 107)}


@pytest.mark.spec("RFC 7009", "2.1")
def test_revoking_it_ends_the_family_too(public: Flow, reused: tuple[str, str]) -> None:
    with later(hours=3):
        assert public.revoke(reused[0]).status_code == 200
    assert not living().exists()


def test_reuse_of_a_row_that_has_expired_is_reuse(public: Flow) -> None:
    first = public.tokens()["refresh_token"]
    public.refresh(first)
    with later(minutes=10):
        public.refresh(first)
    assert not living().exists()
