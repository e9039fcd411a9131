"""Authorizations, tokens and keys, as an administrator sees and ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauth_server.admin import lists
from django_oauth_server.models import Authorization, SigningKey, Token
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory, UserFactory

ADMIN = "/admin/django_oauth_server/"
AUTHORIZATIONS, TOKENS, KEYS = f"{ADMIN}authorization/", f"{ADMIN}token/", f"{ADMIN}signingkey/"


def revoke(browser, page, *rows, confirmed=True):
    data = {"action": "revoke", "_selected_action": [row.pk for row in rows], "index": 0}
    return browser.post(page, data | ({"confirmed": "yes"} if confirmed else {}))


def found(browser, page, term) -> list[object]:
    return list(browser.get(page, {"q": term}).context["cl"].result_list)


def test_revoking_an_authorization_says_what_it_ends_and_ends_it_at_once(admin, flow, client_app):
    token = flow.tokens()["access_token"]
    row = Authorization.objects.get()
    page = revoke(admin, AUTHORIZATIONS, row, confirmed=False).content.decode()
    assert "1 person will be signed out of 1 app." in page
    assert flow.is_active(token)
    revoke(admin, AUTHORIZATIONS, row)
    assert not flow.is_active(token)
    assert LogEntry.objects.get().get_change_message() == "Revoked."


def test_revoking_a_refresh_token_ends_all_that_came_with_it(admin, flow):
    token = flow.tokens()["access_token"]
    revoke(admin, TOKENS, Token.objects.get(kind=Token.Kind.REFRESH))
    assert not flow.is_active(token)
    assert Authorization.objects.get().is_live


def test_a_token_whose_client_was_deleted_meanwhile_is_no_page(admin):
    left = TokenFactory(authorization=None, client=ClientFactory())
    Token.objects.filter(pk=left.pk).update(client=2**31 - 1)
    for page in (f"{TOKENS}{left.pk}/change/", f"{TOKENS}{left.pk}/history/"):
        assert admin.get(page).status_code == 302  # Django's "perhaps it was deleted?"
    assert admin.get(TOKENS).status_code == 200
    Token.objects.filter(pk=left.pk).delete()


def test_revoking_an_access_token_leaves_the_others(admin):
    first, second = TokenFactory.create_batch(2)
    revoke(admin, TOKENS, first)
    assert list(Token.objects.filter(revoked_at=None)) == [second]


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS])
@pytest.mark.parametrize(
    ("term", "number"),
    [("anna", 2), ("notebook", 2), ("anna notebook", 1), ("ann", 0), ("Anna", 0), ("nobody", 0), ("anna nobody", 0)],
)
def test_they_are_found_by_the_whole_user_name_and_client_id(admin, page, term, number):
    anna, notebook = UserFactory(username="anna"), ClientFactory(client_id="notebook")
    for client, user in ((notebook, anna), (ClientFactory(), anna), (notebook, UserFactory())):
        TokenFactory(authorization=AuthorizationFactory(client=client, user=user))
    if connection.vendor == "mysql" and term == "Anna":
        pytest.skip("its collation finds names of another case")
    assert len(found(admin, page, term)) == number


def test_no_page_shows_a_value_or_a_digest(admin):
    token = TokenFactory()
    for page in (
        TOKENS,
        f"{TOKENS}{token.pk}/change/",
        revoke(admin, TOKENS, token, confirmed=False).wsgi_request.path,
    ):
        shown = admin.get(page).content.decode()
        assert token.value not in shown
        assert token.digest not in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "active"),
        ({"revoked_at": timezone.now()}, "revoked"),
        ({"expires_at": timezone.now() - timedelta(hours=1)}, "expired"),
        ({"superseded_at": timezone.now()}, "rotated"),
        ({"authorization__is_live": None}, "authorization revoked"),
        ({"authorization__user__is_active": False}, "user disabled"),
        ({"authorization__client__is_active": False}, "client disabled"),
    ],
)
def test_states_are_told_in_words(admin, state, words):
    TokenFactory(**state)
    assert f">{words}</span>" in admin.get(TOKENS).content.decode()


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS])
def test_records_are_neither_added_nor_changed_nor_deleted(admin, page):
    row = TokenFactory()
    pk = row.pk if page == TOKENS else row.authorization_id
    assert admin.get(f"{page}add/").status_code == 403
    assert admin.get(f"{page}{pk}/change/").status_code == 200
    assert admin.post(f"{page}{pk}/change/", {"scope": "all"}).status_code == 403
    assert admin.post(f"{page}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert Token.objects.get().scope == row.scope


def test_who_may_look_may_not_revoke(staff):
    token = TokenFactory()
    browser = staff("view_token", "view_authorization")
    assert browser.get(TOKENS).status_code == 200
    revoke(browser, TOKENS, token)
    revoke(browser, AUTHORIZATIONS, token.authorization)
    assert Token.objects.get().revoked_at is None
    assert Authorization.objects.get().is_live
    revoke(staff("change_token"), TOKENS, token)
    assert Token.objects.get().revoked_at


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS, f"{ADMIN}client/"])
def test_a_list_counts_no_table_and_asks_as_much_for_many_rows_as_for_few(admin, page):
    TokenFactory()
    admin.get(page)
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin.get(page)
    TokenFactory.create_batch(70)
    with CaptureQueriesContext(connection) as many:
        admin.get(page, {"q": ""})
        admin.get(page, {"p": 2})
    assert len(many) == 2 * len(few)
    assert not [query["sql"] for query in many if "COUNT(" in query["sql"].upper()]


def test_a_list_shows_the_newest_and_says_where_the_others_are(admin, monkeypatch):
    monkeypatch.setattr(lists, "MOST_LISTED", 55)
    rows = TokenFactory.create_batch(60, authorization=AuthorizationFactory())
    response = admin.get(TOKENS, {"p": 2})
    assert [row.pk for row in response.context["cl"].result_list] == [row.pk for row in rows[9:4:-1]]
    assert "matches are listed" in response.content.decode()


def test_no_more_are_revoked_at_once_than_a_form_can_confirm(admin, monkeypatch):
    monkeypatch.setattr(lists, "MOST_CHANGED", 2)
    response = revoke(admin, TOKENS, *TokenFactory.create_batch(3))
    assert response.status_code == 302
    assert not Token.objects.exclude(revoked_at=None).exists()


def test_keys_tell_their_state_and_are_rotated(admin, settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "access_token_format": "at+jwt"}
    asked = admin.get(f"{KEYS}rotate/").content.decode()
    assert "Nobody is signed out" in asked
    assert not SigningKey.objects.exists()
    for words in ("signing", "next"):
        admin.post(f"{KEYS}rotate/", {"issuer": "https://as.example"})
        assert f">{words}</span>" in admin.get(KEYS).content.decode()
    SigningKey.objects.update(signs_from=timezone.now() - timedelta(days=1))
    SigningKey.objects.filter(pk=SigningKey.objects.latest("pk").pk).update(signs_from=timezone.now())
    assert ">retired</span>" in admin.get(KEYS).content.decode()


def test_no_page_shows_a_private_key(admin):
    admin.post(f"{KEYS}rotate/", {"issuer": "https://as.example"})
    key = SigningKey.objects.get(alg="RS256")
    page = admin.get(f"{KEYS}{key.pk}/change/").content.decode()
    assert key.kid in page
    assert key.encrypted_private_jwk not in page


def test_who_may_not_add_keys_may_not_rotate_them(staff):
    browser = staff("view_signingkey")
    assert "Rotate" not in browser.get(KEYS).content.decode()
    assert browser.post(f"{KEYS}rotate/", {"issuer": "https://as.example"}).status_code == 403
    assert not SigningKey.objects.exists()


def test_what_is_to_be_revoked_is_said_by_names(admin, flow):
    flow.tokens()
    row, token = Authorization.objects.get(), Token.objects.get(kind="refresh")
    named = f"{row.user.get_username()} → {row.client.name}"
    assert named in revoke(admin, AUTHORIZATIONS, row, confirmed=False).content.decode()
    assert named in revoke(admin, TOKENS, token, confirmed=False).content.decode()
