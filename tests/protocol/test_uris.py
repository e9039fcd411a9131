"""Which redirect URIs may be registered, which match, and where a person is told that they lead."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol.uris import (
    add_parameters,
    check_redirect_uri,
    check_resource,
    check_web_uri,
    destination,
    matches,
    origin,
    proves_identity,
)

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
CALLBACK = "https://client.example/callback"


@pytest.mark.spec("RFC 6749", "3.1.2")
@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        "https://client.example",
        "https://client.example:8443/callback?tenant=%C3%BC",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:8000/callback",
        "http://[::1]:8000/callback",
        "http://localhost:8000/callback",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_may_be_registered(uri: str) -> None:
    check_redirect_uri(uri)


@pytest.mark.spec("OAuth 2.1", "2.3")
@pytest.mark.parametrize(
    ("uri", "rule"),
    [
        ("", "character"),
        ("/callback", "absolute"),
        ("//client.example/callback", "absolute"),
        ("client.example/callback", "absolute"),
        ("HTTPS://client.example/callback", "lower case"),
        (f"{CALLBACK}#", "fragment"),
        (f"{CALLBACK}#here", "fragment"),
        ("javascript:alert(1)", "private-use"),
        ("data:text/html,hello", "private-use"),
        ("vbscript:x", "private-use"),
        ("file:///etc/passwd", "private-use"),
        ("myapp://callback", "private-use"),
        ("http://client.example/callback", "loopback"),
        ("http://127.0.0.1.evil.example/callback", "loopback"),
        ("http://localhost.evil.example/callback", "loopback"),
        ("https:///callback", "no host"),
        ("https://:443/callback", "no host"),
        ("https://person@client.example/callback", "user name"),
        ("http://127.0.0.1@evil.example/callback", "loopback"),
        ("https://client.example/call back", "character"),
        ("https://client.example/callback\n", "character"),
        ("https://client.example\\@evil.example/", "character"),
        ("https://clïent.example/callback", "character"),
        ("https://client.example/%zz", "character"),
        ("https://client.example/%0", "character"),
        ("https://client.example:port/callback", "not a URI"),
        ("https://client.example:99999/callback", "not a URI"),
        ("https://[::1/callback", "not a URI"),
    ],
)
def test_may_never_be_registered(uri: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        check_redirect_uri(uri)


def test_http_leaves_the_device_only_where_the_policy_says_so() -> None:
    check_redirect_uri("http://client.example/callback", allow_http=True)


@PROPERTY
@given(st.text(max_size=60))
def test_whatever_is_registered_is_refused_with_a_rule_or_sound(uri: str) -> None:
    try:
        check_redirect_uri(uri)
    except ValueError as exc:
        assert str(exc)
    else:
        assert urlsplit(uri).scheme
        assert uri.isascii()


@pytest.mark.spec("RFC 9700", "2.1")
@pytest.mark.parametrize("sent", [f"{CALLBACK}/", f"{CALLBACK}?", f"{CALLBACK}?x", CALLBACK.upper(), f" {CALLBACK}"])
def test_a_redirect_uri_matches_character_by_character(sent: str) -> None:
    assert matches(CALLBACK, CALLBACK)
    assert not matches(CALLBACK, sent)


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1/cb"),
        ("http://[::1]:8000/cb?x=1", "http://[::1]:9/cb?x=1"),
        ("http://127.0.0.1", "http://127.0.0.1:51004"),
    ],
)
def test_the_port_of_a_loopback_address_may_vary(registered: str, sent: str) -> None:
    assert matches(registered, sent)


@pytest.mark.spec("RFC 8252", "8.3")
@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb\n"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/./cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:510040/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004.evil.example/cb"),
        ("http://localhost:1/cb", "http://localhost:2/cb"),
        ("https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb"),
        ("https://client.example/?to=http://127.0.0.1:1/", "https://client.example/?to=http://127.0.0.1:2/"),
    ],
)
def test_nothing_but_the_port_of_a_loopback_address_may_vary(registered: str, sent: str) -> None:
    assert not matches(registered, sent)


@PROPERTY
@given(st.text(max_size=40))
def test_nothing_else_matches(sent: str) -> None:
    assert matches(CALLBACK, sent) == (sent == CALLBACK)


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        f"{CALLBACK}?a=%20b&a=2",
        f"{CALLBACK}?",
        "https://client.example",
        "com.example.app:/cb",
        "com.example.app:///cb",
        "com.example.app:cb",
    ],
)
@pytest.mark.parametrize("component", ["query", "fragment"])
def test_parameters_are_put_behind_what_was_registered(uri: str, component: str) -> None:
    answer = add_parameters(uri, [("state", "a b&c=ü"), ("code", "x")], component)
    assert answer.startswith(uri)
    assert parse_qsl(getattr(urlsplit(answer), component))[-2:] == [("state", "a b&c=ü"), ("code", "x")]


@pytest.mark.spec("OAuth 2.1", "7.9")
@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (CALLBACK, "client.example"),
        ("http://127.0.0.1:8000/callback", "127.0.0.1:8000"),
        ("com.example.app:/callback", "com.example.app:"),
        ("com.evil.app://bank.example/callback", "com.evil.app:"),
    ],
)
def test_a_person_is_told_where_the_answer_leads(uri: str, told: str) -> None:
    assert destination(uri) == told


@pytest.mark.spec("OAuth 2.1", "7.3.1")
@pytest.mark.parametrize(
    ("uri", "proven"),
    [
        (CALLBACK, True),
        ("https://localhost/callback", False),
        ("http://127.0.0.1/callback", False),
        ("http://client.example/callback", False),
        ("com.example.app:/callback", False),
    ],
)
def test_https_alone_proves_who_receives_the_answer(uri: str, proven: bool) -> None:
    assert proves_identity(uri) is proven


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize("uri", ["notes", "https://api.example/#notes", "https://api.example/a b", ""])
def test_a_resource_is_absolute_and_has_no_fragment(uri: str) -> None:
    with pytest.raises(ValueError):
        check_resource(uri)


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://client.example/", "com.example.app:/", "https://a@b/"])
def test_a_page_that_people_are_shown_is_https(uri: str) -> None:
    with pytest.raises(ValueError):
        check_web_uri(uri)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://RP.example:443/callback", "https://rp.example"),
        ("http://RP.example:80", "http://rp.example"),
        ("https://rp.example:80", "https://rp.example:80"),
        ("https://[::1]:443/", "https://[::1]"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_origins_are_compared_as_browsers_do(uri: str, expected: str) -> None:
    assert origin(uri) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"{CALLBACK}?code=mine&x=1", f"{CALLBACK}?x=1&code=given"),
        (f"{CALLBACK}?x=1&%63ode=mine&code", f"{CALLBACK}?x=1&code=given"),
        (f"{CALLBACK}?code=mine", f"{CALLBACK}?code=given"),
        (f"{CALLBACK}?Code=mine&code[]=mine&x=1", f"{CALLBACK}?x=1&code=given"),
        (f"{CALLBACK}?x=%2F&&y", f"{CALLBACK}?x=%2F&&y&code=given"),
    ],
)
def test_no_parameter_is_there_twice(uri: str, expected: str) -> None:
    assert add_parameters(uri, [("code", "given")], "query") == expected
