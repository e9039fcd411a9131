"""oidc-client-ts, from npm, in a real browser: as a plain OAuth client, and as a relying party."""

from __future__ import annotations

import functools
import http.server
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.clients.conftest import HERE, Register, register_at
from tests.e2e.conftest import KEPT_OPEN, Example, started
from tests.outbound.server import write_certificate

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@contextmanager
def pages(npm: Path, home: Path, certificate: Path | None = None) -> Iterator[int]:
    """The port at which both clients' pages are served: another origin."""
    for page in HERE.glob("oidc_client_ts*.html"):
        shutil.copy(page, home)
    shutil.copy(npm / "oidc-client-ts/dist/browser/oidc-client-ts.min.js", home)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(home))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def give_password(page: Any, example: Example) -> None:
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("#login")


def sign_in(page: Any, example: Example) -> None:
    give_password(page, example)
    page.locator("#allow, #status").first.wait_for()
    if page.locator("#allow").count():  # the first time
        page.click("#allow")


@pytest.fixture
def other_origin(npm: Path, tmp_path: Path) -> Iterator[str]:
    with pages(npm, tmp_path) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_plain_client(example: Example, register: Register, chromium: Any, other_origin: str) -> None:
    client = register(
        client_name="oidc-client-ts",
        redirect_uris=[f"{other_origin}/oidc_client_ts.html"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="notes:read notes:write",
    )
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{other_origin}/oidc_client_ts.html#{example.url},{client['client_id']}")
    sign_in(page, example)
    page.wait_for_selector("text=signed in: notes:read notes:write")

    before = page.evaluate("manager.getUser().then(user => user.access_token)")
    after = page.evaluate("manager.signinSilent().then(user => user.access_token)")
    assert before != after
    api = f"{example.url}/api/notes/"
    assert requests.get(api, headers={"Authorization": f"Bearer {after}"}).status_code == 200

    page.evaluate("manager.revokeTokens()")
    assert requests.get(api, headers={"Authorization": f"Bearer {after}"}).status_code == 401
    context.close()


@pytest.mark.spec("RFC 9449", "8")
def test_a_plain_client_that_proves_its_key(
    example: Example, register: Register, chromium: Any, other_origin: str
) -> None:
    """Its script may read the nonce that the token endpoint of another origin demands. Its key cannot be taken out of the browser."""
    client = register(
        client_name="oidc-client-ts",
        redirect_uris=[f"{other_origin}/oidc_client_ts.html"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="notes:read notes:write",
        dpop_bound_access_tokens=True,
    )
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{other_origin}/oidc_client_ts.html#{example.url},{client['client_id']},proves")
    sign_in(page, example)
    page.wait_for_selector("text=signed in: notes:read notes:write")
    page.evaluate("manager.signinSilent()")

    api = f"{example.url}/api/notes/"
    proven = "manager.getUser().then(async user => [user.token_type, user.access_token, await manager.dpopProof(%r, user, 'GET', %r)])"
    _, token, proof = page.evaluate(proven % (api, ""))
    refused = requests.get(api, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert 'error="use_dpop_nonce"' in refused.headers["WWW-Authenticate"]
    token_type, token, proof = page.evaluate(proven % (api, refused.headers["DPoP-Nonce"]))
    assert token_type == "DPoP"
    assert requests.get(api, headers={"Authorization": f"DPoP {token}", "DPoP": proof}).status_code == 200
    assert requests.get(api, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    context.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "both.pem", "id.example.test", "app.example.test")


@pytest.fixture(scope="module")
def secure(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example project over TLS, under a name: what is answered in silence at a loopback address could be anybody's."""
    tls = f"{KEPT_OPEN} --certfile={certificate} --keyfile={certificate}"
    home = tmp_path_factory.mktemp("secure")
    with started(home, "https://id.example.test", GUNICORN_CMD_ARGS=tls) as running:
        yield running


@pytest.fixture(scope="module")
def here(npm: Path, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the relying party's page is: another origin of the same site, or no cookie would go along with an iframe."""
    with pages(npm, tmp_path_factory.mktemp("pages"), certificate) as port:
        yield f"https://app.example.test:{port}/oidc_client_ts_openid.html"


@pytest.fixture(scope="module")
def client_id(secure: Example, here: str) -> str:
    client = register_at(secure)(
        client_name="oidc-client-ts",
        redirect_uris=[here],
        post_logout_redirect_uris=[f"{here}?signed-out"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        scope="openid profile",
    )
    return client["client_id"]


@pytest.fixture
def page(secure: Example, here: str, client_id: str, chromium: Any) -> Iterator[Any]:
    """The relying party's page, on which a person has signed in."""
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"{here}#{secure.url},{client_id}")
    sign_in(page, secure)
    page.wait_for_selector("text=signed in: Ada Example")
    yield page
    context.close()


@pytest.mark.requirement(19)
def test_silent_renewal_in_an_iframe(page: Any) -> None:
    before, after = page.evaluate("renewed()")
    assert after["id_token"] != before["id_token"]
    for name in ("sub", "sid", "name"):
        assert after["profile"][name] == before["profile"][name]


@pytest.mark.requirement(43)
@pytest.mark.requirement(46)
def test_signing_out_and_silent_renewal_after_it(page: Any) -> None:
    page.evaluate("void manager.signoutRedirect()")
    page.click("#logout-confirm")
    page.wait_for_selector("text=signed out")
    assert page.evaluate("manager.signinSilent().catch(refused => refused.error)") == "login_required"


@pytest.mark.requirement(49)
@pytest.mark.spec("OpenID Connect Session Management", "3.1")
def test_signing_out_elsewhere_is_noticed(page: Any, secure: Example) -> None:
    """By the session frame, which is asked every second, and a silent request then."""
    page.wait_for_timeout(2500)
    assert page.inner_text("#status") == "signed in: Ada Example"
    elsewhere = page.context.new_page()
    elsewhere.goto(f"{secure.url}/oauth/end-session")
    elsewhere.click("#logout-confirm")
    page.wait_for_selector("text=signed out elsewhere")


def test_signing_in_in_a_popup(page: Any, secure: Example) -> None:
    """No page on the way cuts the window off from its opener, as Django's default opener policy would."""
    with page.expect_popup() as popup:
        page.evaluate(
            "void manager.signinPopup({ prompt: 'login' }).then(user => say(`in a popup: ${user.profile.name}`))"
        )
    give_password(popup.value, secure)
    page.wait_for_selector("text=in a popup: Ada Example")
