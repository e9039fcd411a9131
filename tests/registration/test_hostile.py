"""Nothing that anybody sends breaks registration, or makes a client that means something else than was said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.clients.metadata import members_of, terms_of
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from tests.hostile.junk import BOUNDED, LENGTHS, UNREADABLE
from tests.registration.conftest import JSON, REGISTER, Registrant, refused

pytestmark = pytest.mark.django_db
MEMBERS = sorted(members_of(terms_of(default_issuer())))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["code", "id_token", "implicit", "authorization_code", "native", "none", "openid", "RS256",
                       "https://client.example/", "http://127.0.0.1/", "com.example.app:/", "private_key_jwt"]),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=10,
)  # fmt: skip
NAMES = st.sampled_from(MEMBERS) | st.sampled_from([f"{name}#de" for name in MEMBERS]) | st.text(max_size=12)


@pytest.fixture
def unlimited(registrant: Registrant, settings: Any) -> Registrant:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect", "throttles": {"registration": None}}
    return registrant


@BOUNDED
@given(document=st.dictionaries(NAMES, VALUES, max_size=6))
def test_no_document_ever_breaks_it(unlimited: Registrant, document: dict[str, Any]) -> None:
    before = Client.objects.count()
    response = unlimited.register(**document)
    if response.status_code == 201:
        assert unlimited.manage("GET").json()["client_id"] == unlimited.information["client_id"]
        assert unlimited.update().status_code == 200
        assert "client_credentials" not in unlimited.row.grant_types
        assert json.dumps(unlimited.row.metadata)
    else:
        assert response.status_code == 400
        assert response.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri", "invalid_request"}
        assert Client.objects.count() == before


@BOUNDED
@given(raw=st.binary(max_size=300))
def test_no_bytes_ever_break_it(unlimited: Registrant, raw: bytes) -> None:
    refused(unlimited.call("POST", REGISTER, raw), 400, "invalid_request")


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_form_is_no_document(registrant: Registrant, method: str, body: bytes) -> None:
    registrant.registered()
    path = REGISTER if method == "POST" else f"{REGISTER}/{registrant.information['client_id']}"
    headers = {"Authorization": f"Bearer {registrant.information['registration_access_token']}"}
    form = "application/x-www-form-urlencoded"
    response = registrant.server.generic(
        method, path, body, content_type=form, headers=headers if method == "PUT" else {}
    )
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_token"}
    assert Client.objects.count() == 1


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_that_is_not_the_bodys(registrant: Registrant, length: dict[str, Any]) -> None:
    response = registrant.server.generic("POST", REGISTER, b'{"redirect_uris": []}', content_type=JSON, **length)
    assert response.status_code in {400, 413}
    assert response.json()["error"] in {"invalid_request", "invalid_redirect_uri"}
