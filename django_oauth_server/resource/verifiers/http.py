"""JSON from an authorization server. The only file of the resource server that speaks HTTP."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

_MOST_BYTES: Final = 256 * 1024
_CHUNK: Final = 64 * 1024
_LONGEST_PAUSE: Final = 60
"""Seconds. Who asks to be left alone for longer is tried again all the same."""
_HEADERS: Final = {
    "Accept": "application/json, application/jwk-set+json",
    "Accept-Encoding": "identity",
    "User-Agent": "django-oauth-server",
}
"""Not compressed: what is limited is what is read. A JWK Set may be of a type of its own (RFC 7517 section 8.5.1), as that of Kubernetes is."""


class Unreachable(Exception):
    """The server did not answer, or not with what was asked for. The words are for the log, and hold no token and no secret."""

    def __init__(self, reason: str, *, status: int = 0, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        """Of the response. 0: there was none."""
        self.retry_after = retry_after
        """Seconds for which to leave the server alone, where that is known."""


class JSONClient:
    """Asks for JSON objects: over few connections, within a time, up to a size, from who was asked and nobody else.

    Redirects are not followed, since the credentials and the trust are for the address that was configured. Called by threads;
    it connects when first used.
    """

    def __init__(self, *, timeout: timedelta, ca_bundle: str = "", connections: int = 1) -> None:
        self._seconds = timeout.total_seconds()
        self._ca_bundle = ca_bundle
        self._connections = connections
        self._lock = Lock()
        self._pool: urllib3.PoolManager | None = None

    def get(self, url: str, *, token_file: str = "") -> dict[str, object]:
        """With the bearer token that is in *token_file* now. Raises `Unreachable` unless the answer is 200 and a JSON object."""
        bearer = {"Authorization": f"Bearer {_token_in(token_file)}"} if token_file else {}
        return self._ask("GET", url, None, {**_HEADERS, **bearer})

    def post(self, url: str, form: Mapping[str, str], *, authorization: str) -> dict[str, object]:
        """Send *form*. Raises `Unreachable` unless the answer is 200 and a JSON object."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": authorization}
        return self._ask("POST", url, urlencode(form), {**_HEADERS, **kind})

    def _ask(self, method: str, url: str, body: str | None, headers: Mapping[str, str]) -> dict[str, object]:
        host = urlsplit(url).netloc
        try:
            try:
                return self._exchange(method, url, body, headers)
            except ProtocolError:
                # The server closed a pooled connection just then. To ask twice is safe.
                return self._exchange(method, url, body, headers)
        except (HTTPError, OSError) as exc:
            raise Unreachable(f"{host} does not answer ({type(exc).__name__})") from exc
        except (ValueError, RecursionError) as exc:
            raise Unreachable(f"{host} answers with something else than a JSON object", status=200) from exc

    def _exchange(self, method: str, url: str, body: str | None, headers: Mapping[str, str]) -> dict[str, object]:
        pool = self._connected()
        deadline = time.monotonic() + self._seconds
        response = pool.request(
            method,
            url,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=self._seconds,
            pool_timeout=self._seconds,
            preload_content=False,
            decode_content=False,
        )
        try:
            if response.status != 200:
                raise refusal(url, response)
            return _object(read_body(url, response, deadline, _MOST_BYTES))
        finally:
            response.close()  # unread bytes would be taken for the next answer
            response.release_conn()  # closed or not, its place in the pool is free again

    def _connected(self) -> urllib3.PoolManager:
        """Made by the thread that asks, since trusted certificates are read from files."""
        with self._lock:
            if self._pool is None:
                trust = ssl.create_default_context(cafile=self._ca_bundle or None)
                self._pool = urllib3.PoolManager(num_pools=4, maxsize=self._connections, block=True, ssl_context=trust)
            return self._pool


def read_body(url: str, response: urllib3.BaseHTTPResponse, deadline: float, most_bytes: int) -> bytes:
    """The body. One that comes in drops is given up on: the socket's own timeout is for a single drop."""
    body = b""
    while chunk := response.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most_bytes:
            raise Unreachable(f"{urlsplit(url).netloc} answers with more than {most_bytes} bytes", status=200)
        if time.monotonic() > deadline:
            break
    if time.monotonic() > deadline:  # which may have ended the body as well
        raise Unreachable(f"{urlsplit(url).netloc} answers too slowly")
    return body


def _token_in(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as exc:
        raise Unreachable(f"its token_file {path} cannot be read ({type(exc).__name__})") from exc


def _object(body: bytes) -> dict[str, object]:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document


def refusal(url: str, response: urllib3.BaseHTTPResponse) -> Unreachable:
    """What to say of an answer that is not 200. `Retry-After` in seconds (RFC 9110 section 10.2.3); a date is passed over."""
    seconds = 0
    with suppress(ValueError):
        seconds = min(max(0, int(response.headers.get("Retry-After", "0"))), _LONGEST_PAUSE)
    return Unreachable(f"{urlsplit(url).netloc} answers {response.status}", status=response.status, retry_after=seconds)
