"""Clients, as an administrator registers, changes and ends them."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import escape

from django_oauth_server.admin import lists
from django_oauth_server.admin.client_form import PURPOSES
from django_oauth_server.clients.kinds import KINDS, kind_of
from django_oauth_server.clients.secrets import clear_secrets
from django_oauth_server.conf import Exchange, TrustedIssuer, Workload
from django_oauth_server.grants.base import GrantType
from django_oauth_server.models import Client
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.registry import default_issuer
from tests.assertions import KEY, assertion, jwks, proof
from tests.clients.directory import described, usual
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory, UserFactory
from tests.flow import Flow

LIST = "/admin/django_oauth_server/client/"
ADD = f"{LIST}add/"
NOTEBOOK = {
    "client_name": "Notebook",
    "redirect_uris": "https://client.example/callback\r\nhttp://127.0.0.1/callback\r\n",
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": ["notes:read", "email"],
}


def change(client) -> str:
    return f"{LIST}{client.pk}/change/"


def act(browser, action, *clients, confirmed=True, follow=False, **more):
    data = {"action": action, "_selected_action": [client.pk for client in clients], "index": 0}
    return browser.post(LIST, data | more | ({"confirmed": "yes"} if confirmed else {}), follow=follow)


def shown_secret(response) -> str:
    return html.unescape(re.search(r'id="client-secret"[^>]* value="([^"]+)"', response.content.decode())[1])


def errors(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_a_registered_client_works_with_the_secret_that_was_shown(admin, browser):
    response = admin.post(ADD, NOTEBOOK, follow=True)
    assert response.status_code == 200
    assert "It cannot be shown again" in response.content.decode()
    client = Client.objects.get()
    assert client.metadata == {
        "client_name": "Notebook",
        "redirect_uris": ["https://client.example/callback", "http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "notes:read email",
    }
    client.secret = shown_secret(response)
    assert Flow(client, browser).tokens(scope="notes:read")["access_token"]


def test_the_secret_is_shown_once_and_kept_nowhere(admin):
    response = admin.post(ADD, NOTEBOOK, follow=True)
    secret = shown_secret(response)
    assert "no-store" in response["Cache-Control"]
    client = Client.objects.get()
    assert secret not in admin.get(change(client)).content.decode()
    assert secret not in admin.get(LIST).content.decode()
    assert secret not in str(Client.objects.values()) + str(LogEntry.objects.values())
    assert all(secret not in str(session.get_decoded()) for session in Session.objects.all())
    assert "script>" not in re.sub(r"<script[^>]* src=[^>]*></script>", "", response.content.decode())


def test_a_public_client_is_shown_no_secret(admin):
    response = admin.post(ADD, NOTEBOOK | {"token_endpoint_auth_method": "none"})
    assert response.status_code == 302
    assert Client.objects.get().secret_digest == ""


def test_the_form_explains_each_member_and_offers_what_the_policy_allows(admin):
    page = admin.get(ADD, {"kind": "web"}).content.decode()
    assert "They must match exactly." in page
    assert 'value="client_credentials"' in page
    assert 'value="password"' not in page
    assert 'value="implicit"' not in page
    assert 'name="metadata"' not in page


@pytest.mark.parametrize(
    ("wrong", "member", "words"),
    [
        ({"redirect_uris": "http://client.example/"}, "redirect_uris", "use https"),
        ({"redirect_uris": "javascript:alert(1)"}, "redirect_uris", "needs a dot"),
        ({"redirect_uris": ""}, "redirect_uris", "At least one redirect URI is required"),
        ({"redirect_uris": "https://client.example/#x"}, "redirect_uris", "fragment"),
        ({"grant_types": ["password"]}, "grant_types", "not one of the available choices"),
        ({"grant_types": []}, "grant_types", "At least one grant type is required"),
        (
            {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
            "grant_types",
            "A public client cannot use",
        ),
        ({"logo_uri": "http://client.example/logo"}, "logo_uri", "https"),
        ({"jwks": '{"keys": [{"kty": "EC", "d": "x"}]}'}, "jwks", "private"),
        ({"client_id": "42"}, "client_id", "digits only"),
        ({"client_id": "taken"}, "client_id", "already registered"),
        (
            {"token_endpoint_auth_method": "none", "redirect_uris": "com.example.app:/", "skip_consent": "on"},
            "skip_consent",
            "OAuth 2.1 section 7.3.1",
        ),
    ],
)
def test_what_is_unsafe_is_refused_at_its_field_with_the_reason(admin, wrong, member, words):
    ClientFactory(client_id="taken")
    response = admin.post(ADD, NOTEBOOK | wrong)
    assert words in " ".join(errors(response)[member])
    assert Client.objects.count() == 1


def test_what_is_registered_can_be_changed(admin):
    client = ClientFactory(metadata__contacts=["mail@client.example"], metadata__software_id="notebook")
    form = admin.get(change(client)).context["adminform"].form
    posted = {name: form[name].value() for name in form.fields if form[name].value() not in (None, [])}
    response = admin.post(change(client), posted | {"client_name": "Notes", "scope": ["email"]})
    assert response.status_code == 302, errors(response)
    before, client = client.metadata, Client.objects.get()
    assert client.metadata == before | {"client_name": "Notes", "scope": "email"}
    assert "Name" in LogEntry.objects.get().get_change_message()


def fieldsets(response) -> dict[str | None, list[str]]:
    return {name: list(options["fields"]) for name, options in response.context["adminform"].fieldsets}


@pytest.fixture
def platform(settings):
    workload = Workload(client_id="deploy", subject="repo:octo-org/octo-repo:environment:production")
    trusted = TrustedIssuer("https://token.actions.githubusercontent.com", workloads=(workload,))
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "trusted_issuers": {"issuers": (trusted,)}}


def test_adding_one_begins_with_what_it_is(admin, platform):
    page = admin.get(ADD).content.decode()
    assert "What are you adding?" in page and 'name="redirect_uris"' not in page
    for kind in KINDS:
        assert f'href="?kind={kind.name}"' in page and str(escape(kind.sentence)) in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_asks_for_some_six_fields_and_folds_the_others_by_purpose(admin, platform, kind):
    response = admin.get(ADD, {"kind": kind.name})
    (_, first), *others = response.context["adminform"].fieldsets
    assert first["fields"] == list(kind.asked) and len(kind.asked) <= 6
    assert str(kind.sentence) == str(first["description"])
    assert [str(name) for name, _ in others] == [str(words) for words in PURPOSES.values()]
    assert all("collapse" in options["classes"] for _, options in others)
    form = response.context["adminform"].form
    fields = [name for options in (first, *(one for _, one in others)) for name in options["fields"]]
    assert sorted(fields) == sorted(form.fields)
    assert {name for name, field in form.fields.items() if field.required} >= kind.required
    assert {name: form.initial[name] for name in kind.follows} == kind.follows


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("web", {"redirect_uris": "https://client.example/callback"}),
        ("spa", {"redirect_uris": "https://client.example/callback"}),
        ("native", {"redirect_uris": "com.example.app:/callback"}),
        ("device", {}),
        ("service", {}),
        ("workload", {}),
        ("api", {"resource_identifiers": ["https://api.example/notes"]}),
    ],
)
def test_what_follows_from_the_kind_is_registered_with_what_was_answered(admin, platform, kind, answers):
    form = admin.get(ADD, {"kind": kind}).context["adminform"].form
    posted = {name: form[name].value() for name in form.fields if form[name].value() not in (None, [])}
    response = admin.post(f"{ADD}?kind={kind}", posted | {"client_name": "Notes", "scope": ["notes:read"]} | answers)
    assert response.status_code == 302, errors(response)
    client = Client.objects.get()
    assert kind_of(client, default_issuer()).name == kind
    assert bool(client.secret_digest) == (kind in {"web", "service", "api"})


def test_what_a_kind_needs_is_required(admin):
    wrong = errors(admin.post(f"{ADD}?kind=web", {"token_endpoint_auth_method": "none"}))
    assert wrong.keys() >= {"client_name", "redirect_uris"}


def test_what_a_client_needs_is_marked_on_its_page(admin):
    form = admin.get(change(ClientFactory())).context["adminform"].form
    assert form.fields["redirect_uris"].required and not form.fields["client_uri"].required
    service = ClientFactory(metadata__grant_types=["client_credentials"], metadata__response_types=[])
    assert not admin.get(change(service)).context["adminform"].form.fields["redirect_uris"].required


def test_a_service_says_what_the_settings_let_it_exchange(admin, settings):
    rule = Exchange(client="orders", resources=("https://api.example/mail",), scopes=("notes:read",))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"token_exchange": {"rules": [rule]}}
    grant_type = "urn:ietf:params:oauth:grant-type:token-exchange"
    orders = ClientFactory(client_id="orders", metadata__grant_types=[grant_type])
    said = "Exchange(orders: delegation of a person at https://api.example/mail): notes:read"
    assert said in admin.get(change(orders)).content.decode()
    assert "Exchange(" not in admin.get(change(ClientFactory())).content.decode()


def test_a_workload_says_who_vouches_for_it(admin, platform):
    metadata = {
        "metadata__token_endpoint_auth_method": "federated_jwt",
        "metadata__grant_types": ["client_credentials"],
    }
    known, forgotten = ClientFactory(client_id="deploy", **metadata), ClientFactory(client_id="left over", **metadata)
    page = admin.get(change(known)).content.decode()
    assert "https://token.actions.githubusercontent.com: sub=repo:octo-org/octo-repo:environment:production" in page
    assert "names no workload of this client" in admin.get(change(forgotten)).content.decode()
    assert "Proof of identity" not in admin.get(change(ClientFactory())).content.decode()


def test_a_redirect_uri_with_a_star_is_refused_with_the_reason(admin):
    wrong = errors(admin.post(ADD, NOTEBOOK | {"redirect_uris": "https://ok.example/*"}))
    assert "https://ok.example/*" in wrong["redirect_uris"][0] and "must match exactly" in wrong["redirect_uris"][0]


def test_a_clients_page_begins_with_what_its_kind_asks_for_and_leads_to_what_it_has(admin):
    client = ClientFactory(metadata__client_name="Notes", public=True)
    response = admin.get(change(client))
    assert list(fieldsets(response))[:2] == [None, KINDS[1].label]
    for table in ("authorization", "token", "participation"):
        assert f'/admin/django_oauth_server/{table}/?client={client.pk}"' in response.content.decode()


def test_who_may_not_see_tokens_is_led_to_none(staff):
    page = staff("view_client").get(change(ClientFactory())).content.decode()
    assert "/token/" not in page and "/authorization/" not in page


@pytest.mark.parametrize("action", ["disable", "enable"])
def test_a_button_on_its_page_leads_back_there(admin, action):
    client = ClientFactory(is_active=action == "disable")
    assert f'name="action" value="{action}"' in admin.get(change(client)).content.decode()
    assert act(admin, action, client, page=client.pk)["Location"] == change(client)
    assert f"{action.capitalize()}d." in admin.get(f"{LIST}{client.pk}/history/").content.decode()


def test_a_page_that_is_not_there_is_not_led_back_to(admin):
    assert act(admin, "disable", ClientFactory(), page="https://evil.example")["Location"] == LIST


@pytest.mark.parametrize("action", ["enable", "disable"])
def test_no_more_are_switched_at_once_than_a_form_can_confirm(admin, action, monkeypatch):
    monkeypatch.setattr(lists, "MOST_CHANGED", 2)
    rows = [ClientFactory(is_active=action == "disable") for _ in range(3)]
    assert "Select at most 2 items" in act(admin, action, *rows, follow=True).content.decode()
    assert Client.objects.filter(is_active=action == "disable").count() == 3


@pytest.mark.parametrize(
    "column", ["secret_digest", "previous_secret_digest", "encrypted_secret", "registration_digest"]
)
def test_no_digest_is_found_out_letter_by_letter(admin, column):
    ClientFactory()
    for lookup in (column, f"{column}__startswith", f"{column}__regex"):
        assert admin.get(LIST, {lookup: "a"}).status_code == 400


@pytest.mark.parametrize("member", ["access_token_lifetime", "refresh_token_lifetime"])
@pytest.mark.parametrize("lifetime", ["-1", "00:00:00"])
def test_a_token_lives_for_some_time(admin, member, lifetime):
    assert "greater than zero" in errors(admin.post(ADD, NOTEBOOK | {member: lifetime}))[member][0]


def test_a_tighter_profile_is_judged_by_its_own_rules(admin, settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    wrong = {"redirect_uris": "http://client.example/", "profile": "oauth2_1"}
    assert "redirect_uris" in errors(admin.post(ADD, NOTEBOOK | wrong))
    assert admin.post(ADD, NOTEBOOK | wrong | {"profile": ""}).status_code == 302
    assert Client.objects.exists()


def test_a_client_that_turns_confidential_is_shown_its_secret(admin):
    client = ClientFactory(public=True)
    response = admin.post(change(client), NOTEBOOK, follow=True)
    client.refresh_from_db()
    assert client.has_secret(shown_secret(response), timezone.now())


def test_a_new_secret_is_asked_for_and_both_work_for_a_while(admin):
    client = ClientFactory()
    assert (
        "so that the app works until you give it the new secret."
        in act(admin, "replace_secret", client, confirmed=False).content.decode()
    )
    new = shown_secret(act(admin, "replace_secret", client, follow=True))
    old, client, now = client.secret, Client.objects.get(), timezone.now()
    assert [client.has_secret(old, now), client.has_secret(new, now)] == [True, True]
    assert not client.has_secret(old, now + timedelta(days=7))
    assert "Generated a new secret" in admin.get(f"{LIST}{client.pk}/history/").content.decode()


def test_a_secret_that_has_leaked_is_cut_off_at_once(admin):
    client = ClientFactory(metadata__token_endpoint_auth_method="client_secret_jwt", secret="s" * 43)
    first = client.secret
    second = shown_secret(act(admin, "replace_secret", client, follow=True))
    third = shown_secret(act(admin, "replace_secret", client, at_once="on", follow=True))
    client, now = Client.objects.get(), timezone.now()
    assert [client.has_secret(secret, now) for secret in (first, second, third)] == [False, False, True]
    assert list(clear_secrets(client, default_issuer().settings, now)) == [third]
    assert "Previous secrets no longer work" in admin.get(f"{LIST}{client.pk}/history/").content.decode()


def test_a_page_that_shows_a_secret_makes_no_other_when_it_is_reloaded(admin):
    client = ClientFactory()
    redirect = act(admin, "replace_secret", client)
    assert redirect.status_code == 302
    made = Client.objects.get().secret_digest
    assert digest(shown_secret(admin.get(redirect["Location"]))) == made
    again = admin.get(redirect["Location"], follow=True).content.decode()
    assert "cannot be shown again" in again and 'id="client-secret"' not in again
    assert Client.objects.get().secret_digest == made


def test_a_question_that_is_answered_twice_replaces_one_secret(admin):
    client = ClientFactory()
    asked = act(admin, "replace_secret", client, confirmed=False).content.decode()
    replaces = re.search(r'name="replaces" value="(\w+)"', asked)[1]
    act(admin, "replace_secret", client, replaces=replaces)
    made = Client.objects.get().secret_digest
    assert (
        "No new secret was generated"
        in act(admin, "replace_secret", client, replaces=replaces, follow=True).content.decode()
    )
    client.refresh_from_db()
    assert (client.secret_digest, client.previous_secret_digest) == (made, digest(client.secret))


def test_what_is_shown_is_for_who_made_it_and_for_nothing_else(admin, staff):
    client, other = ClientFactory(), ClientFactory()
    at = act(admin, "replace_secret", client)["Location"]
    stranger = staff("change_client", "view_client")
    stranger.cookies["oauth_shown_once"] = admin.cookies["oauth_shown_once"].value
    for browser, page in ((stranger, at), (admin, at.replace(str(client.pk), str(other.pk)))):
        assert 'id="client-secret"' not in browser.get(page, follow=True).content.decode()
    assert staff().get(at).status_code == 403
    cookie = act(admin, "replace_secret", client).cookies["oauth_shown_once"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", at)


@pytest.mark.parametrize("clients", [lambda: [ClientFactory(public=True)], lambda: [ClientFactory(), ClientFactory()]])
def test_no_secret_is_made_for_a_public_client_or_for_two(admin, clients):
    rows = clients()
    assert act(admin, "replace_secret", *rows).status_code == 302
    assert [row.secret_digest for row in Client.objects.order_by("pk")] == [row.secret_digest for row in rows]


def test_disabling_says_beforehand_whom_it_signs_out(admin):
    client = ClientFactory()
    AuthorizationFactory.create_batch(3, client=client)
    AuthorizationFactory(client=client, is_live=None, revoked_at=timezone.now())
    assert "3 people will be signed out of this app." in act(admin, "disable", client, confirmed=False).content.decode()
    assert Client.objects.get().is_active
    act(admin, "disable", client)
    assert not Client.objects.get().is_active
    assert "Disabled." in admin.get(f"{LIST}{client.pk}/history/").content.decode()
    act(admin, "enable", client)
    assert Client.objects.get().is_active


def test_many_people_are_told_readably(admin, monkeypatch):
    monkeypatch.setattr("django_oauth_server.admin.client.people_using", lambda rows: 1204)
    assert (
        "1,204 people will be signed out of this app."
        in act(admin, "disable", ClientFactory(), confirmed=False).content.decode()
    )


def test_disabling_ends_what_hangs_on_it_at_once(admin, flow, client_app):
    token = flow.tokens()["access_token"]
    checker = Flow(ClientFactory(metadata__resource_identifiers=["https://as.example"]), flow.browser)
    assert checker.is_active(token)
    act(admin, "disable", client_app)
    assert not checker.is_active(token)


def test_one_that_was_in_use_cannot_be_deleted(admin):
    unused, used = ClientFactory(), TokenFactory().client
    assert admin.get(f"{LIST}{used.pk}/delete/").status_code == 403
    assert admin.post(f"{LIST}{unused.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Client.objects.get() == used


@pytest.mark.parametrize(("term", "found"), [("Note", 1), ("notebook-1", 1), ("book-1", 1), ("other", 0)])
def test_it_is_found_by_id_and_name(admin, term, found):
    ClientFactory(client_id="notebook-1", metadata__client_name="Note taker")
    assert len(admin.get(LIST, {"q": term}).context["cl"].result_list) == found


def test_who_may_look_may_not_change(staff):
    client = ClientFactory()
    viewer = staff("view_client")
    page = viewer.get(change(client)).content.decode()
    assert "https://client.example/callback" in page
    assert "New secret" not in page
    assert client.secret_digest not in page
    assert viewer.get(ADD).status_code == 403
    for action in ("disable", "replace_secret"):
        act(viewer, action, client)
    assert Client.objects.values("is_active", "secret_digest").get() == {
        "is_active": True,
        "secret_digest": client.secret_digest,
    }
    assert staff().get(LIST).status_code == 403


def test_where_there_are_several_issuers_one_is_chosen_first(admin, settings):
    first = settings.OAUTH_SERVER
    settings.OAUTH_SERVER = [first, {"issuer": "https://other.example", "scopes": {"mail": "read your mail"}}]
    assert "?issuer=https%3A%2F%2Fother.example" in admin.get(ADD).content.decode()
    chosen = f"{ADD}?issuer=https://other.example"
    assert "?issuer=https%3A%2F%2Fother.example&amp;kind=web" in admin.get(chosen).content.decode()
    assert 'value="mail"' in admin.get(f"{chosen}&kind=web").content.decode()
    admin.post(f"{ADD}?issuer=https://other.example", NOTEBOOK | {"scope": ["mail"]})
    assert Client.objects.get().issuer == "https://other.example"
    assert len(admin.get(LIST, {"issuer": "https://as.example"}).context["cl"].result_list) == 0


def test_a_client_of_a_former_issuer_may_only_be_looked_at(admin):
    client = ClientFactory(issuer="https://former.example")
    assert "issuer not in the settings" in admin.get(LIST).content.decode()
    assert admin.get(change(client)).status_code == 200
    assert admin.post(change(client), NOTEBOOK).status_code == 403


def test_what_a_source_says_is_shown_and_what_an_operator_decides_can_be_changed(admin, settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.clients.directory.VouchedDirectory"]}
    flow = Flow(described("almanac"), admin)
    flow.tokens()
    client = Client.objects.get()
    page = admin.get(change(client)).content.decode()
    assert "Almanac" in page and 'name="redirect_uris"' not in page and 'name="skip_consent"' in page
    own = {"skip_consent": "on", "access_token_lifetime": "00:05:00", "redirect_uris": "https://evil.example/callback"}
    assert admin.post(change(client), own).status_code == 302
    row = Client.objects.get()
    assert (row.metadata, row.skip_consent) == (usual(client.client_id), True)
    assert flow.tokens()["expires_in"] == 300


class Handshake(GrantType):
    name = "urn:example:handshake"
    label = "Handshake"


def test_a_grant_type_of_ones_own_is_offered(admin, settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "components": [f"{__name__}.Handshake"]}
    assert "urn:example:handshake" in admin.get(ADD, {"kind": "web"}).content.decode()


def test_a_client_with_a_key_of_its_own_is_registered_without_a_secret(admin):
    asserting = {**NOTEBOOK, "token_endpoint_auth_method": "private_key_jwt"}
    assert "jwks" in errors(admin.post(ADD, asserting))
    keyed = {**asserting, "jwks": json.dumps(jwks(KEY)), "token_endpoint_auth_signing_alg": "ES256"}
    assert admin.post(ADD, keyed).status_code == 302
    client = Client.objects.get()
    assert client.metadata["token_endpoint_auth_signing_alg"] == "ES256"
    assert (client.secret_digest, client.encrypted_secret) == ("", "")


def test_a_client_that_begins_to_sign_with_its_secret_is_shown_a_new_one(admin):
    client = ClientFactory(secret="s" * 43)
    response = admin.post(change(client), {**NOTEBOOK, "token_endpoint_auth_method": "client_secret_jwt"}, follow=True)
    client.refresh_from_db()
    client.secret = shown_secret(response)
    assert "token_endpoint_auth_signing_alg" not in client.metadata
    flow = Flow(client, Browser())
    code = {"grant_type": "authorization_code", "code": "made-up", "redirect_uri": flow.redirect_uri}
    answer = flow.token(authorization=None, **code, **proof(assertion(client)))
    assert answer.json()["error"] == "invalid_grant"  # it is known who asks


def test_a_client_is_given_an_owner(admin: Browser) -> None:
    client, person = ClientFactory(), UserFactory()
    page = admin.get(f"/admin/django_oauth_server/client/{client.pk}/change/")
    form = {name: value for name, value in page.context["adminform"].form.initial.items() if value not in (None, "")}
    form |= {"redirect_uris": client.redirect_uris[0], "scope": sorted(client.scopes), "owner": person.pk}
    response = admin.post(f"/admin/django_oauth_server/client/{client.pk}/change/", form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    client.refresh_from_db()
    assert client.owner == person
    person.delete()
    client.refresh_from_db()
    assert client.owner is None
