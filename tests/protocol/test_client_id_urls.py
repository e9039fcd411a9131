"""Which client IDs can be the address of a document (draft-ietf-oauth-client-id-metadata-document section 3)."""

from __future__ import annotations

import pytest

from django_oauth_server.protocol.client_id_urls import check_client_id_url, is_client_id_url, is_meant_as_url


@pytest.mark.spec("Client ID Metadata Document", "3")
@pytest.mark.parametrize(
    "client_id",
    [
        "https://app.example/client.json",
        "https://app.example/",
        "https://app.example:8443/client",
        "https://app.example:443/client",
        "https://app.example/client?version=2",
        "https://app.example/a%20b/~c",
        "https://app.example/Client",
        "https://xn--bcher-kva.example/client",
        "https://under_score.app.example/client",
        "https://localhost:8443/client.json",
        "https://app.example/" + "a" * 235,
    ],
)
def test_a_document_may_be_there(client_id: str) -> None:
    check_client_id_url(client_id)


@pytest.mark.spec("Client ID Metadata Document", "3")
@pytest.mark.parametrize(
    ("client_id", "rule"),
    [
        ("http://app.example/client", "https"),
        ("http://localhost/client", "https"),
        ("HTTPS://app.example/client", "lower case"),
        ("https:/app.example/client", "names no host"),
        ("https:///client", "names no host"),
        ("https://app.example", "path"),
        ("https://app.example?client", "path"),
        ("https://app.example/client#top", "fragment"),
        ("https://app.example/client#", "fragment"),
        ("https://me@app.example/client", "user name"),
        ("https://me:secret@app.example/client", "user name"),
        ("https://@app.example/client", "user name"),
        ("https://app.example/./client", "segments"),
        ("https://app.example/a/../client", "segments"),
        ("https://app.example/..", "segments"),
        ("https://app.example/%2e%2E/client", "segments"),
        ("https://app.example/a/.%2e", "segments"),
        ("https://app.example/a%2f..%2fclient", "segments"),
        ("https://APP.example/client", "lower case"),
        ("https://app.example:0443/client", "plain number"),
        ("https://app.example:/client", "plain number"),
        ("https://app.example:99999/client", "not a URI"),
        ("https://app.example./client", "has a name"),
        ("https://app..example/client", "has a name"),
        ("https://-app.example/client", "has a name"),
        ("https://app.example:0/client", "its port a plain number"),
        ("https://203.0.113.7/client", "has a name"),
        ("https://2130706433/client", "has a name"),
        ("https://0x7f.1/client", "has a name"),
        ("https://[::1]/client", "has a name"),
        ("https://[::ffff:127.0.0.1]:443/client", "has a name"),
        ("https://app%2eexample/client", "percent"),
        ("https://b\u00fccher.example/client", "character"),
        ("https://app.example/b\u00fccher", "character"),
        ("https://app.example\\@evil.example/client", "character"),
        ("https://app.example/cli ent", "character"),
        ("https://app.example/client\n", "character"),
        ("https://app.example/%zz", "character"),
        ("https://app.example/\0", "character"),
        ("https://app.example/" + "a" * 236, "255 characters"),
    ],
)
def test_no_document_may_be_there(client_id: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        check_client_id_url(client_id)


def test_what_is_written_badly_was_meant_all_the_same() -> None:
    """Its developer is told what to mend; others are told that nobody is registered."""
    assert all(map(is_meant_as_url, ("http://localhost/client", "HTTPS://app.example/client", "https:/app.example")))
    assert not any(map(is_meant_as_url, ("almanac", "urn:https://app.example", " https://app.example")))
    assert not is_client_id_url("HTTPS://app.example/client")
