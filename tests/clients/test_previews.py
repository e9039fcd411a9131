"""Redirect URIs of preview deployments: one label varies, at hosts that an operator names, for clients to which an operator gave them."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.previews import is_preview
from django_oauth_server.clients.registration import check_first_party, review, validate
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow

HOST = "*.preview.example.com"
URI = f"https://{HOST}/callback"
CLIENT = {"redirect_uris": ["https://client.example/callback"], "preview_redirect_uris": [URI]}


@pytest.fixture
def previews(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": [HOST, "app-*-us.host.example"]}}


@pytest.mark.django_db
def test_a_preview_deployment_is_answered(previews, browser):
    flow = Flow(ClientFactory(metadata__preview_redirect_uris=[URI]), browser)
    uri = "https://pr-12.preview.example.com/callback"
    page = flow.authorize(redirect_uri=uri)
    answer = flow.decide(page)
    assert answer["Location"].startswith(uri + "?")
    code = answer["Location"].partition("code=")[2].partition("&")[0]
    assert flow.exchange(code, redirect_uri=uri).status_code == 200


@pytest.mark.spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    "uri",
    [
        "https://a.b.preview.example.com/callback",
        "https://.preview.example.com/callback",
        "https://preview.example.com/callback",
        "https://*.preview.example.com/callback",
        "https://evil.example/.preview.example.com/callback",
        "https://evil.example%2f.preview.example.com/callback",
        "https://evil.example?.preview.example.com/callback",
        "https://user@.preview.example.com/callback",
        "https://a:b@c.preview.example.com/callback",
        "https://PR.preview.example.com/callback",
        "https://-.preview.example.com/callback",
        "https://pr.preview.example.com/callback/more",
        "https://pr.preview.example.com/callback?more",
        "https://pr.preview.example.com:8443/callback",
        "http://pr.preview.example.com/callback",
        f"https://{'a' * 64}.preview.example.com/callback",
        "https://pr\n.preview.example.com/callback",
    ],
)
def test_anything_but_one_label_is_another_address(previews, uri):
    client = Client(metadata=CLIENT)
    assert not is_preview(uri, client, default_issuer().settings)


def test_a_part_of_a_label_may_vary(previews):
    client = Client(metadata={**CLIENT, "preview_redirect_uris": ["https://app-*-us.host.example/cb"]})
    settings = default_issuer().settings
    assert is_preview("https://app-fix-1-us.host.example/cb", client, settings)
    assert not is_preview("https://app--us.host.example/cb", client, settings)
    assert not is_preview("https://app-us.host.example/cb", client, settings)


def test_a_host_that_is_not_named_any_more_is_no_preview(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": ["*.other.example.com"]}}
    assert not is_preview("https://pr.preview.example.com/callback", Client(metadata=CLIENT), default_issuer().settings)


def test_without_the_setting_there_is_no_such_member():
    assert (
        "not a client metadata field"
        in review(CLIENT, terms_of(default_issuer()), operator=True)[1]["preview_redirect_uris"]
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://*.example.com/callback",
        "http://*.preview.example.com/callback",
        "https://*.preview.example.com/*",
        "https://pr.preview.example.com/callback",
        "https://*.preview.example.com:8443/callback",
        "https://*.preview.example.com/callback#x",
        "https://*.preview.example.com/callback?code=1",
        "com.example.*:/callback",
    ],
)
def test_it_is_at_a_host_that_the_operator_names(previews, uri):
    refusals = review({**CLIENT, "preview_redirect_uris": [uri]}, terms_of(default_issuer()), operator=True)[1]
    assert uri in refusals["preview_redirect_uris"]


def test_no_client_registers_one_itself(previews):
    assert "preview_redirect_uris" not in validate(CLIENT, terms_of(default_issuer()))


def test_a_client_without_a_secret_is_no_first_party_with_it(previews):
    terms = terms_of(default_issuer())
    metadata = validate({**CLIENT, "token_endpoint_auth_method": "none"}, terms, operator=True)
    with pytest.raises(InvalidClientMetadata, match="impersonate"):
        check_first_party(metadata, terms)


@pytest.mark.django_db
def test_for_a_client_without_a_secret_people_are_asked_each_time(previews, browser):
    flow = Flow(ClientFactory(public=True, metadata__preview_redirect_uris=[URI]), browser)
    uri = "https://pr-12.preview.example.com/callback"
    flow.decide(flow.authorize(redirect_uri=uri))
    assert flow.authorize(redirect_uri=uri).status_code == 200
    assert flow.authorize().status_code == 303


@pytest.mark.parametrize(
    "host",
    [
        *(
            "*",
            "*.com",
            "*.app",
            "a.*.example.com",
            "*.*.example.com",
            "x.example.com",
            "*.Example.com",
            "**.example.com",
        ),
        *(
            "*.-a.com",
            "*.a-.com",
            "*.a.-com",
            "-*.example.com",
            "*-.example.com",
            "xn--*.example.com",
            "*.example.com.",
        ),
        *("*.2.3.4", "*.example.0x1", "*.example..com", f"*.{'a' * 64}.com", f"*.{'a.' * 126}com"),
    ],
)
def test_a_host_has_one_label_that_varies(settings, host):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": [host]}}
    with pytest.raises(ImproperlyConfigured, match="previews"):
        default_issuer()


@pytest.mark.parametrize("host", ["*.xn--bcher-kva.example", "*-x.1.example.com", "1*.example.xn--p1ai"])
def test_a_host_may_be_any_host_name(settings, host):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "previews": {"hosts": [host]}}
    assert default_issuer().settings


def test_the_operator_is_reminded(previews):
    assert "oauth_server.W017" in {message.id for message in run_checks(tags=["security"])}


@pytest.mark.spec("RFC 9700", "2.1")
def test_no_other_redirect_uri_has_a_wildcard():
    said = {"redirect_uris": ["https://ok.example/*"]}
    assert "must match exactly" in review(said, terms_of(default_issuer()), operator=True)[1]["redirect_uris"]


@pytest.mark.django_db
def test_of_several_redirect_uris_one_has_to_be_named(browser):
    uris = ["https://client.example/a", "https://client.example/b"]
    flow = Flow(ClientFactory(metadata__redirect_uris=uris), browser)
    page = flow.authorize(redirect_uri=None)
    assert page.status_code == 400
    assert b"This client has 2 redirect URIs, so it must name one" in page.content
