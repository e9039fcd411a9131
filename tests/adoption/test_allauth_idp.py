"""Clients, tokens and keys of django-allauth's OpenID Provider: adopted, and good from then on."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client as Browser

from django_oauth_server.models import Client, SigningKey, Token
from django_oauth_server.protocol.pkce import challenge_of
from tests.adoption.allauth import REDIRECT, SECRET, Allauth, adopt
from tests.factories import UserFactory
from tests.flow import VERIFIER, Flow


@pytest.fixture(autouse=True)
def _adopting(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "adoption": {"source": "allauth_idp"}}


def flow_of(of: Any, browser: Browser | None = None) -> Flow:
    client = Client.objects.get(client_id=of.pk)
    client.secret = SECRET
    return Flow(client, browser or Browser())


def test_a_client_keeps_its_id_and_what_it_may(allauth: Allauth):
    owner = UserFactory()
    there = allauth.client(owner=owner, skip_consent=True)
    there.set_post_logout_redirect_uris(["https://app.example/bye"])
    there.save()
    adopt("--apply")
    client = Client.objects.get(client_id=there.pk)
    assert client.name == "Notebook"
    assert client.redirect_uris == [REDIRECT]
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.scopes == {"openid", "notes:read"}
    assert client.metadata["post_logout_redirect_uris"] == ["https://app.example/bye"]
    assert client.skip_consent
    assert client.owner == owner
    assert client.registered_by == Client.RegisteredBy.OPERATOR


def test_one_that_registered_itself_is_known_as_such(allauth: Allauth):
    there = allauth.client(data={"dcr": True, "client_metadata": {}})
    adopt("--apply")
    assert Client.objects.get(client_id=there.pk).registered_by == Client.RegisteredBy.ITSELF


def test_tokens_and_secrets_stay_good(allauth: Allauth):
    user, there = UserFactory(), allauth.client()
    grant_id = uuid.uuid4().hex
    access, refresh = (allauth.token(kind, there, user, grant_id) for kind in ("at", "rt"))
    said = adopt("--apply")
    assert "1 access tokens" in said
    assert "1 refresh tokens" in said
    assert {one.family for one in Token.objects.all()} == {uuid.UUID(grant_id)}
    flow = flow_of(there)
    assert flow.userinfo(access)["sub"] == str(user.pk)
    assert flow.refresh(refresh).status_code == 200


def test_people_are_not_asked_again(allauth: Allauth):
    user, there = UserFactory(), allauth.client()
    allauth.token("rt", there, user)
    adopt("--apply")
    browser = Browser()
    browser.force_login(user)
    response = flow_of(there, browser).authorize(redirect_uri=REDIRECT, scope="openid notes:read")
    assert response.status_code == 303


def test_what_came_since_is_adopted_when_it_is_presented(allauth: Allauth):
    there = allauth.client()
    adopt("--apply")
    refresh = allauth.token("rt", there, UserFactory())
    assert flow_of(there).refresh(refresh).status_code == 200


def test_a_code_is_redeemed_here_and_not_there(allauth: Allauth):
    there = allauth.client()
    adopt("--apply")
    pkce = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    code = allauth.token("ac", there, UserFactory(), uuid.uuid4().hex, pkce=pkce, redirect_uri=REDIRECT, claimed=False)
    answer = flow_of(there).exchange(code)
    assert answer.status_code == 200, answer.content
    assert "id_token" in answer.json()
    assert not allauth.model("Token").objects.filter(type="ac").exists()


def test_a_code_that_was_claimed_there_is_refused(allauth: Allauth):
    there = allauth.client()
    adopt("--apply")
    code = allauth.token("ac", there, UserFactory(), uuid.uuid4().hex, redirect_uri=REDIRECT, claimed=True)
    assert flow_of(there).exchange(code).status_code == 400


def test_what_has_gone_there_ends_with_the_next_run(allauth: Allauth):
    user, there = UserFactory(), allauth.client()
    access, kept = allauth.token("at", there, user), allauth.token("at", there, user)
    adopt("--apply")
    allauth.model("Token").objects.by_value(access).delete()
    assert "1 adopted tokens" in adopt("--apply")
    assert not flow_of(there).is_active(access)
    assert flow_of(there).is_active(kept)


def test_there_and_back(allauth: Allauth):
    user, there = UserFactory(), allauth.client(type="public")
    refresh = allauth.token("rt", there, user, uuid.uuid4().hex)
    adopt("--apply")
    issued = flow_of(there).refresh(refresh).json()
    adopt("--undo", "--apply")
    tokens = allauth.model("Token").objects
    assert tokens.lookup("at", issued["access_token"]).user == user
    assert tokens.lookup("rt", issued["refresh_token"]).get_scopes() == ["notes:read", "openid"]
    assert tokens.lookup("rt", refresh) is None
    assert "nothing new" in adopt("--undo", "--apply")


def test_the_signing_key_keeps_its_name(allauth: Allauth, settings: Any):
    key = rsa.generate_private_key(65537, 2048)
    settings.IDP_OIDC_PRIVATE_KEY = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    adopt("--apply")
    from allauth.core.internal.jwkkit import load_jwk_from_pem

    assert SigningKey.objects.get().kid == load_jwk_from_pem(settings.IDP_OIDC_PRIVATE_KEY)[0]["kid"]
