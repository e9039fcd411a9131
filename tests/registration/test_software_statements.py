"""What somebody who is trusted says of a client's software (RFC 7591 section 2.3)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf.loader import load
from django_oauth_server.models import Client
from django_oauth_server.protocol import jose
from tests.outbound.server import WebServer, as_json, write_certificate
from tests.registration.conftest import Registrant, refused

pytestmark = pytest.mark.django_db
VENDOR, FOREIGN = (jose.SigningKeyPair.generate("ES256") for _ in range(2))
ISSUER = "https://vendor.example"


def jwks(pair: jose.SigningKeyPair) -> dict[str, Any]:
    return {"keys": [pair.public_jwk()]}


def statement(pair: jose.SigningKeyPair = VENDOR, *, typ: str = "JWT", **claims: Any) -> str:
    said = {"iss": ISSUER, "software_id": "4NRB1", "client_name": "Vendor's Notebook"} | claims
    return jose.sign({name: value for name, value in said.items() if value is not None}, pair, typ=typ)


@pytest.fixture(autouse=True)
def trusted(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"software_statement_issuers": {ISSUER: jwks(VENDOR)}}


@pytest.fixture
def required(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"require_software_statement": True}


@pytest.mark.spec("RFC 7591", "3.1.1")
def test_what_it_says_comes_before_what_the_client_says(registrant: Registrant) -> None:
    said = statement(redirect_uris=["https://vendor.example/callback"])
    information = registrant.registered(software_statement=said, client_name="Mine", policy_uri="https://c.example/")
    assert information["client_name"] == "Vendor's Notebook"
    assert information["software_id"] == "4NRB1"
    assert information["redirect_uris"] == ["https://vendor.example/callback"]
    assert information["policy_uri"] == "https://c.example/"
    assert not {"iss", "exp"} & registrant.row.metadata.keys()


@pytest.mark.spec("RFC 7591", "2.2")
def test_what_it_says_is_said_in_every_language(registrant: Registrant) -> None:
    said = statement(**{"policy_uri#de": "https://vendor.example/de"})
    mine = {"client_name#en": "Your Bank", "policy_uri": "https://c.example/", "policy_uri#fr": "https://c.example/fr"}
    registrant.registered(software_statement=said, **mine)
    assert registrant.update(**mine).status_code == 200
    kept = registrant.row.metadata
    assert {name: value for name, value in kept.items() if name.startswith(("client_name", "policy_uri"))} == {
        "client_name": "Vendor's Notebook",
        "policy_uri#de": "https://vendor.example/de",
    }


@pytest.mark.spec("RFC 7591", "3.2.1")
def test_it_comes_back_as_it_was_sent(registrant: Registrant) -> None:
    said = statement()
    assert registrant.registered(software_statement=said)["software_statement"] == said
    assert registrant.manage("GET").json()["software_statement"] == said


NOW = int(time.time())
REFUSALS: list[tuple[Any, str]] = [
    (7, "invalid_software_statement"),
    ({"iss": ISSUER}, "invalid_software_statement"),
    ("", "invalid_software_statement"),
    ("x", "invalid_software_statement"),
    ("a.b.c", "invalid_software_statement"),
    ("e30.e30.", "unapproved_software_statement"),
    (statement(FOREIGN), "invalid_software_statement"),
    (statement()[:-8] + "AAAAAAAA", "invalid_software_statement"),
    (statement(typ="at+jwt"), "invalid_software_statement"),
    (statement(exp=NOW - 10), "invalid_software_statement"),
    (statement(exp="soon"), "invalid_software_statement"),
    (statement(nbf=NOW + 3600), "invalid_software_statement"),
    (statement(aud="https://other.example"), "invalid_software_statement"),
    (statement(aud=["https://other.example"]), "invalid_software_statement"),
    (statement(aud={"https://as.example": 1}), "invalid_software_statement"),
    (statement(iss="https://elsewhere.example"), "unapproved_software_statement"),
    (statement(iss=None), "unapproved_software_statement"),
    (statement(iss=["https://vendor.example"]), "unapproved_software_statement"),
    (statement(redirect_uris=["https://vendor.example/#x"]), "invalid_redirect_uri"),
    (statement(client_name=7), "invalid_client_metadata"),
]


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(("said", "error"), REFUSALS)
def test_what_is_refused(registrant: Registrant, said: Any, error: str) -> None:
    refused(registrant.register(software_statement=said), 400, error)
    assert not Client.objects.exists()


@pytest.mark.parametrize("aud", ["https://as.example", ["https://other.example", "https://as.example"]])
def test_one_that_names_this_server_and_holds(registrant: Registrant, aud: Any) -> None:
    registrant.registered(software_statement=statement(aud=aud, nbf=NOW - 10, exp=NOW + 3600))


def test_an_unsigned_one(registrant: Registrant) -> None:
    header = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    unsigned = f"{header}.{statement().split('.')[1]}."
    refused(registrant.register(software_statement=unsigned), 400, "invalid_software_statement")


def test_no_privilege_comes_by_it(registrant: Registrant) -> None:
    registrant.registered(
        software_statement=statement(skip_consent=True, resource_identifiers=["https://api.example/notes"])
    )
    assert not registrant.row.skip_consent
    assert registrant.row.resource_identifiers == []
    greedy = statement(grant_types=["client_credentials"])
    refused(registrant.register(software_statement=greedy), 400, "invalid_client_metadata", "not offered")


def test_it_does_not_vouch_for_who_registers_with_it(registrant: Registrant) -> None:
    registrant.registered(software_statement=statement())
    assert registrant.row.registered_by == Client.RegisteredBy.ITSELF


class TestUpdate:
    """A client stays bound to what it registered with."""

    @pytest.mark.parametrize("said", [{}, {"software_statement": None}])
    def test_without_one_it_is_judged_by_the_one_before(self, registrant: Registrant, said: Any) -> None:
        registrant.registered(software_statement=statement())
        document = {name: value for name, value in registrant.document.items() if name != "software_statement"}
        answered = registrant.manage("PUT", document | {"client_name": "Mine"} | said).json()
        assert answered["client_name"] == "Vendor's Notebook"
        assert answered["software_statement"] == registrant.information["software_statement"]

    def test_a_newer_one_takes_its_place(self, registrant: Registrant) -> None:
        registrant.registered(software_statement=statement())
        newer = statement(client_name="Vendor's Diary")
        assert registrant.update(software_statement=newer).json()["client_name"] == "Vendor's Diary"
        assert registrant.row.software_statement == newer

    def test_no_statement_names_another_client(self, registrant: Registrant) -> None:
        registrant.registered(software_statement=statement(client_id="another"))
        assert registrant.update().status_code == 200
        assert registrant.row.client_id == registrant.information["client_id"]


class TestKeySetAddress:
    """The keys of who is trusted may be published elsewhere."""

    @pytest.fixture
    def server(self, tmp_path: Path, settings: Any) -> Iterator[WebServer]:
        certificate = write_certificate(tmp_path / "vendor.pem", "127.0.0.1")
        server = WebServer(certificate)
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
            "software_statement_issuers": {ISSUER: server.url("/jwks")},
            "outbound_private_hosts": [f"127.0.0.1:{server.port}"],
            "outbound_ca_bundle": str(certificate),
        }
        yield server
        server.stop()

    def test_they_are_fetched(self, server: WebServer, registrant: Registrant) -> None:
        server.pages["/jwks"] = as_json(jwks(VENDOR))
        assert registrant.registered(software_statement=statement())["client_name"] == "Vendor's Notebook"
        refused(registrant.register(software_statement=statement(FOREIGN)), 400, "invalid_software_statement")

    def test_where_they_are_not_to_be_had_nothing_is_believed(self, server: WebServer, registrant: Registrant) -> None:
        refused(registrant.register(software_statement=statement()), 400, "invalid_software_statement")


@pytest.mark.usefixtures("required")
def test_one_may_be_required(registrant: Registrant) -> None:
    refused(registrant.register(), 400, "invalid_client_metadata", "software_statement")
    registrant.registered(software_statement=statement())


def test_where_nobody_is_trusted_it_is_a_member_that_nobody_knows(registrant: Registrant, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"software_statement_issuers": {}}
    information = registrant.registered(software_statement=statement())
    assert information["client_name"] == "Notebook"
    assert "software_statement" not in information


@pytest.mark.parametrize(
    "wrong",
    [
        {"software_statement_issuers": {ISSUER: {"keys": "none"}}},
        {"software_statement_issuers": {ISSUER: "http://vendor.example/jwks"}},
        {"software_statement_issuers": {}, "require_software_statement": True},
    ],
)
def test_settings_that_cannot_be_meant(settings: Any, wrong: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | wrong
    with pytest.raises(ImproperlyConfigured, match="software_statement"):
        load()
