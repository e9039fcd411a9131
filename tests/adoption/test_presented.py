"""What django-oauth-toolkit issued after the last run: adopted when it is first presented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.pkce import challenge_of
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.verifier import LocalVerifier
from tests.adoption.toolkit import REDIRECT, SECRET, Toolkit, adopt
from tests.factories import UserFactory
from tests.flow import VERIFIER, Flow


@pytest.fixture(autouse=True)
def _adopting(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "adoption": {"source": "oauth_toolkit"}}


@pytest.fixture
def application(toolkit: Toolkit) -> Any:
    """One that was adopted."""
    application = toolkit.application()
    adopt("--apply")
    return application


@pytest.fixture
def flow(application: Any) -> Flow:
    client = Client.objects.get(client_id=application.client_id)
    client.secret = SECRET
    return Flow(client, Browser())


def test_an_access_token(toolkit: Toolkit, application: Any, flow: Flow):
    user = UserFactory()
    value = toolkit.access_token(application, user, scope="openid")
    assert flow.userinfo(value)["sub"] == str(user.pk)
    assert Token.objects.get(digest=digest(value)).client == flow.client


def test_an_access_token_at_a_view(toolkit: Toolkit, application: Any):
    value = toolkit.access_token(application, UserFactory())
    verified = LocalVerifier().verify(value)
    assert verified.scopes == {"notes:read"}
    assert LocalVerifier().may_be_ours(value)


def test_a_refresh_token(toolkit: Toolkit, application: Any, flow: Flow):
    _, refresh = toolkit.pair(application, UserFactory())
    assert flow.refresh(refresh).status_code == 200


def test_presented_twice_it_is_stored_once(toolkit: Toolkit, application: Any, flow: Flow):
    access, refresh = toolkit.pair(application, UserFactory())
    for _ in range(2):
        assert flow.is_active(access)
        assert flow.is_active(refresh)
    assert Token.objects.count() == 2
    assert Authorization.objects.count() == 1


def test_two_nodes_of_a_cluster_that_adopt_for_one_person_meet_in_a_write(
    toolkit: Toolkit, application: Any, flow: Flow
):
    """Galera compares what was really changed: an UPDATE that leaves a row as it is meets nobody there."""
    user = UserFactory()
    assert flow.is_active(toolkit.access_token(application, user))
    before = Authorization.objects.get()
    assert flow.is_active(toolkit.access_token(application, user))
    assert Authorization.objects.get().created_at > before.created_at


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_what_it_replaced_there_is_reused_here(toolkit: Toolkit):
    toolkit.needs("RefreshToken", "token_family")
    application = toolkit.application(client_type="public", client_secret="")
    _, first = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow = Flow(Client.objects.get(client_id=application.client_id), Browser())
    _, second = toolkit.rotate(first)
    third = flow.refresh(second).json()["refresh_token"]
    later = timezone.now() + timedelta(minutes=1)
    with mock.patch("django.utils.timezone.now", lambda: later):
        assert flow.refresh(first).json()["error"] == "invalid_grant"
        assert flow.refresh(third).json()["error"] == "invalid_grant"


def test_it_can_be_revoked(toolkit: Toolkit, application: Any, flow: Flow):
    access, refresh = toolkit.pair(application, UserFactory())
    assert flow.is_active(access)
    assert flow.revoke(refresh).status_code == 200
    assert not flow.is_active(access)
    assert flow.refresh(refresh).status_code == 400


def test_a_revoked_one_does_not_come_back_once_the_tables_are_swept(toolkit: Toolkit, application: Any, flow: Flow):
    _, refresh = toolkit.pair(application, UserFactory())
    assert flow.revoke(refresh).status_code == 200
    Token.objects.update(revoked_at=timezone.now() - timedelta(days=3))
    call_command("cleartokens", verbosity=0)
    assert flow.refresh(refresh).status_code == 400


def test_what_a_person_took_back_does_not_come_back_once_the_tables_are_swept(
    toolkit: Toolkit, application: Any, flow: Flow
):
    _, refresh = toolkit.pair(application, UserFactory())
    assert flow.refresh(refresh).status_code == 200
    revoke_authorizations(Authorization.objects.all(), timezone.now())
    later = timezone.now() + timedelta(days=9)
    with mock.patch("django.utils.timezone.now", lambda: later):
        call_command("cleartokens", verbosity=0, keep_revoked=7)
        assert flow.refresh(refresh).status_code == 400


def test_after_a_last_run_what_was_never_presented_does_not_come_back_either(
    toolkit: Toolkit, application: Any, flow: Flow
):
    access, never_presented = toolkit.pair(application, UserFactory())
    assert flow.is_active(access)
    adopt("--apply")
    revoke_authorizations(Authorization.objects.all(), timezone.now())
    later = timezone.now() + timedelta(days=9)
    with mock.patch("django.utils.timezone.now", lambda: later):
        call_command("cleartokens", verbosity=0, keep_revoked=7)
        assert flow.refresh(never_presented).status_code == 400


def test_a_code_is_redeemed_here_and_not_there(toolkit: Toolkit, application: Any, flow: Flow):
    user = UserFactory()
    challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    code = toolkit.grant(application, user, scope="openid notes:read", nonce="n", **challenge)
    answer = flow.exchange(code)
    assert answer.status_code == 200, answer.content
    assert flow.userinfo(answer.json()["access_token"])["sub"] == str(user.pk)
    assert "id_token" in answer.json()
    assert not toolkit.model("Grant").objects.exists()
    assert flow.exchange(code).status_code == 400
    assert not flow.is_active(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"code_verifier": "x" * 43}, "code_verifier"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
    ],
)
def test_a_code_has_to_be_proven_here_as_well(
    toolkit: Toolkit, application: Any, flow: Flow, params: dict[str, str], words: str
):
    challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    code = toolkit.grant(application, UserFactory(), **challenge)
    refusal = flow.exchange(code, **params)
    assert refusal.status_code == 400
    assert words in refusal.json()["error_description"]


def test_a_code_without_a_challenge_redeems_for_a_client_with_a_secret(toolkit: Toolkit, settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    application = toolkit.application()
    adopt("--apply")
    client = Client.objects.get(client_id=application.client_id)
    client.secret = SECRET
    code = toolkit.grant(application, UserFactory())
    assert Flow(client, Browser()).exchange(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize("value", ["unknown", "a.b.c", "oas_at_unknown", "x" * 300])
def test_an_unknown_value_is_refused(application: Any, flow: Flow, value: str):
    assert not flow.is_active(value)
    assert flow.refresh(value).status_code == 400
    assert flow.exchange(value).status_code == 400
    with pytest.raises(InvalidToken):
        LocalVerifier().verify(value)


def test_another_clients_token_is_refused(toolkit: Toolkit, flow: Flow):
    other = toolkit.application()
    adopt("--apply")
    _, refresh = toolkit.pair(other, UserFactory())
    assert flow.refresh(refresh).status_code == 400


def test_before_the_first_run_nothing_is_adopted(toolkit: Toolkit):
    toolkit.access_token(application := toolkit.application(), UserFactory())
    value = toolkit.access_token(application, UserFactory())
    with pytest.raises(InvalidToken):
        LocalVerifier().verify(value)


def test_what_was_here_once_is_not_adopted_again(toolkit: Toolkit, application: Any, flow: Flow):
    value = toolkit.access_token(application, UserFactory())
    toolkit.model("AccessToken").objects.update(updated=timezone.now() - timedelta(hours=1))
    assert not flow.is_active(value)


def test_switched_off_nobody_is_asked(toolkit: Toolkit, application: Any, settings: Any, flow: Flow):
    settings.OAUTH_SERVER = {name: one for name, one in settings.OAUTH_SERVER.items() if name != "adoption"}
    value = toolkit.access_token(application, UserFactory())
    assert not flow.is_active(value)


def test_switched_off_a_strange_value_costs_no_statement(db: None, settings: Any, django_assert_num_queries: Any):
    settings.OAUTH_SERVER = {name: one for name, one in settings.OAUTH_SERVER.items() if name != "adoption"}
    with django_assert_num_queries(0), pytest.raises(InvalidToken):
        LocalVerifier().verify("unknown")


def test_known_here_it_costs_what_others_cost(toolkit: Toolkit, application: Any, django_assert_num_queries: Any):
    value = toolkit.access_token(application, UserFactory())
    LocalVerifier().verify(value)
    with django_assert_num_queries(1):
        LocalVerifier().verify(value)


def test_without_the_tables_what_was_adopted_stays_good(toolkit: Toolkit, application: Any, monkeypatch: Any):
    value = toolkit.access_token(application, UserFactory())
    LocalVerifier().verify(value)
    monkeypatch.setattr("django_oauth_server.adoption.oauth_toolkit.OAuthToolkit.is_there", lambda self: False)
    assert LocalVerifier().verify(value)
    with pytest.raises(InvalidToken):
        LocalVerifier().verify("unknown")


def test_a_source_that_does_not_exist_is_told_by_a_check(settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "adoption": {"source": "nowhere"}}
    assert "oauth_server.E017" in {one.id for one in run_checks()}


def test_a_view_that_leaves_foreign_tokens_takes_those_of_the_predecessor(settings: Any):
    assert LocalVerifier().may_be_ours("anything")
    settings.OAUTH_SERVER = {name: one for name, one in settings.OAUTH_SERVER.items() if name != "adoption"}
    assert not LocalVerifier().may_be_ours("anything")


def test_a_ticket_that_was_adopted_is_as_any_other(toolkit: Toolkit, application: Any, flow: Flow):
    code = toolkit.grant(
        application, UserFactory(), code_challenge=challenge_of(VERIFIER), code_challenge_method="S256"
    )
    flow.exchange(code, redirect_uri="https://evil.example/")
    ticket = Ticket.objects.get(digest=digest(code))
    assert ticket.redeemed_at is None
    assert ticket.payload["redirect_uri"] == REDIRECT
    assert flow.exchange(code).status_code == 200
