"""Bodies that are sent in chunks (RFC 9112 section 7.1), as a WSGI server hands them on: with no Content-Length."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.parameters import MAX_LENGTH
from tests.factories import ClientFactory
from tests.flow import TOKEN, Flow

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


class InvalidChunkSize(Exception):
    """As gunicorn has it: no OSError."""


class Broken(BytesIO):
    """The sender went away, or sends what is no chunk."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        raise self._error


def post(
    path: str, body: bytes, content_type: str = FORM, *, source: Any = None, ends: bool = True, **headers: str
) -> HttpResponse:
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": ends}
    environ |= {"wsgi.input": source or BytesIO(body), "CONTENT_TYPE": content_type}
    return Browser().generic("POST", path, b"", content_type, headers=headers, **environ)  # type: ignore[arg-type]


def service() -> str:
    client = ClientFactory(metadata__grant_types=["client_credentials"])
    return format_basic(client.client_id, client.secret)


ASKED = b"grant_type=client_credentials&scope=notes:read"


@pytest.mark.spec("RFC 9112", "7.1")
def test_it_is_read_to_its_end() -> None:
    assert post(TOKEN, ASKED, Authorization=service()).status_code == 200


def test_so_is_a_registration() -> None:
    document = {"client_name": "Notebook", "redirect_uris": ["https://notebook.example/cb"]}
    assert post("/oauth/register", json.dumps(document).encode(), "application/json").status_code == 201


def test_so_is_a_token_in_a_form(flow: Flow) -> None:
    token = flow.tokens(scope="openid")["access_token"]
    assert post("/oauth/userinfo", f"access_token={token}".encode()).status_code == 200


@pytest.mark.spec("RFC 9110", "15.5.12")
@pytest.mark.parametrize("path", [TOKEN, "/oauth/userinfo"])
def test_where_the_server_does_not_say_where_it_ends_a_length_is_asked_for(path: str) -> None:
    refused = post(path, ASKED, ends=False)
    assert (refused.status_code, refused.json()["error"]) == (411, "invalid_request")


def test_it_is_bounded() -> None:
    refused = post(TOKEN, ASKED + b"&x=" + b"x" * MAX_LENGTH)
    assert (refused.status_code, refused.json()["error"]) == (413, "invalid_request")


@pytest.mark.spec("RFC 9112", "8")
@pytest.mark.parametrize("path", [TOKEN, "/oauth/userinfo"])
@pytest.mark.parametrize("error", [OSError("no more data"), InvalidChunkSize("zz")], ids=["broken off", "no chunk"])
def test_one_that_is_broken_off_is_refused(path: str, error: Exception) -> None:
    refused = post(path, b"", source=Broken(error))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
