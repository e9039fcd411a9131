"""OpenID Connect Front-Channel Logout 1.0: the person's browser loads a page of each relying party."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review
from django_oauth_server.models import Client
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.logout.conftest import BACK, end_session, press, signed_in
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OpenID Connect Front-Channel Logout", "2")]


@pytest.fixture
def relying_party(db: None) -> Any:
    return ClientFactory(
        metadata__redirect_uris=["https://rp.example/callback"],
        metadata__post_logout_redirect_uris=[BACK],
        metadata__frontchannel_logout_uri="https://rp.example/frontchannel?from=as",
    )


def frames(page: HttpResponse) -> list[str]:
    return [unescape(src) for src in re.findall(r'<iframe src="([^"]*)"', page.content.decode())]


def frame_sources(page: HttpResponse) -> str:
    directives = dict(one.split(" ", 1) for one in page["Content-Security-Policy"].split("; "))
    return directives.get("frame-src", "")


@pytest.mark.requirement(47)
def test_the_page_is_loaded_with_iss_and_sid_of_the_id_token(rp: Flow) -> None:
    claims = read(rp.tokens(scope="openid")["id_token"])
    page = press(rp.browser, end_session(rp.browser))
    (frame,) = map(urlsplit, frames(page))
    assert f"{frame.scheme}://{frame.netloc}{frame.path}" == "https://rp.example/frontchannel"
    assert parse_qs(frame.query) == {"from": ["as"], "iss": [claims["iss"]], "sid": [claims["sid"]]}
    assert frame_sources(page) == "https://rp.example"
    assert not signed_in(rp.browser) and not Participation.objects.exists()


@pytest.mark.requirement(47)
def test_a_script_waits_for_the_frames_and_without_scripts_there_is_a_link(rp: Flow) -> None:
    hint = rp.tokens(scope="openid")["id_token"]
    asked = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK, state='"><x')
    page = press(rp.browser, asked)
    html = page.content.decode()
    assert page.status_code == 200 and len(frames(page)) == 1
    back = f"{BACK}?state=%22%3E%3Cx"
    assert "http-equiv" not in html
    assert f'id="continue" href="{back}"' in html and "signed_out.js" in html
    assert "script-src 'self'" in page["Content-Security-Policy"]


def test_every_relying_party_of_the_session_is_loaded(rp: Flow) -> None:
    other = ClientFactory(
        metadata__redirect_uris=["https://other.example:8443/cb"],
        metadata__frontchannel_logout_uri="https://other.example:8443/out",
        metadata__backchannel_logout_uri="https://other.example:8443/back",
    )
    Flow(other, rp.browser).tokens(scope="openid")
    Flow(ClientFactory(), rp.browser).tokens(scope="openid")
    rp.tokens(scope="openid")
    page = press(rp.browser, end_session(rp.browser))
    assert len(frames(page)) == 2
    assert frame_sources(page) == "https://other.example:8443 https://rp.example"
    assert LogoutDelivery.objects.get().client == other


def test_another_browsers_session_is_not_loaded(rp: Flow, user: Any) -> None:
    rp.tokens(scope="openid")
    elsewhere = Browser()
    elsewhere.force_login(user)
    assert frames(press(elsewhere, end_session(elsewhere))) == []


def test_who_stays_loads_nothing(rp: Flow) -> None:
    rp.tokens(scope="openid")
    assert frames(press(rp.browser, end_session(rp.browser), "stay")) == []
    assert Participation.objects.exists()


def test_a_disabled_client_is_not_loaded(rp: Flow) -> None:
    rp.tokens(scope="openid")
    Client.objects.update(is_active=False)
    page = press(rp.browser, end_session(rp.browser))
    assert frames(page) == [] and frame_sources(page) == ""


@pytest.mark.parametrize("address", ["https://as.example/out", "https://AS.example:443/out", "https://as.example./out"])
def test_no_page_of_this_site_is_loaded(rp: Flow, address: str) -> None:
    rp.tokens(scope="openid")
    Client.objects.update(metadata=rp.client.metadata | {"frontchannel_logout_uri": address})
    assert frames(press(rp.browser, end_session(rp.browser))) == []


def test_the_browser_loads_nothing_and_goes_back_at_once_where_nobody_wants_it(rp: Flow) -> None:
    hint = rp.tokens(scope="openid")["id_token"]
    Participation.objects.all().delete()
    asked = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert press(rp.browser, asked)["Location"] == BACK


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/out",
        "https://rp.example:8443/out",
        "http://rp.example/out",
        "https://rp.example/out#x",
        "javascript:alert(1)",
    ],
)
def test_such_addresses_are_not_registered(uri: str) -> None:
    document = {"redirect_uris": ["https://rp.example/callback"], "frontchannel_logout_uri": uri}
    _, refusals = review(document, terms_of(default_issuer()), operator=True)
    assert "frontchannel_logout_uri" in refusals


def test_an_address_at_a_redirect_uris_host_is_registered() -> None:
    document = {
        "redirect_uris": ["https://a.example/cb", "https://rp.example/callback"],
        "frontchannel_logout_uri": "https://rp.example/out?x=1",
        "frontchannel_logout_session_required": True,
    }
    metadata, refusals = review(document, terms_of(default_issuer()), operator=True)
    assert "frontchannel_logout_uri" not in refusals
    assert metadata["frontchannel_logout_uri"] == "https://rp.example/out?x=1"


@pytest.mark.requirement(49)
def test_the_server_says_that_it_has_browsers_tell(client: Browser) -> None:
    found = client.get("/.well-known/openid-configuration").json()
    assert found["frontchannel_logout_supported"] is found["frontchannel_logout_session_supported"] is True
