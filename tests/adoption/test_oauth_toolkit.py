"""Clients, tokens and keys of django-oauth-toolkit: adopted, and good from then on."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import global_settings
from django.contrib.auth.hashers import check_password
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jwcrypto.jwk import JWK

from django_oauth_server.clients.methods import presented_secret
from django_oauth_server.clients.registration import new_secret
from django_oauth_server.models import Authorization, Client, SigningKey, Token
from django_oauth_server.models.foreign_secret import ForeignSecret
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import CLIENT_SECRET, digest, generate
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.clients import foreign_secret_of
from tests.adoption.toolkit import REDIRECT, SECRET, Toolkit, adopt
from tests.factories import UserFactory
from tests.flow import TOKEN, Flow, form

EVERYTHING = {"adoption": {"source": "oauth_toolkit"}}


@pytest.fixture
def adopting(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, **EVERYTHING}


def client_of(application: Any) -> Client:
    return Client.objects.get(client_id=application.client_id)


def flow_of(application: Any, browser: Browser | None = None) -> Flow:
    client = client_of(application)
    client.secret = SECRET
    return Flow(client, browser or Browser())


def test_a_dry_run_writes_nothing(toolkit: Toolkit):
    toolkit.pair(toolkit.application(), UserFactory())
    said = adopt()
    assert "1 clients" in said
    assert "1 access tokens" in said
    assert "1 refresh tokens" in said
    assert "--apply" in said
    assert not Client.objects.exists()
    assert not Token.objects.exists()


def test_a_second_run_changes_nothing(toolkit: Toolkit):
    toolkit.pair(toolkit.application(), UserFactory())
    toolkit.access_token(toolkit.application(authorization_grant_type="client-credentials", redirect_uris=""))
    adopt("--apply")
    before = [list(model.objects.values()) for model in (Client, Authorization, Token)]
    adopt("--apply")
    assert [list(model.objects.values()) for model in (Client, Authorization, Token)] == before


def test_an_application_becomes_a_client(toolkit: Toolkit):
    application = toolkit.application(
        redirect_uris=f"{REDIRECT} https://other.example/cb",
        algorithm="RS256",
        skip_authorization=True,
        user=UserFactory(),
    )
    adopt("--apply")
    client = client_of(application)
    assert client.metadata["client_name"] == "Notebook"
    assert client.redirect_uris == [REDIRECT, "https://other.example/cb"]
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.response_types == ["code"]
    assert client.metadata["id_token_signed_response_alg"] == "RS256"
    assert client.skip_consent
    assert client.owner == application.user
    assert client.created_at == application.created
    assert "notes:write" in client.scopes


@pytest.mark.parametrize(
    ("grant_type", "grant_types"),
    [
        ("client-credentials", ["client_credentials"]),
        (
            "urn:ietf:params:oauth:grant-type:device_code",
            ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        ),
    ],
)
def test_each_grant_type_has_its_own(toolkit: Toolkit, grant_type: str, grant_types: list[str]):
    application = toolkit.application(authorization_grant_type=grant_type, redirect_uris="")
    adopt("--apply")
    assert client_of(application).grant_types == grant_types


@pytest.mark.parametrize(
    ("grant_type", "profile", "grant_types", "response_types"),
    [
        ("implicit", "legacy", ["implicit"], ["token"]),
        ("password", "legacy", ["password", "refresh_token"], []),
        (
            "openid-hybrid",
            "openid_connect",
            ["authorization_code", "implicit", "refresh_token"],
            ["code", "code token", "code id_token", "code id_token token"],
        ),
    ],
)
def test_what_a_profile_offers_comes_along(
    toolkit: Toolkit,
    settings: Any,
    grant_type: str,
    profile: str,
    grant_types: list[str],
    response_types: list[str],
):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": profile}
    application = toolkit.application(authorization_grant_type=grant_type)
    adopt("--apply")
    assert client_of(application).grant_types == grant_types
    assert client_of(application).response_types == response_types


def test_what_is_not_offered_is_said_and_left_out(toolkit: Toolkit):
    application = toolkit.application(authorization_grant_type="implicit")
    toolkit.access_token(application, UserFactory())
    said = adopt("--apply")
    assert application.client_id in said
    assert "implicit" in said
    assert "1 tokens of these clients" in said
    assert not Client.objects.exists()


def test_what_was_left_out_comes_once_it_is_offered(toolkit: Toolkit, settings: Any):
    application = toolkit.application(authorization_grant_type="implicit")
    value = toolkit.access_token(application, UserFactory())
    adopt("--apply")
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    adopt("--apply")
    assert Token.objects.filter(digest=digest(value)).exists()


def test_a_redirect_uri_that_is_not_allowed_is_named_and_the_others_come(toolkit: Toolkit):
    application = toolkit.application(redirect_uris=f"{REDIRECT} http://staging.example/cb")
    said = adopt("--apply")
    assert "http://staging.example/cb" in said
    assert client_of(application).redirect_uris == [REDIRECT]


def test_what_openid_connect_alone_has_is_left_out_of_a_server_without_it(toolkit: Toolkit, settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "scopes": {"notes:read": "see your notes"}}
    application = toolkit.application(post_logout_redirect_uris="https://app.example/bye", algorithm="RS256")
    adopt("--apply")
    assert client_of(application).scopes == {"notes:read"}


def test_redirect_uris_with_a_wildcard_become_those_of_preview_deployments(toolkit: Toolkit, settings: Any):
    preview = "https://*.preview.example/cb"
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": ("*.preview.example",)}}
    application = toolkit.application(redirect_uris=f"{REDIRECT} {preview}")
    adopt("--apply")
    assert client_of(application).redirect_uris == [REDIRECT]
    assert client_of(application).metadata["preview_redirect_uris"] == [preview]


def test_without_preview_hosts_a_wildcard_is_refused(toolkit: Toolkit):
    application = toolkit.application(redirect_uris=f"{REDIRECT} https://*.preview.example/cb")
    assert "https://*.preview.example/cb" in adopt("--apply")
    assert client_of(application).redirect_uris == [REDIRECT]


@pytest.mark.parametrize("sends", ["basic", "post"])
@pytest.mark.parametrize("hashed", [True, False])
def test_a_secret_goes_on_working_whichever_way_it_is_sent(toolkit: Toolkit, sends: str, hashed: bool):
    application = toolkit.application(
        authorization_grant_type="client-credentials", redirect_uris="", hash_client_secret=hashed
    )
    adopt("--apply")
    for _ in range(2):
        assert ask(application, SECRET, sends).status_code == 200


def ask(application: Any, secret: str, sends: str = "basic") -> Any:
    asked = {"grant_type": "client_credentials"}
    headers = {"Authorization": format_basic(application.client_id, secret)} if sends == "basic" else {}
    named = {} if headers else {"client_id": application.client_id, "client_secret": secret}
    body = form({**asked, **named})
    return Browser().post(TOKEN, body, content_type="application/x-www-form-urlencoded", headers=headers)


def test_the_first_use_of_a_hashed_secret_replaces_the_hash(toolkit: Toolkit):
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")
    assert foreign_secret_of(client_of(application))
    assert ask(application, "a guess").status_code == 401
    assert foreign_secret_of(client_of(application))
    assert ask(application, SECRET).status_code == 200
    client = client_of(application)
    assert not foreign_secret_of(client)
    assert client.has_secret(SECRET, timezone.now())
    assert ask(application, "a guess").status_code == 401


def test_guesses_at_a_hashed_secret_are_throttled(toolkit: Toolkit, settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "throttles": {"client_authentication": "2/h"}}
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")
    assert [ask(application, f"guess {number}").status_code for number in range(3)] == [401, 401, 429]


def test_a_hasher_is_not_asked_without_end_whatever_a_guess_looks_like(toolkit: Toolkit, settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "throttles": {"client_authentication": "2/h"}}
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")
    with mock.patch.object(presented_secret, "check_password", wraps=check_password) as hasher:
        answers = [ask(application, generate(CLIENT_SECRET)).status_code for _ in range(4)]
    assert answers == [401, 401, 429, 429]
    assert hasher.call_count == 2


@pytest.mark.parametrize(
    "encoded", ["argon2$argon2id$v=19$m=8,t=2,p=8$aaaa$bbbb", "pbkdf2_sha256$1$damaged", "gone$1$a$b"]
)
def test_a_hash_that_cannot_be_checked_is_a_failure_as_any_other(toolkit: Toolkit, settings: Any, encoded: str):
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    ForeignSecret.objects.update(encoded=encoded)
    assert ask(application, SECRET).status_code == 401


def test_a_secret_that_is_replaced_during_its_first_use_goes_on_working_for_a_while(toolkit: Toolkit):
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    adopt("--apply")

    def replacing(*args: Any) -> bool:
        if not client_of(application).secret_digest:
            new_secret(client_of(application), default_issuer(), timezone.now())
        return check_password(*args)

    with mock.patch.object(presented_secret, "check_password", replacing):
        assert ask(application, SECRET).status_code == 200
    assert ask(application, SECRET).status_code == 200


def test_a_secret_that_was_given_up_does_not_come_back(toolkit: Toolkit):
    application = toolkit.application()
    adopt("--apply")
    client = client_of(application)
    call_command("updateclient", client.client_id, "--token-endpoint-auth-method", "none", stdout=StringIO())
    out = StringIO()
    call_command(
        "updateclient", client.client_id, "--token-endpoint-auth-method", "client_secret_post", "--json", stdout=out
    )
    assert json.loads(out.getvalue())["client_secret"]
    client.secret = SECRET
    assert Flow(client, Browser()).refresh("unknown").json()["error"] == "invalid_client"


def test_a_public_client_has_no_secret(toolkit: Toolkit):
    application = toolkit.application(client_type="public")
    adopt("--apply")
    client = client_of(application)
    assert client.is_public
    assert not foreign_secret_of(client)
    assert not client.secret_digest


def test_a_secret_that_signs_is_kept_in_clear(toolkit: Toolkit):
    application = toolkit.application(algorithm="HS256", hash_client_secret=False)
    adopt("--apply")
    assert client_of(application).encrypted_secret


def test_access_tokens_stay_good(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    value = toolkit.access_token(application, user, scope="openid notes:read")
    adopt("--apply")
    assert flow_of(application).userinfo(value)["sub"] == str(user.pk)
    told = flow_of(application).introspect(value)
    assert told["active"]
    assert told["scope"] == "notes:read openid"
    assert told["username"] == user.get_username()
    assert "adopted" not in told


def test_an_app_for_itself_keeps_its_token(toolkit: Toolkit, adopting: None):
    application = toolkit.application(authorization_grant_type="client-credentials", redirect_uris="")
    value = toolkit.access_token(application)
    adopt("--apply")
    assert flow_of(application).introspect(value)["sub"] == application.client_id


def test_refresh_tokens_stay_good_and_what_they_buy_is_ours(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    _, refresh = toolkit.pair(application, user, scope="notes:read notes:write")
    adopt("--apply")
    answer = flow_of(application).refresh(refresh)
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "notes:read notes:write"
    assert flow_of(application).is_active(answer.json()["access_token"])
    issued = Token.objects.get(digest=digest(answer.json()["access_token"]))
    assert issued.facts == {}


def test_the_refresh_token_of_a_public_client_rotates_and_its_reuse_ends_the_family(
    toolkit: Toolkit, adopting: None, settings: Any
):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "refresh_token_replay_window": timedelta()}
    application = toolkit.application(client_type="public")
    access, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    flow = flow_of(application)
    rotated = flow.refresh(refresh).json()["refresh_token"]
    assert rotated != refresh
    assert flow.refresh(refresh).status_code == 400
    assert flow.refresh(rotated).status_code == 400
    assert Token.objects.get(digest=digest(access)).revoked_at


def test_people_are_not_asked_again(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    toolkit.pair(application, user, scope="notes:read")
    toolkit.access_token(application, user, scope="notes:write")
    adopt("--apply")
    browser = Browser()
    browser.force_login(user)
    response = flow_of(application, browser).authorize(redirect_uri=REDIRECT)
    assert response.status_code == 303
    assert "code=" in response["Location"]


def test_a_client_that_registered_itself_asks_nobody_again(toolkit: Toolkit, adopting: None):
    toolkit.needs("Application", "registration_source")
    user, application = UserFactory(), toolkit.application(registration_source="dcr")
    toolkit.pair(application, user, scope="notes:read notes:write")
    adopt("--apply")
    assert client_of(application).registered_by == Client.RegisteredBy.ITSELF
    browser = Browser()
    browser.force_login(user)
    assert flow_of(application, browser).authorize(redirect_uri=REDIRECT).status_code == 303


@pytest.mark.parametrize("dead", ["expired", "orphan", "revoked", "disabled"])
def test_what_is_dead_there_stays_dead(toolkit: Toolkit, adopting: None, dead: str):
    user, application = UserFactory(is_active=dead != "disabled"), toolkit.application()
    access, refresh = toolkit.pair(application, user)
    tokens = toolkit.model("AccessToken").objects.filter(token=access)
    if dead == "expired":
        tokens.update(expires=timezone.now())
        toolkit.model("RefreshToken").objects.update(revoked=timezone.now())
    elif dead == "orphan":
        tokens.delete()
    elif dead == "revoked":
        toolkit.model("RefreshToken").objects.get(token=refresh).revoke()
    adopt("--apply")
    assert not Token.objects.exists()


def test_a_token_of_another_server_is_none_of_ours(toolkit: Toolkit):
    """The toolkit keeps what an introspection endpoint told it as a token without an application."""
    toolkit.access_token(None, UserFactory())
    adopt("--apply")
    assert not Token.objects.exists()


def test_what_came_since_comes_with_the_next_run(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    _, first = toolkit.pair(application, user)
    adopt("--apply")
    access, second = toolkit.rotate(first)
    other = toolkit.application()
    adopt("--apply")
    assert client_of(other)
    flow = flow_of(application)
    assert flow.is_active(access)
    assert flow.refresh(second).status_code == 200


def test_what_has_ended_there_ends_with_the_next_run(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    access, first = toolkit.pair(application, user)
    kept, _ = toolkit.pair(application, user)
    adopt("--apply")
    toolkit.rotate(first)
    assert "2 adopted tokens" in adopt("--apply")
    flow = flow_of(application)
    assert not flow.is_active(access)
    assert flow.refresh(first).status_code == 400
    assert flow.is_active(kept)


def test_what_was_used_here_is_not_ended_by_what_the_toolkit_tidies_up(toolkit: Toolkit, adopting: None):
    application = toolkit.application()
    _, refresh = toolkit.pair(application, UserFactory())
    toolkit.pair(application, UserFactory())
    adopt("--apply")
    assert flow_of(application).refresh(refresh).status_code == 200
    toolkit.model("RefreshToken").objects.filter(token=refresh).delete()
    adopt("--apply")
    assert flow_of(application).refresh(refresh).status_code == 200


def test_emptied_tables_end_nothing(toolkit: Toolkit, adopting: None):
    application = toolkit.application()
    _, refresh = toolkit.pair(application, UserFactory())
    adopt("--apply")
    toolkit.model("RefreshToken").objects.all().delete()
    toolkit.model("AccessToken").objects.all().delete()
    adopt("--apply")
    assert flow_of(application).refresh(refresh).status_code == 200


def test_what_a_person_removed_here_does_not_come_back(toolkit: Toolkit, adopting: None):
    user, application = UserFactory(), toolkit.application()
    toolkit.pair(application, user)
    adopt("--apply")
    Authorization.objects.update(is_live=None, revoked_at=timezone.now())
    access, _ = toolkit.pair(application, user)
    toolkit.model("AccessToken").objects.filter(token=access).update(updated=timezone.now() - timedelta(seconds=5))
    toolkit.model("RefreshToken").objects.update(updated=timezone.now() - timedelta(seconds=5))
    assert "2 tokens of people who have removed the app here" in adopt("--apply")
    assert not Authorization.objects.filter(is_live=True).exists()


def test_what_was_adopted_once_and_has_gone_is_not_adopted_again(toolkit: Toolkit, adopting: None):
    toolkit.pair(toolkit.application(), UserFactory())
    toolkit.model("AccessToken").objects.update(updated=timezone.now() - timedelta(hours=1))
    toolkit.model("RefreshToken").objects.update(updated=timezone.now() - timedelta(hours=1))
    adopt("--apply")
    Token.objects.all().delete()
    adopt("--apply")
    assert not Token.objects.exists()


def test_tokens_that_are_kept_as_checksums_alone(toolkit: Toolkit, adopting: None, settings: Any):
    toolkit.needs("RefreshToken", "token_checksum")
    application = toolkit.application()
    access, refresh = toolkit.pair(application, UserFactory())
    toolkit.model("AccessToken").objects.update(token="")
    toolkit.model("RefreshToken").objects.update(token="")
    adopt("--apply")
    assert flow_of(application).is_active(access)
    assert flow_of(application).refresh(refresh).status_code == 200


def test_families_are_kept(toolkit: Toolkit):
    toolkit.needs("RefreshToken", "token_family")
    family = uuid.uuid4()
    toolkit.pair(toolkit.application(), UserFactory(), family=family)
    adopt("--apply")
    assert set(Token.objects.values_list("family", flat=True)) == {family}


def test_the_signing_key_keeps_its_name_and_signs(toolkit: Toolkit, settings: Any):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings.OAUTH2_PROVIDER = {"OIDC_RSA_PRIVATE_KEY": pem}
    adopt("--apply")
    row = SigningKey.objects.get()
    assert row.kid == JWK.from_pem(pem.encode()).thumbprint()
    assert row.alg == "RS256"
    published = Browser().get("/oauth/jwks").json()["keys"]
    assert row.kid in {one["kid"] for one in published}
    adopt("--apply")
    assert SigningKey.objects.filter(kid=row.kid).count() == 1


def test_json_says_the_same(toolkit: Toolkit):
    toolkit.pair(toolkit.application(), UserFactory())
    said = json.loads(adopt("--apply", "--json"))
    assert said["applied"]
    assert said["clients"] == said["foreign_secrets"] == said["access_tokens"] == said["refresh_tokens"] == 1


def test_a_second_run_writes_no_row_of_what_is_here(toolkit: Toolkit):
    application = toolkit.application()
    for _ in range(3):
        toolkit.pair(application, UserFactory())
    adopt("--apply")
    with CaptureQueriesContext(connection) as asked:
        adopt("--apply")
    written = [one["sql"] for one in asked if one["sql"].startswith(("UPDATE", "INSERT"))]
    assert [sql for sql in written if "oauth_server_adoption" not in sql] == []


def test_many_tokens_take_few_statements(toolkit: Toolkit, django_assert_max_num_queries: Any):
    application = toolkit.application()
    for _ in range(30):
        toolkit.pair(application, UserFactory())
    with django_assert_max_num_queries(45):
        adopt("--apply")
    assert Token.objects.count() == 60


PREVIEW = "https://*.preview.example.com/callback"


def test_redirect_uris_with_a_wildcard_are_those_of_preview_deployments(toolkit: Toolkit, settings: Any):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": ["*.preview.example.com"]}}
    several = toolkit.application(redirect_uris=f"{REDIRECT} {PREVIEW}")
    alone = toolkit.application(redirect_uris=PREVIEW)
    adopt("--apply")
    assert client_of(several).metadata["redirect_uris"] == [REDIRECT]
    assert client_of(several).metadata["preview_redirect_uris"] == [PREVIEW]
    assert client_of(alone).metadata["preview_redirect_uris"] == [PREVIEW]


def test_a_wildcard_at_a_host_that_nobody_named_is_told(toolkit: Toolkit):
    toolkit.application(redirect_uris=f"{REDIRECT} {PREVIEW}")
    assert f"{PREVIEW}: redirect URIs must match exactly" in " ".join(adopt().split())
