"""Authorizations, tokens and keys, as an administrator sees and ends them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauth_server.admin import lists
from django_oauth_server.models import Authorization, SigningKey, Token
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.protocol.delegation import actor_claim
from django_oauth_server.storage.clients import set_active
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
    assert "1 person will be signed out of this app." in page
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


def test_a_token_that_was_exchanged_is_dead_with_the_app_that_the_person_allowed(admin):
    TokenFactory(client=ClientFactory(), authorization__client__is_active=False)
    assert "client disabled" in admin.get(TOKENS).content.decode().lower()


def test_a_token_that_was_exchanged_is_dead_with_a_service_behind_it(admin):
    TokenFactory(client=ClientFactory(), facts={"subject_client_id": "app", "act": actor_claim("orders")})
    service = ClientFactory(client_id="orders")
    assert ">active</span>" in admin.get(TOKENS).content.decode()
    set_active([service], active=False)
    assert ">revoked</span>" in admin.get(TOKENS).content.decode()


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


def fill(times: int) -> None:
    """One more row of each list, *times*."""
    for token in TokenFactory.create_batch(times):
        client, user = token.client, token.authorization.user
        Participation.objects.create(sid=str(token.pk), client=client, user=user, session_digest="d")
        LogoutDelivery.objects.create(client=client, sid=str(token.pk), person=str(user.pk))
        InitialAccessToken.objects.create(
            issuer=client.issuer, label="Partner", digest=str(token.pk), created_by=UserFactory()
        )


LISTS = [f"{ADMIN}{name}/" for name in ("client", "participation", "logoutdelivery", "initialaccesstoken")]


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS, *LISTS])
def test_a_list_counts_no_table_and_asks_as_much_for_many_rows_as_for_few(admin, page):
    fill(1)
    admin.get(page)
    with CaptureQueriesContext(connection) as few:
        admin.get(page)
    fill(70)
    with CaptureQueriesContext(connection) as many:
        admin.get(page, {"q": ""})
        admin.get(page, {"p": 2})
    assert len(many) == 2 * len(few)
    assert len(few) <= 5  # the session, the person, how many rows there are, the rows, and what the filters name
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


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS])
def test_a_row_is_revoked_on_its_page_and_leads_back_there(admin, page):
    token = TokenFactory()
    row = token if page == TOKENS else token.authorization
    at = f"{page}{row.pk}/change/"
    assert 'name="action" value="revoke"' in admin.get(at).content.decode()
    data = {"action": "revoke", "_selected_action": [row.pk], "index": 0, "page": row.pk}
    asked = admin.post(page, data)
    assert f'href="{at}"' in asked.content.decode() and f'name="page" value="{row.pk}"' in asked.content.decode()
    assert admin.post(page, data | {"confirmed": "yes"})["Location"] == at
    assert 'name="action" value="revoke"' not in admin.get(at).content.decode()


def test_a_row_of_a_viewer_has_no_button(staff):
    token = TokenFactory()
    assert 'value="revoke"' not in staff("view_token").get(f"{TOKENS}{token.pk}/change/").content.decode()


def test_each_page_leads_to_what_hangs_on_it_and_back(admin):
    token = TokenFactory()
    of_client, of_authorization = f"/client/{token.client_id}/change/", f"/authorization/{token.authorization_id}/"
    allowed = admin.get(f"{AUTHORIZATIONS}{token.authorization_id}/change/").content.decode()
    assert of_client in allowed and f"/token/?authorization={token.authorization_id}" in allowed
    held = admin.get(f"{TOKENS}{token.pk}/change/").content.decode()
    assert of_client in held and of_authorization in held
    for page in (AUTHORIZATIONS, TOKENS):
        assert of_client in admin.get(page).content.decode()


@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS])
def test_a_list_can_be_narrowed_to_one_client_and_says_so(admin, page):
    first, _ = TokenFactory(authorization=AuthorizationFactory(client=ClientFactory())), TokenFactory()
    response = admin.get(page, {"client": first.client_id})
    assert [row.client_id for row in response.context["cl"].result_list] == [first.client_id]
    assert "By client" in response.content.decode()
    assert "By client" not in admin.get(page).content.decode()


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("page", [AUTHORIZATIONS, TOKENS])
def test_a_list_of_one_client_costs_as_much_for_many_rows_as_for_few(admin, page, rows):
    client = ClientFactory()
    for _ in range(rows):
        TokenFactory(authorization=AuthorizationFactory(client=client))
    admin.get(page)
    with CaptureQueriesContext(connection) as made:
        admin.get(page, {"client": client.pk})
    assert len(made) <= 7, [query["sql"] for query in made]


@pytest.mark.parametrize("value", ["0", "abc", "-1", "9" * 40, "²", ""])
def test_who_asks_for_a_client_that_is_not_there_finds_nothing(admin, value):
    TokenFactory()
    assert not admin.get(TOKENS, {"client": value}).context["cl"].result_list


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        (TOKENS, "digest__startswith"),
        (TOKENS, "salt__regex"),
        (TOKENS, "facts__sid"),
        (AUTHORIZATIONS, "credential_stamp__startswith"),
        (AUTHORIZATIONS, "client__secret_digest__startswith"),
        (KEYS, "encrypted_private_jwk__startswith"),
        (f"{ADMIN}participation/", "session_digest__startswith"),
        (f"{ADMIN}initialaccesstoken/", "digest__startswith"),
    ],
)
def test_no_digest_is_found_out_letter_by_letter(admin, page, lookup):
    assert admin.get(page, {lookup: "a"}).status_code == 400


def test_a_row_is_one_line_and_says_the_whole_in_a_title(admin):
    client = ClientFactory(metadata__client_name="A name " * 20)
    TokenFactory(authorization=AuthorizationFactory(client=client, scope="notes:read " * 20), scope="notes:read " * 20)
    for page in (AUTHORIZATIONS, TOKENS, f"{ADMIN}client/"):
        shown = admin.get(page).content.decode()
        assert re.search(r'class="oauth-cut"[^>]* title="A name A name', shown)


def test_what_is_for_no_resource_in_particular_is_shown_empty(admin):
    token = TokenFactory(audience=[])
    for at in (f"{TOKENS}{token.pk}", f"{AUTHORIZATIONS}{token.authorization_id}"):
        assert '<div class="readonly">[]' not in admin.get(f"{at}/change/").content.decode()


def act_on_keys(browser, *keys, confirmed=True):
    data = {"action": "withdraw", "_selected_action": [key.pk for key in keys], "index": 0}
    return browser.post(KEYS, data | ({"confirmed": "yes"} if confirmed else {}), follow=True)


def test_a_key_that_signs_is_withdrawn_and_another_takes_over_at_once(admin):
    admin.post(f"{KEYS}rotate/", {"issuer": "https://as.example"})
    key = SigningKey.objects.get(alg="RS256")
    assert "someone else may have its private part" in act_on_keys(admin, key, confirmed=False).content.decode()
    assert SigningKey.objects.filter(pk=key.pk).exists()
    page = act_on_keys(admin, key).content.decode()
    successor = SigningKey.objects.get(alg="RS256")
    assert successor.pk != key.pk and successor.signs_from <= timezone.now() and successor.expires_at is None
    assert f"Key {key.kid} was withdrawn." in page and f"Key {successor.kid} is now used for signing." in page
    assert LogEntry.objects.filter(action_flag=DELETION, object_id=key.pk).exists()
    assert key.kid not in str(admin.get("/oauth/jwks/").content)


def test_who_may_not_delete_keys_may_not_withdraw_them(staff):
    staff("add_signingkey", "view_signingkey").post(f"{KEYS}rotate/", {"issuer": "https://as.example"})
    act_on_keys(staff("add_signingkey", "change_signingkey", "view_signingkey"), SigningKey.objects.first())
    assert SigningKey.objects.count() == len(SigningKey.objects.values("alg").distinct())


def test_a_key_of_a_former_issuer_can_be_withdrawn(admin):
    admin.post(f"{KEYS}rotate/", {"issuer": "https://as.example"})
    SigningKey.objects.update(issuer="https://former.example")
    act_on_keys(admin, SigningKey.objects.first())
    act_on_keys(admin, *SigningKey.objects.all())
    assert not SigningKey.objects.exists()


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
