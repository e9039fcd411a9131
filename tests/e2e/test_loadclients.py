"""`manage.py loadclients`: people and clients as a document describes them, all or nothing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_start import manage

pytestmark = pytest.mark.e2e

ISSUER = "https://op.example:9443"
ENVIRONMENT = {"OAUTH_ISSUER": ISSUER, "OAUTH_PROFILE": "openid_connect"}
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "users": [
        {
            "username": "alice",
            "password": "wonderland-1",
            "claims": {
                "name": "Alice P. Liddell",
                "given_name": "Alice",
                "family_name": "Liddell",
                "middle_name": "Pleasance",
                "nickname": "Al",
                "preferred_username": "al",
                "profile": f"{ISSUER}/people/alice",
                "picture": f"{ISSUER}/people/alice.png",
                "website": f"{ISSUER}/~alice",
                "gender": "female",
                "birthdate": "1852-05-04",
                "zoneinfo": "Europe/London",
                "locale": "en-GB",
                "updated_at": 1700000000,
                "email": "alice@Example.com",
                "email_verified": True,
                "phone_number": "+442079460000",
                "phone_number_verified": True,
                "address": {
                    "formatted": "1 Tom Quad\nOxford",
                    "street_address": "1 Tom Quad",
                    "locality": "Oxford",
                    "region": "Oxfordshire",
                    "postal_code": "OX1 1DP",
                    "country": "GB",
                },
            },
        }
    ],
    "clients": [
        {
            "client_id": "basic-1",
            "client_secret": "basic-1-secret-0123456789abcdef0123456789",
            "token_endpoint_auth_method": "client_secret_basic",
            "redirect_uris": ["https://suite.example:8443/callback"],
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email address phone offline_access",
        },
        {
            "client_id": "public-1",
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["https://suite.example:8443/callback"],
        },
    ],
}
ASK = """
import io, json
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django_oauth_server.models import Client
from people.claims import PersonClaims
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
for path, skip in json.loads({asked!r}):
    said = io.StringIO()
    try:
        call_command("loadclients", path, skip_unsupported=skip, stdout=said)
    except CommandError as exc:
        said.write("refused: " + str(exc))
    claims = [PersonClaims(user).claims(PersonClaims.supported()) for user in User.objects.all()]
    print(json.dumps([said.getvalue().splitlines(), claims, Client.objects.count()]))
"""
Said = tuple[list[str], list[dict[str, Any]], int]
"""The lines of one run; the claims of everybody and the number of clients after it."""


def changed(*path: str | int, to: Any = None, **beside: Any) -> dict[str, Any]:
    """The document, one place of it, and what is *beside* it, put to another value (None: left out)."""
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    for name, value in {path[-1]: to, **beside}.items():
        if value is None:
            del place[name]
        else:
            place[name] = value
    return document


def load(home: Path, *documents: tuple[Any, bool]) -> list[Said]:
    """The documents, one after the other in one process; True: with --skip-unsupported."""
    asked = []
    for number, (document, skip) in enumerate(documents):
        path = home / f"{number}.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        asked.append((str(path), skip))
    manage(home, "migrate", "-v0", **ENVIRONMENT)
    said = manage(home, "shell", "-v0", "-c", ASK.format(asked=json.dumps(asked)), **ENVIRONMENT)
    return [tuple(json.loads(line)) for line in said.splitlines()]


UPDATED = [
    (changed("users", 0, "claims", "nickname", to="Alys"), "user alice"),
    (changed("users", 0, "claims", "given_name", to="Alys"), "user alice"),
    (changed("users", 0, "claims", "gender"), "user alice"),
    (changed("users", 0, "claims", "address", "region"), "user alice"),
    (changed("users", 0, "claims", "updated_at", to=1700000001), "user alice"),
    (changed("users", 0, "password", to="wonderland-2"), "user alice"),
    (changed("clients", 0, "client_secret", to="another-secret-0123456789abcdef"), "client basic-1"),
    (changed("clients", 0, "token_endpoint_auth_method", to="client_secret_post"), "client basic-1"),
    (changed("clients", 1, "redirect_uris", to=["https://suite.example:8443/other"]), "client public-1"),
    (changed("clients", 0, "token_endpoint_auth_method", to="none", client_secret=None), "client basic-1"),
]
PRIVATE = {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}]}
REFUSED = {
    "another server's": (changed("issuer", to="https://other.example"), "issuer: It is https://other.example"),
    "no issuer": (changed("issuer"), "issuer: It is missing."),
    "no users": (changed("users"), "users: It is missing."),
    "clients no list": (changed("clients", to={"a": 1}), "clients: It must be a list."),
    "a client no object": (changed("clients", 1, to="basic"), "clients[1]: It must be an object."),
    "no password": (changed("users", 0, "password"), "users[0].password: It is missing."),
    "a username": (changed("users", 0, "username", to="a b"), "users[0].username: "),
    "a claim unknown": (changed("users", 0, "claims", "shoe_size", to="38"), "users[0].claims.shoe_size: There is no"),
    "a claim no string": (changed("users", 0, "claims", "nickname", to=7), "users[0].claims.nickname: It must be a"),
    "a claim no flag": (changed("users", 0, "claims", "email_verified", to="yes"), "users[0].claims.email_verified: "),
    "an e-mail address": (changed("users", 0, "claims", "email", to="alice"), "users[0].claims.email: "),
    "a name too long": (changed("users", 0, "claims", "given_name", to="A" * 200), "users[0].claims.given_name: "),
    "an address": (changed("users", 0, "claims", "address", "planet", to="Earth"), "users[0].claims.address.planet: "),
    "a client twice": (changed("clients", 1, "client_id", to="basic-1"), "clients[1].client_id: It is that of clients[0]."),
    "no client id": (changed("clients", 0, "client_id"), "clients[0].client_id: It is missing."),
    "no secret": (changed("clients", 0, "client_secret"), "clients[0].client_secret: It is missing"),
    "a secret too many": (changed("clients", 1, "client_secret", to="s" * 40), "clients[1].client_secret: "),
    "a fragment": (changed("clients", 0, "redirect_uris", to=["https://a.example/#b"]), "clients[0].redirect_uris: "),
    "a private key": (changed("clients", 0, "jwks", to=PRIVATE), "clients[0].jwks: It contains a private"),
    "a public client": (changed("clients", 1, "grant_types", to=["client_credentials"]), "clients[1].grant_types: "),
    "no JSON": ("{", "cannot be read as JSON"),
    "no object": ("[]", "is no JSON object"),
}  # fmt: skip
UNSUPPORTED = {
    "profile": (changed("clients", 0, "profile", to="fapi2"), "clients[0].profile: 'fapi2' is not offered here."),
    "grant type": (
        changed("clients", 0, "grant_types", to=["urn:openid:params:grant-type:ciba"]),
        "clients[0].grant_types: 'urn:openid:params:grant-type:ciba' is not offered here.",
    ),
    "method": (
        changed("clients", 0, "token_endpoint_auth_method", to="tls_client_auth"),
        "clients[0].token_endpoint_auth_method: 'tls_client_auth' is not offered here.",
    ),
    "scope": (
        changed("clients", 0, "scope", to="openid accounts"),
        "clients[0].scope: 'accounts' is not offered here.",
    ),
    "member": (changed("clients", 0, "colour", to="red"), "clients[0].colour: There is no such member here."),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What is said of each document that is refused, by its name."""
    named = REFUSED | UNSUPPORTED
    said = load(tmp_path_factory.mktemp("refused"), *((document, False) for document, _ in named.values()))
    return dict(zip(named, said, strict=True))


@pytest.mark.parametrize("name", [*REFUSED, *UNSUPPORTED])
def test_the_member_at_fault_is_named_and_nothing_is_loaded(refused: dict[str, Said], name: str) -> None:
    [line], people, clients = refused[name]
    assert line.startswith("refused: ")
    assert (REFUSED | UNSUPPORTED)[name][1] in line
    assert (people, clients) == ([], 0)


def test_a_secret_is_never_said(refused: dict[str, Said]) -> None:
    assert "basic-1-secret" not in str(refused)
    assert "wonderland" not in str(refused)


@pytest.mark.requirement(36)
def test_a_second_run_changes_nothing_and_a_changed_document_what_it_changed(tmp_path: Path) -> None:
    runs = [DOCUMENT, DOCUMENT]
    for document, _ in UPDATED:
        runs += [document, document, DOCUMENT]
    (first, people, clients), (second, *_), *rest = load(tmp_path, *((document, False) for document in runs))
    assert first == ["created user alice", "created client basic-1", "created client public-1"]
    assert (people, clients) == ([DOCUMENT["users"][0]["claims"]], 2)  # every standard claim has its place
    assert second == ["unchanged user alice", "unchanged client basic-1", "unchanged client public-1"]
    for number, (document, what) in enumerate(UPDATED):
        (changed, people, clients), (again, *_), (back, *_) = rest[3 * number : 3 * number + 3]
        assert [line for line in changed if "unchanged" not in line] == [f"updated {what}"]
        assert (people, clients) == ([document["users"][0]["claims"]], 2)
        assert again == second
        assert f"updated {what}" in back


def test_what_is_not_offered_may_be_skipped_and_what_is_wrong_may_not(tmp_path: Path) -> None:
    runs = [(document, True) for document, _ in (REFUSED["a private key"], *UNSUPPORTED.values())]
    ([wrong], _, none), *skipped = load(tmp_path, *runs)
    assert wrong.startswith("refused: clients[0].jwks")
    assert none == 0
    for (lines, _, clients), (_, told) in zip(skipped, UNSUPPORTED.values(), strict=True):
        assert f"skipped basic-1: {told}" in lines
        assert lines[-1].endswith("client public-1")
        assert clients == 1
