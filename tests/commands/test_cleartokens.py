"""`manage.py cleartokens`."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from django_oauth_server.component import Component, Sweep
from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.models.logout_back_off import LogoutBackOff
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.models.waiting_request import WaitingRequest
from django_oauth_server.storage import cleanup
from django_oauth_server.storage.cleanup import _hanging_on
from tests.factories import AuthorizationFactory, TicketFactory, TokenFactory

pytestmark = pytest.mark.django_db


def clear(*flags: str) -> str:
    out = StringIO()
    call_command("cleartokens", *flags, stdout=out)
    return out.getvalue()


def ago(**span: int):
    return timezone.now() - timedelta(**span)


def test_what_is_dead_goes_and_what_lives_stays():
    living = TokenFactory()
    TokenFactory(expires_at=ago(hours=2))
    TokenFactory(revoked_at=ago(days=2))
    TicketFactory(expires_at=ago(hours=2))
    code = TicketFactory()
    WaitingRequest.objects.create(digest="dead", expires_at=ago(hours=2))
    UsedAssertion.objects.create(digest="dead", expires_at=ago(hours=2))
    used = UsedAssertion.objects.create(digest="living", expires_at=ago(minutes=2))
    assert [line for line in clear().splitlines() if not line.startswith("0 ")] == [
        "1 expired requests waiting for a sign-in",
        "1 expired assertions",
        "1 expired tokens",
        "1 revoked tokens",
        "1 expired codes and requests",
    ]
    assert (list(Token.objects.all()), list(Ticket.objects.all())) == ([living], [code])
    assert list(UsedAssertion.objects.all()) == [used]


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_rotated_refresh_token_stays_until_it_expires_so_that_reuse_is_noticed():
    TokenFactory(kind=Token.Kind.REFRESH, superseded_at=ago(days=20), expires_at=timezone.now() + timedelta(days=10))
    clear()
    assert Token.objects.exists()


def test_what_was_revoked_just_now_is_not_made_anew_by_an_honest_retry():
    TokenFactory(revoked_at=ago(minutes=1))
    clear()
    assert Token.objects.exists()


def test_a_spent_code_stays_while_its_replay_can_be_noticed():
    TicketFactory(redeemed_at=ago(seconds=10))
    clear()
    assert Ticket.objects.exists()


def test_the_authorization_remembers_when_it_was_last_used():
    authorization = AuthorizationFactory()
    latest = ago(days=3)
    for issued_at in (ago(days=9), latest, ago(days=5)):
        TokenFactory(authorization=authorization, issued_at=issued_at)
    clear("--batch-size", "2")
    authorization.refresh_from_db()
    assert authorization.last_used_at == latest
    TokenFactory(authorization=authorization, issued_at=ago(days=4))
    clear()
    authorization.refresh_from_db()
    assert authorization.last_used_at == latest


def test_a_token_of_the_client_itself_goes_as_well():
    token = TokenFactory()
    TokenFactory(authorization=None, client=token.client, expires_at=ago(hours=2))
    clear()
    assert list(Token.objects.all()) == [token]


def test_the_record_of_a_revoked_authorization_is_kept_for_a_while():
    for days in (10, 40):
        authorization = AuthorizationFactory(is_live=None, revoked_at=ago(days=days))
        TokenFactory(
            authorization=authorization, kind=Token.Kind.REFRESH, expires_at=timezone.now() + timedelta(days=9)
        )
    clear()
    assert Authorization.objects.count() == Token.objects.count() == 1
    clear("--keep-revoked", "5")
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("keep", ["0", "36500"])
@pytest.mark.django_db(transaction=True)
def test_any_time_that_a_record_can_be_kept_for_is_kept(keep):
    code = TicketFactory()
    Authorization.objects.filter(pk=code.authorization_id).update(is_live=None, revoked_at=ago(days=1))
    AuthorizationFactory(is_live=None, revoked_at=ago(days=1))
    TokenFactory(authorization__is_live=None, authorization__revoked_at=ago(minutes=1))
    clear("--keep-revoked", keep)
    assert Ticket.objects.get() == code
    assert Authorization.objects.count() == (2 if keep == "0" else 3)


def test_what_was_revoked_this_minute_stays_for_the_requests_that_are_under_way():
    AuthorizationFactory(is_live=None, revoked_at=ago(minutes=1))
    clear("--keep-revoked", "0")
    assert Authorization.objects.exists()


def test_each_batch_is_bounded():
    authorization = AuthorizationFactory()
    for _ in range(5):
        TokenFactory(authorization=authorization, expires_at=ago(hours=2))
    clear("--batch-size", "2", "--max-batches", "2")
    assert Token.objects.count() == 1


def test_the_number_of_statements_does_not_grow_with_the_rows(django_assert_num_queries):
    kinds = len(clear().splitlines())
    noted_and_deleted = 1 if connection.vendor == "postgresql" else 3 + 2  # a savepoint around them
    authorization = AuthorizationFactory()
    for _ in range(30):
        TokenFactory(authorization=authorization, expires_at=ago(hours=2))
    with django_assert_num_queries(
        1 + kinds + 1 + noted_and_deleted
    ):  # what was not announced; each kind, one more look
        clear()


def test_as_many_as_died_at_one_moment_go_however_small_the_batches():
    moment, authorization = ago(hours=2), AuthorizationFactory()
    for _ in range(5):
        TokenFactory(authorization=authorization, expires_at=moment)
    TokenFactory(authorization=authorization, expires_at=ago(hours=3))
    assert "6 expired tokens" in clear("--batch-size", "2")


def test_what_another_run_deletes_is_not_waited_for(monkeypatch):
    for hours in (2, 3, 4):
        TokenFactory(expires_at=ago(hours=hours))
    monkeypatch.setattr(cleanup, "_delete", lambda *given: iter([0]))
    assert "0 expired tokens" in clear("--batch-size", "1")


def test_the_tokens_of_a_revoked_authorization_go_with_it_in_batches_of_their_own():
    authorization = AuthorizationFactory(is_live=None, revoked_at=ago(days=40))
    for _ in range(5):
        TokenFactory(authorization=authorization)
    living = TokenFactory()
    assert "6 revoked authorizations and their tokens" in clear("--batch-size", "2")
    assert list(Token.objects.all()) == [living]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("out", "shown"), [(Terminal(), True), (StringIO(), False)])
def test_progress_is_for_a_terminal_only(out, shown):
    TokenFactory(expires_at=ago(hours=2))
    call_command("cleartokens", stdout=out)
    assert ("\r" in out.getvalue()) is shown


@pytest.mark.parametrize(
    "flag",
    [
        "--batch-size=0",
        "--batch-size=-1",
        "--batch-size=many",
        "--batch-size=10001",
        "--pause=-1",
        "--pause=nan",
        "--max-batches=0",
        "--keep-revoked=-1",
    ],
)
def test_a_number_that_makes_no_sense_is_refused(flag):
    with pytest.raises(CommandError, match="a number from"):
        clear(flag)


def test_a_pause_that_makes_no_sense_is_refused_before_anything_is_delivered():
    with pytest.raises(CommandError, match="a number from"):
        call_command("deliverlogouts", "--forever", "--pause=-1")


def test_what_a_component_keeps_is_swept_where_it_is_switched_off(settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}  # no OpenID Provider
    assert "finished logouts" in clear()


def test_what_something_hangs_on_stays():
    """A table of a component, or of the project, that refers to rows of this one: no database lets go of those."""
    assert {rows.model for rows in _hanging_on(Authorization)} == {Token, Ticket, DeviceRequest}
    assert {rows.model for rows in _hanging_on(Client)} >= {Authorization, LogoutBackOff, Participation}
    assert not [*_hanging_on(Token), *_hanging_on(Ticket)], "nothing makes the sweep of the large tables dearer"


class Sessions(Component):
    """Sweeps a table of another app, whose primary key is a text."""

    name = "sessions"

    def sweeps(self, expired):
        yield Sweep("old sessions", Session.objects.filter(expire_date__lte=expired))


class Tickets(Component):
    """Calls what it sweeps by the words of another."""

    name = "tickets"

    def sweeps(self, expired):
        yield Sweep("old sessions", Ticket.objects.filter(expires_at__lte=expired))


def test_a_table_may_have_any_primary_key_and_words_may_be_those_of_another(settings):
    components = [f"{__name__}.Sessions", f"{__name__}.Tickets"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": components}
    for number in range(5):
        Session.objects.create(session_key=f"key-{number}", expire_date=ago(days=number - 1))
    TicketFactory(expires_at=ago(hours=2))
    out = clear("--batch-size", "2")
    assert "3 old sessions\n1 old sessions\n" in out
    assert (Session.objects.count(), Ticket.objects.count()) == (2, 0)
