"""A client's logo: fetched by this server, judged by its first bytes, and shown from this origin."""

from __future__ import annotations

import html
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server import outbound
from django_oauth_server.clients import logos
from django_oauth_server.clients.logos import logo_of
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.outbound.server import WebServer
from tests.waiting import SOON, until

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PICTURES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(40),
    "image/gif": b"GIF89a" + bytes(40),
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(40),
}
NO_PICTURES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<script>alert(1)</script>",
    "nothing": b"",
    "too large": PNG + bytes(256 * 1024),
}


@pytest.fixture
def app(server: WebServer, certificate: Path, settings: Any) -> Any:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_ca_bundle": str(certificate),
        "outbound_private_hosts": (f"127.0.0.1:{server.port}",),
    }
    return ClientFactory(client_id="a&b", metadata__client_name="<Printer>", metadata__logo_uri=server.url("/logo"))


def serve(server: WebServer, body: bytes, status: int = 200) -> None:
    server.pages["/logo"] = (status, {"Content-Type": "image/png"}, body)


def logo(app: Any, uri: str = "") -> HttpResponse:
    asked = {"client_id": app.client_id, "logo_uri": uri or app.metadata["logo_uri"]}
    return Browser().get("/oauth/logo", asked)


def sources(page: str) -> list[str]:
    return [html.unescape(source) for source in re.findall(r'<img class="logo" src="([^"]+)"', page)]


def assert_initial(response: HttpResponse) -> None:
    assert (response.status_code, response["Content-Type"]) == (200, "image/svg+xml")
    assert b">&lt;</text>" in response.content  # the initial of <Printer>


@pytest.mark.parametrize("content_type", PICTURES)
def test_a_picture_is_shown_as_what_it_is(app: Any, server: WebServer, content_type: str) -> None:
    serve(server, PICTURES[content_type])
    until_there(app, PICTURES[content_type])
    response = logo(app)
    assert (response["Content-Type"], response.content) == (content_type, PICTURES[content_type])
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("what", NO_PICTURES)
def test_what_is_no_picture_is_not_shown(app: Any, server: WebServer, what: str) -> None:
    serve(server, NO_PICTURES[what])
    assert_initial(logo(app))


def test_it_is_asked_for_once(app: Any, server: WebServer) -> None:
    serve(server, PNG)
    until_there(app, PNG)
    assert [logo(app).content for _ in range(3)] == [PNG] * 3
    assert server.calls["/logo"] == 1


def test_what_cannot_be_had_is_not_asked_for_again_and_again(app: Any, server: WebServer) -> None:
    serve(server, b"", status=404)
    for _ in range(3):
        assert_initial(logo(app))
        until(lambda: logos._pictures.get()._found)
    assert server.calls["/logo"] == 1


def until_there(app: Any, content: bytes) -> None:
    """Look again, as the next person does."""
    until(lambda: logo(app).content == content)


def test_who_looks_does_not_wait_for_it(app: Any, server: WebServer) -> None:
    server.released.clear()
    serve(server, PNG)
    began = time.monotonic()
    response = logo(app)
    assert time.monotonic() - began < SOON
    assert_initial(response)
    assert response["Cache-Control"] == "private, max-age=5", "it may be there a moment later"
    server.released.set()
    until_there(app, PNG)
    assert server.calls["/logo"] == 1


def test_of_many_who_look_few_wait(app: Any, server: WebServer) -> None:
    server.released.clear()
    began = time.monotonic()
    uri, settings = app.metadata["logo_uri"], default_issuer().settings
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(lambda _: logo_of(app, uri, settings), range(64))) == [None] * 64
    assert time.monotonic() - began < SOON
    server.released.set()
    assert server.calls["/logo"] <= 1


def test_a_new_one_takes_the_place_of_the_former(app: Any, server: WebServer) -> None:
    """A client that goes on changing it would fill the memory."""
    server.pages |= {f"/{number}": (200, {}, PNG + bytes([number])) for number in range(4)}
    for number in range(4):
        app.metadata["logo_uri"] = server.url(f"/{number}")
        app.save()
        until_there(app, PNG + bytes([number]))
    assert len(logos._pictures.get()._found) == 1


def test_logos_of_many_clients_fill_neither_the_cache_nor_the_memory(
    app: Any, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logos, "MOST_KEPT", 100_000)
    outbound.forget()
    serve(server, PNG + bytes(30_000))
    for _ in range(6):
        until_there(ClientFactory(metadata__logo_uri=server.url("/logo")), PNG + bytes(30_000))
    assert logos._pictures.get()._found.currsize <= 100_000
    assert not [key for key in cache._cache if "logo" in key]


class Away(BaseCache):
    """A cache server that is down."""

    def __init__(self, *args: Any) -> None:
        super().__init__({})

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError

    add = set = get_many = set_many = delete = get


def test_without_a_cache_it_is_shown_all_the_same(app: Any, server: WebServer, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.outbound.test_logo.Away"}}
    serve(server, PNG)
    until_there(app, PNG)


def test_it_has_one_for_each_language(app: Any, server: WebServer, browser: Browser) -> None:
    app.metadata["logo_uri#fr"] = server.url("/french")
    app.save()
    server.pages["/french"] = (200, {}, PNG)
    page = Flow(app, browser).authorize(ui_locales="fr").content.decode()
    until(lambda: Browser().get(sources(page)[0]).content == PNG)


def test_nothing_is_fetched_that_the_client_has_not_registered(app: Any, server: WebServer) -> None:
    assert_initial(logo(app, server.url("/other")))
    assert not server.connected


def test_no_address_inside_is_asked(server: WebServer, certificate: Path, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_ca_bundle": str(certificate)}
    inside = ClientFactory(metadata__logo_uri=server.url("/logo"))
    assert logo(inside)["Content-Type"] == "image/svg+xml"
    assert not server.connected


@pytest.mark.parametrize("query", ["", "?client_id=", "?client_id=unknown", "?client_id=disabled", "?other=1"])
def test_of_nobody_there_is_none(query: str) -> None:
    ClientFactory(client_id="disabled", is_active=False)
    assert Browser().get(f"/oauth/logo{query}").status_code == 404


@pytest.mark.requirement(41)
@pytest.mark.spec("Client ID Metadata Document", "8.8")
def test_the_consent_page_shows_it_from_this_origin(app: Any, server: WebServer, browser: Browser) -> None:
    serve(server, PNG)
    page = Flow(app, browser).authorize()
    [source] = sources(page.content.decode())
    assert source.startswith("/oauth/logo?client_id=a%26b&logo_uri=https%3A")
    until(lambda: Browser().get(source).content == PNG)


@pytest.mark.parametrize("address", ["https://as.example/accounts/logout/", "https://AS.example:443/accounts/logout/"])
def test_no_address_of_this_site_is_loaded_because_a_client_names_it(browser: Browser, address: str) -> None:
    own = ClientFactory(metadata__logo_uri=address)
    [source] = sources(Flow(own, browser).authorize().content.decode())
    assert source.startswith("/oauth/logo?")


def test_a_file_of_this_site_is_shown_where_it_is(browser: Browser) -> None:
    own = ClientFactory(metadata__logo_uri="https://as.example/static/logo.png")
    assert sources(Flow(own, browser).authorize().content.decode()) == ["https://as.example/static/logo.png"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../accounts/logout/",
        "/static/%2e%2e/accounts/logout/",
        "/static/..%2faccounts/logout/",
        "/static\\..\\accounts/logout/",
        "/",
        "/staticky/x",
    ],
)
def test_what_only_looks_like_a_file_of_this_site_is_not_loaded(browser: Browser, path: str) -> None:
    own = ClientFactory(metadata__logo_uri=f"https://as.example{path}")
    [source] = sources(Flow(own, browser).authorize().content.decode())
    assert source.startswith("/oauth/logo?")


@pytest.mark.parametrize(
    "address", ["https://as.example/x.png", "https://AS.example:443/x.png", "https://as.example.:8443/x.png"]
)
def test_this_server_never_asks_itself(settings: Any, connects: list[Any], address: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": ("127.0.0.0/8",)}
    own = ClientFactory(client_id="own", metadata__client_name="<", metadata__logo_uri=address)
    assert_initial(logo(own))
    assert connects == []


def test_without_one_the_initial_is_a_letter_on_the_page(browser: Browser) -> None:
    assert "<img" not in Flow(ClientFactory(), browser).authorize().content.decode()
