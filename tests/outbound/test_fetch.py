"""The one client for addresses that somebody else named: whom it asks, whom it never does, and how long it listens."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.utils.http import http_date

from django_oauth_server import outbound
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.outbound import Unreachable, fetch, post_form
from tests.outbound.server import WebServer, as_json, write_certificate
from tests.waiting import HELD, PATIENCE, SOON

Ask = Callable[..., Any]


@pytest.fixture
def trusting(certificate: Path) -> IssuerSettings:
    """Trusts the server's certificate, and lists no private host."""
    return IssuerSettings(
        issuer="https://as.example", outbound_ca_bundle=str(certificate), outbound_timeout=timedelta(seconds=PATIENCE)
    )


@pytest.fixture
def listing(trusting: IssuerSettings, server: WebServer) -> IssuerSettings:
    """As well, and lists the server."""
    return replace(trusting, outbound_private_hosts=(f"127.0.0.1:{server.port}",))


def get(url: str, settings: IssuerSettings, **more: Any) -> outbound.Fetched:
    return fetch(url, settings, **({"accept": "application/json", "most_bytes": 1000} | more))


def test_what_is_there_is_fetched(server, listing):
    server.pages["/keys"] = as_json({"keys": []}, Cache_Control="public, max-age=30")
    found = get(server.url("/keys?of=me"), listing)
    assert (found.body, found.content_type, found.max_age) == (b'{"keys": []}', "application/json", 30)
    (method, headers) = server.asked[0]
    assert (method, headers["accept"], headers["accept-encoding"]) == ("GET", "application/json", "identity")
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert not {"cookie", "authorization", "referer"} & headers.keys()


@pytest.mark.spec("RFC 9111", "5.2.2")
@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", None),
        ("max-age=5", 5),
        ("private,MAX-AGE=7", 7),
        ('max-age="9"', 9),
        ("no-store", 0),
        ("no-cache, max-age=60", 0),
        ("s-maxage=5", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
    ],
)
def test_how_long_it_may_be_kept_is_told(server, listing, said, seconds):
    server.pages["/"] = as_json({}, Cache_Control=said)
    assert get(server.url(), listing).max_age == seconds


@pytest.mark.spec("RFC 9111", "4.2")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache_Control": "max-age=60", "Age": "20"}, 40),
        ({"Cache_Control": "max-age=60", "Age": "999999999"}, 0),
        ({"Cache_Control": "max-age=60", "Age": "long"}, 60),
        ({"Cache_Control": "max-age=60", "Expires": "0"}, 60),
        ({"Expires": "0"}, 0),
        ({"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
)
def test_how_long_it_was_kept_on_the_way_counts_and_so_does_a_date(server, listing, headers, seconds):
    server.pages["/"] = as_json({}, **headers)
    assert get(server.url(), listing).max_age == seconds


def test_what_expires_in_a_minute_may_be_kept_for_one(server, listing):
    server.pages["/"] = as_json({}, Expires=http_date(time.time() + 60))
    assert 58 <= (get(server.url(), listing).max_age or 0) <= 60


def test_a_form_is_posted_and_only_the_status_is_told(server, listing):
    server.pages["/logout"] = (204, {}, b"")
    assert post_form(server.url("/logout"), {"logout_token": "a.b.c"}, listing) == 204
    assert server.forms == [{"logout_token": "a.b.c"}]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 501])
def test_whatever_the_status_is_a_post_is_not_repeated(server, listing, status):
    server.pages["/logout"] = (status, {"Location": "/elsewhere"}, b"")
    assert post_form(server.url("/logout"), {}, listing) == status
    assert server.calls == {"/logout": 1}


@pytest.mark.spec("RFC 9700", "4.16")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[64:ff9b:1::7f00:1]",
    ],
)
def test_this_machine_is_never_asked_however_it_is_spelt(server, trusting, connects, host):
    with pytest.raises(Unreachable, match="may not be asked|does not answer"):
        get(server.url(host=host), trusting)
    assert connects == server.connected == []


@pytest.mark.spec("RFC 9700", "4.16")
@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "2852039166",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:a9fe:a9fe::]",
        "[fec0::1]",
        "[ff02::1]",
        "[5f00::1]",
        "[100::1]",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "0.1.2.3",
    ],
)
@pytest.mark.parametrize("as_name", [False, True], ids=["literal", "by name"])
def test_nothing_that_is_not_on_the_internet_is_asked(trusting, connects, resolve, host, as_name):
    if as_name:
        resolve("client.example", [host.strip("[]")])
    with pytest.raises(Unreachable, match="not on the internet"):
        get(f"https://{'client.example' if as_name else host}/", trusting)
    assert connects == []


def test_one_private_address_among_public_ones_is_one_too_many(trusting, connects, resolve):
    resolve("client.example", ["203.0.114.1", "10.0.0.1"])
    with pytest.raises(Unreachable, match=r"10\.0\.0\.1"):
        get("https://client.example/", trusting)
    assert connects == []


def test_a_name_is_looked_up_once_and_who_was_judged_is_who_is_asked(certificate, trusting, resolve, connects):
    """DNS rebinding: a second look would lead elsewhere."""
    inside = WebServer(certificate, "127.0.0.1")  # first: of the two addresses it is where ports are in use
    judged = WebServer(certificate, "127.0.0.2", inside.port)
    judged.pages["/"] = as_json({})
    looked = resolve("client.example", ["127.0.0.2"], ["127.0.0.1"])
    try:
        get(judged.url(host="client.example"), replace(trusting, outbound_private_hosts=("127.0.0.2/32",)))
    finally:
        judged.stop()
        inside.stop()
    assert (looked, judged.connected, inside.connected) == (["client.example"], ["127.0.0.2"], [])
    assert [address for address, *_ in connects] == ["127.0.0.2"]
    assert judged.asked[0][1]["host"] == f"client.example:{judged.port}"


def test_a_name_that_has_become_private_is_refused(server, trusting, resolve, connects):
    resolve("client.example", ["127.0.0.1"])
    with pytest.raises(Unreachable, match="not on the internet"):
        get(server.url(host="client.example"), replace(trusting, outbound_private_hosts=("127.0.0.2/32",)))
    assert connects == []


def test_the_next_address_serves_where_the_first_takes_no_connection(server, trusting, resolve):
    resolve("client.example", ["127.0.0.3", "127.0.0.1"])
    server.pages["/"] = as_json({})
    allowed = replace(trusting, outbound_private_hosts=("client.example",))
    assert get(server.url(host="client.example"), allowed).body == b"{}"


@pytest.mark.parametrize("listed", ["client.example", "CLIENT.example", "client.example:{port}", "127.0.0.0/8"])
def test_a_listed_host_is_asked(server, trusting, resolve, listed):
    resolve("client.example", ["127.0.0.1"])
    server.pages["/"] = as_json({})
    allowed = replace(trusting, outbound_private_hosts=(listed.format(port=server.port),))
    assert get(server.url(host="client.example"), allowed).body == b"{}"


@pytest.mark.parametrize(
    "listed", ["client.example:1", "example", "a.client.example", "127.0.0.1", "10.0.0.0/8", "xclient.example"]
)
def test_a_list_lets_through_what_it_names_and_nothing_else(server, trusting, resolve, connects, listed):
    resolve("client.example", ["127.0.0.1"])
    with pytest.raises(Unreachable, match="not on the internet"):
        get(server.url(host="client.example"), replace(trusting, outbound_private_hosts=(listed,)))
    assert connects == server.connected == []


@pytest.mark.parametrize("location", ["https://10.0.0.1/", "/elsewhere", "https://169.254.169.254/latest/meta-data/"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server, listing, connects, status, location):
    server.pages["/"] = (status, {"Location": location}, b"")
    with pytest.raises(Unreachable, match=str(status)):
        get(server.url(), listing)
    assert (server.calls, len(connects)) == ({"/": 1}, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/keys",
        "http://127.0.0.1/",
        "ftp://client.example/",
        "file:///etc/passwd",
        "gopher://client.example/",
        "https://user:password@client.example/",
        "https://client.example/#fragment",
        "https:///keys",
        "https://client.example:99999/",
        "https://client.example/a b",
        "https://client.example/\r\nX: y",
        "https://[::1",
        "//client.example/",
        "client.example",
        "",
    ],
)
def test_what_is_no_https_address_is_not_asked(trusting, connects, resolve, url):
    looked = resolve("client.example", ["203.0.114.1"])
    with pytest.raises(Unreachable, match="may not be asked"):
        get(url, trusting)
    assert connects == looked == []


@pytest.fixture
def plain() -> Iterator[WebServer]:
    server = WebServer(None)
    server.pages["/"] = as_json({})
    yield server
    server.stop()


def test_without_tls_only_this_machine_is_asked_and_only_where_it_is_listed(plain, trusting, connects, resolve):
    assert get(plain.url(), replace(trusting, outbound_private_hosts=("127.0.0.1",))).body == b"{}"
    for listed in ((), ("127.0.0.1:1",), ("127.0.0.0/8",)):
        with pytest.raises(Unreachable, match="https"):
            get(plain.url(), replace(trusting, outbound_private_hosts=listed))
    resolve("localhost", ["10.0.0.1"])
    with pytest.raises(Unreachable, match="not on the internet"):
        get(plain.url(host="localhost"), replace(trusting, outbound_private_hosts=("localhost",)))
    assert len(connects) == 1


def test_a_certificate_that_nobody_knows_is_not_trusted(server, listing):
    with pytest.raises(Unreachable, match="SSL"):
        get(server.url(), replace(listing, outbound_ca_bundle=""))
    assert not server.calls


def test_a_certificate_of_another_host_is_not_trusted(trusting, resolve, tmp_path):
    other = write_certificate(tmp_path / "other.pem", "other.example", "127.0.0.1")
    server = WebServer(other)
    try:
        resolve("client.example", ["127.0.0.1"])
        with pytest.raises(Unreachable, match="SSL"):
            get(
                server.url(host="client.example"),
                replace(trusting, outbound_ca_bundle=str(other), outbound_private_hosts=("client.example",)),
            )
        assert not server.calls
    finally:
        server.stop()


@pytest.mark.spec("RFC 9325", "3.1.1")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_before_1_2_is_not_spoken(certificate, trusting):
    server = WebServer(certificate, versions=ssl.TLSVersion.TLSv1_1)
    try:
        with pytest.raises(Unreachable, match="SSL"):
            get(server.url(), replace(trusting, outbound_private_hosts=("127.0.0.1",)))
        assert not server.calls
    finally:
        server.stop()


def test_proxies_of_the_environment_are_not_asked(server, listing, connects, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.pages["/"] = as_json({})
    assert get(server.url(), listing).body == b"{}"
    assert connects == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("headers", [{}, {"Content-Length": ""}], ids=["length told", "length not told"])
def test_a_body_that_is_too_long_is_not_read_to_its_end(server, listing, headers):
    server.pages["/"] = (200, headers, b"x" * 5_000_000)
    with pytest.raises(Unreachable, match="more than 1000 bytes"):
        get(server.url(), listing)


@pytest.mark.parametrize("body", [b"x" * 1000, b""])
def test_a_body_that_just_fits_is_read(server, listing, body):
    server.pages["/"] = (200, {}, body)
    assert get(server.url(), listing).body == body


@pytest.mark.parametrize(
    "page",
    [
        (200, {"X-Drip": "yes"}, b" " * 1000),
        (200, {"X-Drip": "yes", "Content-Length": ""}, b" " * 1000),
        (200, {"X-Drip-Headers": "yes"}, b"{}"),
    ],
    ids=["body", "body without a length", "headers"],
)
def test_an_answer_that_comes_in_drops_is_given_up_on(server, listing, page):
    server.pages["/"] = page
    began = time.perf_counter()
    with pytest.raises(Unreachable, match="slowly|does not answer"):
        get(server.url(), replace(listing, outbound_timeout=timedelta(seconds=0.4)))
    assert time.perf_counter() - began < SOON


def test_a_server_that_never_answers_is_given_up_on(server, listing):
    server.released.clear()
    for ask in (lambda one: get(server.url(), one), lambda one: post_form(server.url(), {}, one)):
        began = time.perf_counter()
        with pytest.raises(Unreachable):
            ask(replace(listing, outbound_timeout=timedelta(seconds=0.3)))
        assert time.perf_counter() - began < SOON


def test_one_that_does_not_even_greet_is_given_up_on(trusting):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(Unreachable):
            get(
                f"https://127.0.0.1:{port}/",
                replace(trusting, outbound_timeout=timedelta(seconds=0.3), outbound_private_hosts=("127.0.0.1",)),
            )


def test_a_resolver_that_does_not_answer_is_given_up_on(trusting, monkeypatch, connects):
    answered = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answered.wait(HELD) and [])
    began = time.perf_counter()
    with pytest.raises(Unreachable, match="TimeoutError"):
        get("https://client.example/", replace(trusting, outbound_timeout=timedelta(seconds=0.2)))
    answered.set()
    assert time.perf_counter() - began < SOON
    assert connects == []


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 404, 500])
def test_anything_but_200_is_no_answer(server, listing, status):
    server.pages["/"] = (status, {}, b"secret of the inner network" if status not in {204, 304} else b"")
    with pytest.raises(Unreachable) as refusal:
        get(server.url(), listing)
    assert refusal.value.status == status
    assert "secret" not in str(refusal.value)


def test_what_is_compressed_all_the_same_is_not_unpacked(server, listing):
    server.pages["/"] = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08bomb")
    assert get(server.url(), listing).body == b"\x1f\x8b\x08bomb"


def test_where_nobody_is_nothing_else_is_raised(trusting):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="does not answer"):
            get(
                f"https://127.0.0.1:{unused.getsockname()[1]}/",
                replace(trusting, outbound_private_hosts=("127.0.0.1",)),
            )
    for host in ("a..b", "x" * 64 + ".example", "-"):
        with pytest.raises(Unreachable):
            get(f"https://{host}/", trusting)
