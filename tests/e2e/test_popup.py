"""An app of another origin signs a person in in a window that it opens, in a real Chromium: the window finds its opener in the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest

from django_oauth_server.protocol.pkce import challenge_of
from tests.e2e.clients.conftest import register_at
from tests.e2e.conftest import Example
from tests.flow import VERIFIER

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

PAGE = b"""<!doctype html><title>App</title><p id="told">waiting</p><script>
if (window.opener) { window.opener.postMessage(location.search, location.origin); window.close(); }
else if (location.search) document.body.append('nobody opened this window');
addEventListener('message', event => { told.textContent = event.data; });
</script>"""


class App(BaseHTTPRequestHandler):
    """One page, which is the redirect URI too."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def app() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("answer", ["#allow", "#deny"])
@pytest.mark.parametrize("state", ["short", "s" * 3000])
def test_the_window_finds_the_page_that_opened_it(
    example: Example, chromium: Any, app: str, answer: str, state: str
) -> None:
    client = register_at(example)(
        client_name="Popup", redirect_uris=[app], token_endpoint_auth_method="none", scope="notes:read"
    )
    asked = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": app,
        "scope": "notes:read",
        "state": state,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    context = chromium.new_context()
    page = context.new_page()
    page.goto(app)
    with page.expect_popup() as opened:
        page.evaluate("address => void window.open(address)", f"{example.url}/oauth/authorize?{urlencode(asked)}")
    window = opened.value
    window.fill("[name=username]", "demo")
    window.fill("[name=password]", example.password)
    window.click("#login")
    window.click(answer)
    page.wait_for_selector(f"text={'code=' if answer == '#allow' else 'error=access_denied'}")
    assert f"state={state}" in page.inner_text("#told")
    context.close()
