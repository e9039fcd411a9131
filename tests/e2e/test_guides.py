"""The guides' own code, run as it stands: the single-page app of docs/single-page-app.md, in a real browser."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, Example

pytestmark = [pytest.mark.e2e, pytest.mark.browser]
PAGE = (ROOT / "docs/single-page-app.md").read_text(encoding="utf-8")
(APP,) = re.findall(r"^```js\n(.*?)^```", PAGE, re.S | re.M)
MOST_LINES = 10


@pytest.fixture
def origin(npm: Path, tmp_path: Path) -> Iterator[str]:
    """Where the app is served: its page, and the library, which an import map finds."""
    shutil.copy(npm / "oidc-client-ts/dist/esm/oidc-client-ts.js", tmp_path)
    shutil.copy(npm / "jwt-decode/build/esm/index.js", tmp_path / "jwt-decode.js")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_single_page_app_signs_a_person_in_and_calls_the_api(
    example: Example, origin: str, tmp_path: Path, chromium: Any
) -> None:
    command = [sys.executable, str(ROOT / "example_project/manage.py"), "createclient", "--json", "--public"]
    asked = ["--client-name", "My app", "--redirect-uri", f"{origin}/", "--scope", "openid notes:read"]
    made = subprocess.run([*command, *asked], env=example.environment, check=True, capture_output=True, text=True)
    app = APP
    for written, here in {
        "http://127.0.0.1:8000/api/notes": f"{example.url}/api/notes/",
        "http://127.0.0.1:8000": example.url,
        "http://127.0.0.1:5500": origin,
        "CLIENT_ID": json.loads(made.stdout)["client_id"],
    }.items():
        app = app.replace(written, here)
    imports = json.dumps({"imports": {name: f"./{name}.js" for name in ("oidc-client-ts", "jwt-decode")}})
    head = f'<!doctype html><title>My app</title><link rel="icon" href="data:,"><script type="importmap">{imports}</script>'
    (tmp_path / "index.html").write_text(f'{head}<body><script type="module">{app}</script>')

    context = chromium.new_context()
    page = context.new_page()
    page.route("**/api/notes/", lambda route: with_cors(route, origin))
    page.goto(f"{origin}/")
    page.fill("[name=username]", "demo")
    page.fill("[name=password]", example.password)
    page.click("#login")
    page.click("#allow")
    page.wait_for_url(f"{origin}/")
    page.wait_for_function("document.body.textContent.startsWith('[')")
    context.close()


def with_cors(route: Any, origin: str) -> None:
    """What django-cors-headers does for the API, which the example project has no need of."""
    allowed = {"access-control-allow-origin": origin, "access-control-allow-headers": "authorization"}
    if route.request.method == "OPTIONS":
        route.fulfill(status=204, headers=allowed)
    else:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, **allowed})


def test_the_app_is_short() -> None:
    assert len([line for line in APP.splitlines() if line.strip()]) <= MOST_LINES
