"""A browser that knows absolute addresses alone, and the proxy that it meets first: as docs/operating.md says how to set one up."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import get_script_name
from django.http import HttpResponse
from django.test.client import AsyncClient, AsyncClientHandler, Client, ClientHandler
from django.urls import set_script_prefix

MOUNT = "/sub" if os.environ["DEPLOYMENT"] in {"script_name", "force_script_name", "tenant_below_a_path"} else ""
FORM = "application/x-www-form-urlencoded"
TWICE = f"{MOUNT}{MOUNT}/"


def _inside(path: str) -> str:
    """The path as the project is handed it. What belongs to the root of the host is handed over below the mount."""
    assert path.startswith((f"{MOUNT}/", "/.well-known/")), f"{path} is not where the project is mounted"
    return path.removeprefix(MOUNT)


class _WSGI(ClientHandler):
    """As a server calls Django: where it is mounted is said in SCRIPT_NAME."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        environ["SCRIPT_NAME"] = MOUNT
        set_script_prefix(get_script_name(environ))
        return super().__call__(environ)


class _ASGI(AsyncClientHandler):
    """The same in `root_path`, which `path` begins with."""

    async def __call__(self, scope: dict[str, Any]) -> Any:
        headers = [header for header in scope["headers"] if header != (b"host", b"testserver")]
        scope |= {"root_path": MOUNT, "path": MOUNT + scope["path"], "headers": headers}
        set_script_prefix(MOUNT or "/")
        return await super().__call__(scope)


class Browser:
    """Of a person, with cookies; or of a program."""

    def __init__(self, *, asynchronous: bool) -> None:
        self._asynchronous = asynchronous
        self._client: Any = AsyncClient() if asynchronous else Client()
        self._client.handler = _ASGI(enforce_csrf_checks=True) if asynchronous else _WSGI(enforce_csrf_checks=True)

    def ask(
        self, method: str, url: str, body: Mapping[str, Any] | str = "", *, kind: str = FORM, **headers: str
    ) -> HttpResponse:
        parts = urlsplit(url)
        assert parts.scheme == "https", url
        path = _inside(parts.path) + (f"?{parts.query}" if parts.query else "")
        sent = body if isinstance(body, str) else urlencode(body, doseq=True)
        told = {"Host": parts.netloc, "X-Forwarded-Proto": "https", "X-Forwarded-Host": parts.netloc, **headers}
        if method == "POST":
            told |= {"Referer": url}
        response = self._send(method, path, sent, kind, told)
        if MOUNT:
            text = response.content.decode(errors="replace") + str(response.headers)
            assert TWICE not in text, f"{url}: {text[max(text.index(TWICE) - 80, 0) :][:200]}"
        return response

    def _send(self, method: str, path: str, body: str, kind: str, headers: dict[str, str]) -> HttpResponse:
        if not self._asynchronous:
            return self._client.generic(method, path, body, content_type=kind, headers=headers, secure=True)

        async def send() -> HttpResponse:
            return await self._client.generic(method, path, body, content_type=kind, headers=headers, secure=True)

        return async_to_sync(send)()

    def get(self, url: str, **headers: str) -> HttpResponse:
        return self.ask("GET", url, **headers)

    def follow(self, url: str, *, until: str) -> tuple[str, HttpResponse]:
        """From one redirect to the next: the first page, or the first address that begins with *until*."""
        for _ in range(8):
            if url.startswith(until):
                return url, HttpResponse()
            response = self.get(url)
            if response.status_code not in {301, 302, 303}:
                return url, response
            url = urljoin(url, response["Location"])
        raise AssertionError(f"no end of redirects: {url}")

    def press(
        self, url: str, page: HttpResponse, *, answered: Collection[int] = (302, 303), **fields: str
    ) -> tuple[str, HttpResponse]:
        """Send the first form of *page*, which is at *url*, with *fields*."""
        text = page.content.decode()
        form = text[text.index('method="post"') - 200 :] if 'method="post"' in text else text
        action = re.search(r'<form[^>]*?action="([^"]*)"', form)
        to = urljoin(url, html.unescape(action[1])) if action and action[1] else url
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text)
        boxes = re.findall(r'type="checkbox" name="(scope)" value="([^"]*)"', text)
        sent = [*((name, html.unescape(value)) for name, value in [*hidden, *boxes]), *fields.items()]
        response = self.ask("POST", to, urlencode(sent))
        assert response.status_code in answered, response.content.decode()
        return to, response


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
