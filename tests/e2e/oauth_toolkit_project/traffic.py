"""Clients that nobody here wrote, and people in browsers. They were set up while the project was on django-oauth-toolkit."""

from __future__ import annotations

import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

PASSWORD: Final = "correct horse battery"
TIMEOUT: Final = 60


class Discovery:
    """What clients read once, and keep."""

    def __init__(self, site: str) -> None:
        self.document: Mapping[str, Any] = requests.get(
            f"{site}/o/.well-known/openid-configuration", timeout=TIMEOUT
        ).json()
        self.keys = KeySet.import_key_set(requests.get(self.document["jwks_uri"], timeout=TIMEOUT).json())

    def __getitem__(self, name: str) -> str:
        return str(self.document[name])


class Person:
    """Somebody in a browser, who signs in once and is asked once by each app."""

    def __init__(self, site: str, name: str) -> None:
        self.browser, self.pages = requests.Session(), 0
        login = f"{site}/admin/login/"
        self.browser.get(login, timeout=TIMEOUT)
        fields = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        answer = self.browser.post(login, fields | {"next": "/admin/"}, allow_redirects=False, timeout=TIMEOUT)
        assert answer.status_code == 302, answer.text

    def visit(self, url: str, redirect_uri: str) -> str:
        """From the app to where it is answered. Each page on the way is counted, and allowed."""
        answer = self.browser.get(url, allow_redirects=False, timeout=TIMEOUT)
        for _ in range(5):
            location = answer.headers.get("Location", "")
            if location.startswith(redirect_uri):
                return str(location)
            if location:
                assert "/login/" not in location, f"signed out: {location}"
                answer = self.browser.get(urljoin(answer.url, location), allow_redirects=False, timeout=TIMEOUT)
                continue
            assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:2000]}"
            self.pages += 1
            answer = self._allow(answer)
        raise AssertionError(f"no end: {answer.url}")

    def _allow(self, page: requests.Response) -> requests.Response:
        form = next(one for one in re.findall(r"<form.*?</form>", page.text, re.S) if "allow" in one)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" (?:value="([^"]*)")?', form))
        fields = {name: unescape(value) for name, value in hidden.items()}
        action = re.search(r'action="([^"]*)"', form)
        where = urljoin(page.url, unescape(action[1])) if action and action[1] else page.url
        pressed = {"allow": "Authorize", "decision": "allow"}
        return self.browser.post(where, fields | pressed, allow_redirects=False, timeout=TIMEOUT)


class App:
    """A client as its developer set it up: ids, secrets, addresses."""

    def __init__(self, discovery: Discovery, client_id: str, secret: str = "", method: str = "", **said: str) -> None:
        self.discovery, self.client_id, self.secret = discovery, client_id, secret
        self.method = method or ("client_secret_basic" if secret else "none")
        self.redirect_uri = said.get("redirect_uri", "")
        self.scope = said.get("scope", "")

    def session(self, **more: Any) -> OAuth2Session:
        return OAuth2Session(
            self.client_id,
            self.secret or None,
            token_endpoint_auth_method=self.method,
            redirect_uri=self.redirect_uri or None,
            scope=self.scope or None,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
            **more,
        )

    def code(self, person: Person) -> tuple[OAuth2Session, str, str, str]:
        """An OAuth session, the answer that came to the redirect URI, the code's verifier, and the nonce."""
        session, verifier, nonce = self.session(), generate_token(48), generate_token(20)
        more = {"nonce": nonce} if "openid" in self.scope else {}
        url, state = session.create_authorization_url(
            self.discovery["authorization_endpoint"], code_verifier=verifier, **more
        )
        answer = person.visit(url, self.redirect_uri)
        said = dict(parse_qsl(urlsplit(answer).query))
        assert said.get("state") == state, answer
        assert "code" in said, answer
        return session, answer, verifier, nonce

    def redeem(self, session: OAuth2Session, answer: str, verifier: str) -> dict[str, Any]:
        token = session.fetch_token(
            self.discovery["token_endpoint"], authorization_response=answer, code_verifier=verifier
        )
        return dict(token)

    def sign_in(self, person: Person) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tokens, and what the ID token says, which is verified with the keys that were read once."""
        session, answer, verifier, nonce = self.code(person)
        token = self.redeem(session, answer, verifier)
        if "openid" not in self.scope:
            return token, {}
        read = jwt.decode(token["id_token"], self.discovery.keys, algorithms=["RS256"])
        assert read.claims["iss"] == self.discovery["issuer"]
        assert self.client_id in (read.claims["aud"], *read.claims["aud"])
        assert read.claims["nonce"] == nonce
        return token, dict(read.claims)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        session = self.session(token={"refresh_token": refresh_token, "access_token": "-", "token_type": "Bearer"})
        return dict(session.refresh_token(self.discovery["token_endpoint"], refresh_token))

    def own_token(self) -> dict[str, Any]:
        return dict(self.session().fetch_token(self.discovery["token_endpoint"], grant_type="client_credentials"))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Traffic:
    """Everything that goes on at once, each in a thread of its own, and what came of it."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self.slowest = 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.gate = threading.Lock()
        """Held by whoever is between a code and its redemption."""

    def goes_on(self, name: str, step: Callable[[], object], every: float) -> None:
        thread = threading.Thread(target=self._run, args=(name, step, every), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, name: str, step: Callable[[], object], every: float) -> None:
        while not self._stop.wait(every):
            began = time.monotonic()
            try:
                step()
            except Exception:
                with self._lock:
                    self.failed.append(f"{name}: {traceback.format_exc()[-1500:]}")
            with self._lock:
                self.done[name] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT)

    def wait_for(self, more: int) -> None:
        """Until each has done *more*, or one has failed."""
        before, until = Counter(self.done), time.monotonic() + 180
        while any(self.done[one.name] < before[one.name] + more for one in self._threads):
            assert not self.failed, self.failed[0]
            assert time.monotonic() < until, f"stuck: {self.done - before}"
            time.sleep(0.05)
