"""A JWT is verified without asking, and yet it ends when what it stands on ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client as Browser
from django.urls import include, path
from django.utils import timezone

from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.jose import unverified
from django_oauth_server.resource import revocations as announced
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.storage import announcements, clients, revocations, revoked
from django_oauth_server.testing.tokens import issue_token
from tests.factories import ClientFactory
from tests.flow import Flow

FORM = "application/x-www-form-urlencoded"

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]


@protected_resource("notes:read")
def notes(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


urlpatterns = [path("", include("tests.urls")), path("notes", notes)]


@pytest.fixture
def jwt_flow(flow: Flow) -> Flow:
    flow.client.access_token_format = "at+jwt"
    flow.client.save()
    return flow


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass in this process, which holds its snapshot as if another process had revoked."""
    now = [1000.0]
    monkeypatch.setattr(revoked, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def call(token: str) -> HttpResponse:
    return Browser(raise_request_exception=False).get("/notes", headers={"Authorization": f"Bearer {token}"})


def opens(token: str) -> bool:
    return call(token).status_code == 200


def revoke_it(flow: Flow, tokens: dict[str, Any]) -> None:
    assert flow.revoke(tokens["access_token"]).status_code == 200


def revoke_its_refresh_token(flow: Flow, tokens: dict[str, Any]) -> None:
    assert flow.revoke(tokens["refresh_token"]).status_code == 200


def replay_the_code(flow: Flow, tokens: dict[str, Any]) -> None:
    assert flow.exchange(tokens["code"]).status_code == 400


def remove_the_app(flow: Flow, tokens: dict[str, Any]) -> None:
    authorization = Authorization.objects.get()
    browser = Browser()
    browser.force_login(authorization.user)
    assert browser.post(f"/oauth/connected-apps/{authorization.grant_id}/remove", {"confirmed": "1"}).status_code < 400


def disable_the_client(flow: Flow, tokens: dict[str, Any]) -> None:
    clients.set_active([flow.client], active=False)


def save_the_client_disabled(flow: Flow, tokens: dict[str, Any]) -> None:
    flow.client.is_active = False
    flow.client.save()


def delete_the_client(flow: Flow, tokens: dict[str, Any]) -> None:
    Client.objects.get().delete()


def disable_the_user(flow: Flow, tokens: dict[str, Any]) -> None:
    user = get_user_model().objects.get()
    user.is_active = False
    user.save()


def change_the_password(flow: Flow, tokens: dict[str, Any]) -> None:
    user = get_user_model().objects.get()
    user.set_password("another")
    user.save(update_fields=["password"])


def delete_the_user(flow: Flow, tokens: dict[str, Any]) -> None:
    get_user_model().objects.get().delete()


CAUSES = [
    revoke_it,
    revoke_its_refresh_token,
    replay_the_code,
    remove_the_app,
    disable_the_client,
    save_the_client_disabled,
    delete_the_client,
    disable_the_user,
    change_the_password,
    delete_the_user,
]


def bought(flow: Flow) -> dict[str, Any]:
    code = flow.code()
    return flow.exchange(code).json() | {"code": code}


@pytest.mark.parametrize("end", CAUSES)
def test_a_jwt_ends_at_once_in_the_process_that_ends_it(jwt_flow, end):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    end(jwt_flow, tokens)
    response = call(tokens["access_token"])
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("end", CAUSES)
def test_another_process_refuses_it_within_the_delay(jwt_flow, end, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    monkeypatch.setattr(revocations, "look_again", lambda: None)  # whoever revokes is another process
    end(jwt_flow, tokens)
    process(2.4)
    assert opens(tokens["access_token"])
    process(2.5)
    assert not opens(tokens["access_token"])


@pytest.mark.parametrize("end", CAUSES)
def test_with_a_shared_cache_every_process_refuses_it_at_once(jwt_flow, end, process, monkeypatch, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    monkeypatch.setattr(revocations, "look_again", lambda: None)
    end(jwt_flow, tokens)
    assert not opens(tokens["access_token"])


def test_other_tokens_live_on(jwt_flow):
    first, second = bought(jwt_flow), bought(jwt_flow)
    revoke_it(jwt_flow, first)
    assert opens(second["access_token"])
    revoke_its_refresh_token(jwt_flow, first)
    assert opens(second["access_token"])


def test_a_client_that_is_enabled_again_has_its_tokens_back_as_opaque_ones_are(jwt_flow, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    tokens = bought(jwt_flow)
    clients.set_active([jwt_flow.client], active=False)
    assert not opens(tokens["access_token"])
    clients.set_active([jwt_flow.client], active=True)
    assert opens(tokens["access_token"])


def test_a_user_who_is_enabled_again_gets_tokens_that_work(jwt_flow, monkeypatch):
    tokens = bought(jwt_flow)
    disable_the_user(jwt_flow, tokens)
    get_user_model().objects.update(is_active=True)
    assert not opens(tokens["access_token"])
    Revocation.objects.update(issued_before=timezone.now() - timedelta(seconds=2))  # that was a while ago
    revoked.forget()
    assert opens(jwt_flow.refresh(tokens["refresh_token"]).json()["access_token"])


def test_whoever_allows_the_app_again_is_not_held_to_what_was_removed(jwt_flow):
    tokens = bought(jwt_flow)
    remove_the_app(jwt_flow, tokens)
    assert opens(bought(jwt_flow)["access_token"])
    assert not opens(tokens["access_token"])


@pytest.mark.parametrize("change", [{"last_name": "Doe"}, {"is_staff": True}])
def test_an_ordinary_change_of_a_user_ends_nothing(jwt_flow, change):
    tokens = bought(jwt_flow)
    user = get_user_model().objects.get()
    for name, value in change.items():
        setattr(user, name, value)
    user.save()
    assert opens(tokens["access_token"])
    assert not Revocation.objects.exists()


def test_an_issuer_may_leave_changed_passwords_alone(jwt_flow, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"password_change_revokes": False}
    tokens = bought(jwt_flow)
    change_the_password(jwt_flow, tokens)
    assert opens(tokens["access_token"])


def test_a_clients_own_jwt_ends_when_it_is_revoked_or_the_client_disabled(jwt_flow):
    jwt_flow.client.metadata |= {"grant_types": ["client_credentials"]}
    jwt_flow.client.save()
    own = [jwt_flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"] for _ in "ab"]
    assert all(map(opens, own))
    assert jwt_flow.revoke(own[0]).status_code == 200
    assert [opens(one) for one in own] == [False, True]
    clients.set_active([jwt_flow.client], active=False)
    assert not opens(own[1])


def test_a_cache_that_is_down_leaves_the_bound(jwt_flow, process, monkeypatch, settings, caplog):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    tokens = bought(jwt_flow)

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("down")

    for name in ("get_many", "set_many"):
        monkeypatch.setattr(type(caches["default"]), name, down)
    assert opens(tokens["access_token"])
    assert opens(tokens["access_token"])
    assert caplog.text.count("cannot be reached") == 1  # in a minute
    revoke_it(jwt_flow, tokens)
    assert not opens(tokens["access_token"])


def test_a_database_that_does_not_answer_is_an_outage_and_no_failure(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    process(6)

    def down(*_: object, **__: object) -> None:
        raise OperationalError("gone away")

    with connection.execute_wrapper(down):
        response = call(tokens["access_token"])
    assert (response.status_code, response.has_header("Retry-After")) == (503, True)
    assert opens(tokens["access_token"])


def test_a_delay_of_zero_looks_each_time(jwt_flow, settings, monkeypatch):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_delay": timedelta(0)}
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    monkeypatch.setattr(revocations, "look_again", lambda: None)
    revoke_it(jwt_flow, tokens)
    assert not opens(tokens["access_token"])


def test_a_row_lives_as_long_as_a_token_can_and_is_swept_then(jwt_flow):
    tokens = bought(jwt_flow)
    remove_the_app(jwt_flow, tokens)
    row = Revocation.objects.get()
    assert row.expires_at > Token.objects.filter(kind=Token.Kind.ACCESS).get().expires_at
    Revocation.objects.update(expires_at=timezone.now() - timedelta(hours=2))
    call_command("cleartokens", verbosity=0)
    assert not Revocation.objects.exists()


def test_an_opaque_token_needs_no_row(flow):
    tokens = bought(flow)
    revoke_it(flow, tokens)
    assert not Revocation.objects.exists()


def test_a_resource_server_that_shares_only_the_cache_can_ask_it(jwt_flow, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    claims = {"iss": "https://as.example", "client_id": jwt_flow.client.client_id, "jti": "x", "iat": 0}
    assert not announced.is_announced("default", announced.Marked.of(claims))
    clients.set_active([jwt_flow.client], active=False)
    assert announced.is_announced("default", announced.Marked.of(claims))


def test_a_client_that_is_made_anew_is_not_held_to_what_was_deleted(jwt_flow, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    clients.set_active([jwt_flow.client], active=False)
    client_id = jwt_flow.client.client_id
    Client.objects.get().delete()
    jwt_flow.client = ClientFactory(client_id=client_id, access_token_format="at+jwt")
    assert opens(bought(jwt_flow)["access_token"])


def test_a_client_that_is_made_anew_gives_nothing_back_to_the_one_before(jwt_flow, monkeypatch):
    tokens = bought(jwt_flow)
    client_id = jwt_flow.client.client_id
    later = timezone.now() + timedelta(seconds=3)
    monkeypatch.setattr(revocations.timezone, "now", lambda: later)
    Client.objects.get().delete()
    ClientFactory(client_id=client_id, access_token_format="at+jwt")
    assert not opens(tokens["access_token"])


@contextmanager
def clock_of(seconds: float) -> Iterator[None]:
    """What is written down in here was written so many seconds ago."""
    then = timezone.now() - timedelta(seconds=seconds)
    with mock.patch.object(revocations.timezone, "now", lambda: then):
        yield


@pytest.mark.parametrize("how", [{"is_active": False}, {"password": "another"}], ids=["disabled", "new password"])
def test_what_is_issued_before_the_person_is_shut_out_for_all_to_see_ends_too(jwt_flow, how):
    """An administrator's transaction that took three seconds, in which another process issued the token."""
    tokens = bought(jwt_flow)
    user = get_user_model().objects.get()
    user.is_active = how.get("is_active", True)
    if "password" in how:
        user.set_password(how["password"])
    with transaction.atomic(), clock_of(3):
        user.save()
    assert not opens(tokens["access_token"])
    assert Revocation.objects.count() == 1


@pytest.mark.parametrize("how", [{"is_active": False}, {"password": "another"}], ids=["disabled", "new password"])
def test_what_is_allowed_before_the_person_is_shut_out_for_all_to_see_ends_too(jwt_flow, how, user):
    """An administrator's transaction, beside which another process records the first thing that the person allows an app."""
    seen_by_the_other = get_user_model().objects.get(pk=user.pk)
    user.is_active = how.get("is_active", True)
    if "password" in how:
        user.set_password(how["password"])
    with transaction.atomic():
        user.save()
        token = issue_token(user=seen_by_the_other, client=jwt_flow.client, scopes="notes:read", format="at+jwt")
    assert not opens(token)


def test_a_person_may_be_disabled_and_deleted_in_one_transaction(jwt_flow, user, caplog):
    token = bought(jwt_flow)["access_token"]
    with transaction.atomic():
        user.is_active = False
        user.save()
        user.delete()
    assert not opens(token)
    assert "on_commit" not in caplog.text


def test_what_a_client_is_given_by_who_still_remembers_it_when_it_is_deleted_opens_nothing():
    """A process that shares no cache with the one that deletes it."""
    client = ClientFactory(access_token_format="at+jwt", metadata__grant_types=["client_credentials"])
    flow = Flow(client, Browser())
    assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200
    remembered = dict(clients._remembered)
    with clock_of(3):
        Client.objects.get().delete()
    generation = clients._generation(client.issuer)
    clients._remembered.update({key: one._replace(generation=generation) for key, one in remembered.items()})
    token = flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    assert not opens(token)
    client = ClientFactory(
        client_id=client.client_id, access_token_format="at+jwt", metadata__grant_types=["client_credentials"]
    )
    flow = Flow(client, Browser())
    assert opens(flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"])


def again_and_again(flow: Flow, tokens: dict[str, Any], end: Callable[[Flow, dict[str, Any]], object]) -> int:
    """How many rows tell of what *end* ended, once it was asked for ten times."""
    value = tokens["refresh_token"]
    for _ in range(3):
        value = flow.refresh(value).json().get("refresh_token", value)
    for _ in range(10):
        end(flow, tokens)
    return Revocation.objects.count()


def save_the_disabled_user(flow: Flow, tokens: dict[str, Any]) -> None:
    user = get_user_model().objects.get()
    user.is_active = False
    user.save()


@pytest.mark.parametrize(
    ("end", "marks"),
    [
        (revoke_it, 1),
        (revoke_its_refresh_token, 4),
        (lambda flow, tokens: flow.exchange(tokens["code"]), 4),
        (save_the_client_disabled, 1),
        (save_the_disabled_user, 1),
    ],
    ids=["access token", "refresh token", "code", "client", "person"],
)
@pytest.mark.spec("RFC 7009", "2.1")
def test_what_is_ended_again_is_not_marked_again(jwt_flow, end, marks):
    assert again_and_again(jwt_flow, bought(jwt_flow), end) == marks


def test_saving_a_disabled_user_again_writes_nothing(jwt_flow):
    save_the_disabled_user(jwt_flow, bought(jwt_flow))
    said = list(Revocation.objects.values())
    save_the_disabled_user(jwt_flow, {})
    assert list(Revocation.objects.values()) == said


def test_a_user_who_is_disabled_once_more_loses_what_was_issued_in_between(jwt_flow):
    tokens = bought(jwt_flow)
    save_the_disabled_user(jwt_flow, tokens)
    get_user_model().objects.update(is_active=True)
    Revocation.objects.update(issued_before=timezone.now() - timedelta(seconds=2))
    revoked.forget()
    later = jwt_flow.refresh(tokens["refresh_token"]).json()["access_token"]
    assert opens(later)
    save_the_disabled_user(jwt_flow, tokens)
    assert not opens(later)


def test_what_has_expired_is_not_marked(jwt_flow):
    tokens = bought(jwt_flow)
    Token.objects.filter(kind="access").update(expires_at=timezone.now() - timedelta(minutes=1))
    revoke_its_refresh_token(jwt_flow, tokens)
    assert not Revocation.objects.exists()


def test_opaque_tokens_of_a_family_need_no_rows(flow):
    revoke_its_refresh_token(flow, bought(flow))
    assert not Revocation.objects.exists()


def test_rows_of_earlier_versions_that_repeat_themselves_still_count(jwt_flow):
    tokens = bought(jwt_flow)
    revoke_it(jwt_flow, tokens)
    row = Revocation.objects.get()
    Revocation.objects.all().delete()
    Revocation.objects.bulk_create(Revocation(mark=row.mark, expires_at=row.expires_at) for _ in range(3))
    revoked.forget()
    assert not opens(tokens["access_token"])


def test_a_revocation_that_is_undone_is_forgotten(jwt_flow, process):
    tokens = bought(jwt_flow)
    with pytest.raises(RuntimeError), transaction.atomic():
        clients.set_active([Client.objects.get()], active=False)
        assert not opens(tokens["access_token"])
        raise RuntimeError
    process(3)
    assert opens(tokens["access_token"])


def test_a_revocation_that_took_an_hour_to_commit_is_found_within_the_delay(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    monkeypatch.setattr(revocations, "look_again", lambda: None)
    revoke_it(jwt_flow, tokens)
    Revocation.objects.update(created_at=timezone.now() - timedelta(hours=1))
    process(5)
    assert not opens(tokens["access_token"])


def test_only_what_is_new_is_read_again(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    Revocation.objects.bulk_create(
        Revocation(
            mark=str(number),
            once=str(number),
            expires_at=timezone.now() + timedelta(hours=1),
            announced_at=timezone.now() - timedelta(minutes=5),
        )
        for number in range(50)
    )
    read: list[int] = []
    news = revoked._news
    monkeypatch.setattr(revoked, "_news", lambda *args: (rows := news(*args), read.append(len(rows)))[0])
    revoke_it(jwt_flow, tokens)
    process(5)
    assert not opens(tokens["access_token"])
    assert read == [1]


def test_what_was_announced_long_ago_by_a_clock_that_is_behind_is_not_forgotten(jwt_flow, process):
    """Or by a statement that had to wait for another transaction."""
    tokens = bought(jwt_flow)
    revoke_it(jwt_flow, tokens)
    process(5)
    assert not opens(tokens["access_token"])
    Revocation.objects.update(announced_at=timezone.now() - timedelta(minutes=5))
    process(5)
    assert not opens(tokens["access_token"])


def test_nobody_waits_for_the_one_who_reads(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    process(3)
    with revoked._memory.turn:
        assert opens(tokens["access_token"])


def test_who_does_not_know_for_too_long_says_so(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    assert opens(tokens["access_token"])
    process(5)
    monkeypatch.setattr(revoked, "PATIENCE", 0.01)
    with revoked._memory.turn:
        assert call(tokens["access_token"]).status_code == 503
        asked = {"token": tokens["access_token"]}
        headers = {"Authorization": format_basic(jwt_flow.client.client_id, jwt_flow.client.secret)}
        assert (
            Browser().post("/oauth/introspect", urlencode(asked), content_type=FORM, headers=headers).status_code == 503
        )


@pytest.mark.parametrize("end", [revoke_its_refresh_token, replay_the_code])
def test_what_was_interrupted_half_way_is_done_the_next_time(jwt_flow, end, monkeypatch):
    tokens = bought(jwt_flow)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as interrupted:
        interrupted.setattr(revocations.Revocation.objects, "bulk_create", die)
        with pytest.raises(SystemExit):
            end(jwt_flow, tokens)
    assert opens(tokens["access_token"])
    end(jwt_flow, tokens)
    assert not opens(tokens["access_token"])
    assert Revocation.objects.count() == 1


def test_a_client_that_is_made_anew_has_nothing_of_the_one_before_at_introspection(jwt_flow):
    jwt_flow.client.metadata |= {"grant_types": ["client_credentials"]}
    jwt_flow.client.save()
    former = jwt_flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    assert jwt_flow.is_active(former)
    Client.objects.get().delete()
    later = timezone.now() + timedelta(seconds=3)
    with mock.patch("django.utils.timezone.now", lambda: later):
        jwt_flow.client = ClientFactory(
            client_id=jwt_flow.client.client_id,
            access_token_format="at+jwt",
            metadata__grant_types=["client_credentials"],
        )
        assert not jwt_flow.is_active(former)
        assert not opens(former)
        assert jwt_flow.is_active(
            jwt_flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
        )


def test_enabling_a_client_gives_nothing_back_to_the_one_before(jwt_flow):
    tokens = bought(jwt_flow)
    Client.objects.get().delete()
    later = timezone.now() + timedelta(seconds=3)
    with mock.patch("django.utils.timezone.now", lambda: later):
        anew = ClientFactory(client_id=jwt_flow.client.client_id)
        clients.set_active([anew], active=False)
        clients.set_active([anew], active=True)
        assert not opens(tokens["access_token"])


def test_what_was_withdrawn_is_good_in_every_process(jwt_flow, process, monkeypatch):
    tokens = bought(jwt_flow)
    clients.set_active([jwt_flow.client], active=False)
    assert not opens(tokens["access_token"])
    monkeypatch.setattr(revocations, "look_again", lambda: None)
    clients.set_active([jwt_flow.client], active=True)
    process(5)
    assert opens(tokens["access_token"])
    clients.set_active([jwt_flow.client], active=False)
    process(5)
    assert not opens(tokens["access_token"])


class Outage:
    """The cache, away and back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def begin(self, *, silently: bool = False) -> None:
        for name in ("get", "get_many", "set", "set_many", "add", "incr", "delete", "delete_many"):
            answer = self._down if not silently else self._nothing if name == "get_many" else self._none
            self._monkeypatch.setattr(type(caches["default"]), name, answer)

    def end(self) -> None:
        self._monkeypatch.undo()

    def _down(self, *_: object, **__: object) -> None:
        raise ConnectionError("down")

    def _nothing(self, *_: object, **__: object) -> dict[str, object]:
        return {}

    def _none(self, *_: object, **__: object) -> None:
        return None


@pytest.fixture
def outage(settings: Any) -> Outage:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    return Outage(pytest.MonkeyPatch())


def is_announced(token: str) -> bool:
    """Whether a verifier that shares only the cache refuses the token."""
    return announced.is_announced("default", announced.Marked.of(unverified(token)[1]))


@pytest.mark.parametrize("end", CAUSES)
def test_what_could_not_be_announced_is_announced_at_the_end_of_a_later_request(jwt_flow, outage, end, monkeypatch):
    tokens = bought(jwt_flow)
    outage.begin()
    end(jwt_flow, tokens)
    outage.end()
    monkeypatch.setattr(announcements, "_REST", 0.0)
    announcements._debt.not_before = 0.0  # a moment has passed
    Browser().get("/.well-known/oauth-authorization-server")
    assert is_announced(tokens["access_token"])
    assert not Revocation.objects.filter(announced_at=None).exists()


@pytest.mark.parametrize(
    "notice",
    [
        lambda flow, token: opens(token),
        lambda flow, token: flow.introspect(bought(flow)["access_token"]),
        lambda flow, token: flow.revoke(bought(flow)["access_token"]),
        lambda flow, token: call_command("cleartokens", verbosity=0),
    ],
    ids=["view", "introspection", "revocation", "command"],
)
def test_another_process_announces_what_the_one_that_revoked_did_not_live_to(jwt_flow, outage, notice):
    tokens = bought(jwt_flow)
    outage.begin()
    revoke_it(jwt_flow, tokens)
    outage.end()
    announcements.forget()
    revoked.forget()
    Revocation.objects.update(created_at=timezone.now() - timedelta(seconds=11))
    assert not is_announced(tokens["access_token"])
    notice(jwt_flow, tokens["access_token"])
    assert is_announced(tokens["access_token"])


def test_a_cache_that_says_nothing_while_it_is_away_is_told_once_it_is_back(jwt_flow, outage):
    """As django-redis does, where it is told to ignore exceptions, and clients of memcached."""
    tokens = bought(jwt_flow)
    revoke_it(jwt_flow, bought(jwt_flow))  # the cache was told of everything, and remembers that
    outage.begin(silently=True)
    revoke_it(jwt_flow, tokens)
    for _ in range(3):
        announcements._debt.not_before = 0.0  # a moment has passed
        assert not opens(tokens["access_token"])
    assert Revocation.objects.filter(announced_at=None).count() == 1, "what was told before is not told again meanwhile"
    outage.end()
    announcements._debt.not_before = 0.0
    Browser().get("/.well-known/oauth-authorization-server")
    assert is_announced(tokens["access_token"])


@pytest.mark.parametrize(
    "garbage", [b"bytes", "words", [1], {"a": 1}, object()], ids=lambda garbage: type(garbage).__name__
)
def test_a_cache_that_answers_garbage_is_away(jwt_flow, outage, monkeypatch, garbage):
    access_token, revoked = bought(jwt_flow)["access_token"], bought(jwt_flow)
    revoke_it(jwt_flow, revoked)
    for name, answer in {"get": lambda *_: garbage, "get_many": lambda _, keys: dict.fromkeys(keys, garbage)}.items():
        monkeypatch.setattr(type(caches["default"]), name, answer)
    assert opens(access_token) and jwt_flow.is_active(access_token)
    assert not opens(revoked["access_token"]) and not jwt_flow.is_active(revoked["access_token"])


@pytest.mark.parametrize(
    "notice",
    [lambda flow: opens(bought(flow)["access_token"]), lambda flow: flow.revoke(bought(flow)["access_token"])],
    ids=["view", "revocation"],
)
def test_a_cache_that_lost_its_memory_is_told_of_everything_again(jwt_flow, outage, process, notice):
    tokens = bought(jwt_flow)
    revoke_it(jwt_flow, tokens)
    assert is_announced(tokens["access_token"])
    caches["default"].clear()
    assert not is_announced(tokens["access_token"])
    process(3)
    announcements.forget()  # a moment has passed
    notice(jwt_flow)
    assert is_announced(tokens["access_token"])


def test_a_cache_that_was_told_of_everything_is_not_told_again(jwt_flow, outage, process, monkeypatch):
    revoke_it(jwt_flow, bought(jwt_flow))
    told: list[object] = []
    monkeypatch.setattr(announcements, "announce", lambda *args: told.append(args) or True)
    process(3)
    announcements.forget()
    assert opens(bought(jwt_flow)["access_token"])
    assert told == []


def test_a_client_that_was_enabled_while_the_cache_was_away_is_good_again(jwt_flow, outage):
    tokens = bought(jwt_flow)
    clients.set_active([jwt_flow.client], active=False)
    assert is_announced(tokens["access_token"])
    outage.begin()
    clients.set_active([jwt_flow.client], active=True)
    outage.end()
    announcements.announce_all()
    assert not is_announced(tokens["access_token"])


def machine() -> Flow:
    """A client whose own JWTs are stored nowhere."""
    return Flow(ClientFactory(access_token_format="at+jwt", metadata__grant_types=["client_credentials"]), Browser())


def own_token(flow: Flow) -> str:
    return str(flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"])


@pytest.mark.parametrize("options", [{}, {"update_fields": ["metadata"]}], ids=["whole", "one column"])
def test_saving_an_older_copy_does_not_enable_a_client_again(options):
    flow = machine()
    token, older = own_token(flow), Client.objects.get()
    clients.set_active([flow.client], active=False)
    older.metadata |= {"client_name": "Renamed"}
    older.save(**options)
    assert Client.objects.values_list("is_active", "metadata__client_name").get() == (False, "Renamed")
    assert not opens(token)


def test_saving_an_older_copy_does_not_disable_a_client_again():
    flow = machine()
    clients.set_active([flow.client], active=False)
    older = Client.objects.get()
    clients.set_active([flow.client], active=True)
    token = own_token(flow)
    older.save()
    assert Client.objects.get().is_active
    assert opens(token)


def test_a_client_is_disabled_and_enabled_by_saving_it():
    flow = machine()
    token, client = own_token(flow), Client.objects.get()
    for active in (False, True, False):
        client.is_active = active
        client.save()
        assert Client.objects.get().is_active is opens(token) is active


def test_introspection_and_the_verifier_agree_on_a_client_that_was_made_anew(monkeypatch):
    flow = machine()
    token, client_id = own_token(flow), flow.client.client_id
    assert flow.is_active(token)
    later = timezone.now() + timedelta(seconds=3)
    monkeypatch.setattr(revocations.timezone, "now", lambda: later)
    Client.objects.get().delete()
    flow.client = ClientFactory(client_id=client_id, metadata__grant_types=["client_credentials"])
    assert not opens(token)
    assert not flow.is_active(token)
