"""Whether a worker grows: mixed requests on one process, whose memory, threads and open files are printed on the way.

    BENCH_DB=… python tests/benchmarks/endurance.py [NUMBER] [--serve "gunicorn … {port} …"]

The database is that of the benchmark's peer (`peer/settings.py`), or of the settings module that DJANGO_SETTINGS_MODULE names. What is asked is drawn
by chance, the same at each run: token requests of both formats, introspection, a protected view, whole flows, revocations, and refusals.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import io
import json
import os
import random
import runpy
import secrets
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

PEER = Path(__file__).parent / "peer"
SERVE = "gunicorn -w 1 -k gthread --threads 4 -b 127.0.0.1:{port} --keep-alive 60 --log-level error wsgi:application"


class Worker:
    """The one process that serves, looked at from outside."""

    def __init__(self, command: str, port: int) -> None:
        argv = command.format(port=port).split()
        self._server = subprocess.Popen([Path(sys.executable).parent / argv[0], *argv[1:]], cwd=PEER)
        self._port = port
        self._await()
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        self._proc = Path(f"/proc/{children[-1] if children else self._server.pid}")

    def measured(self) -> dict[str, int]:
        status = dict(line.split(":", 1) for line in (self._proc / "status").read_text().splitlines())
        return {
            "memory KiB": int(status["VmRSS"].split()[0]),
            "threads": int(status["Threads"]),
            "files": len(list((self._proc / "fd").iterdir())),
        }

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(10)

    def _await(self) -> None:
        for _ in range(300):
            with contextlib.suppress(OSError):
                connection = HTTPConnection("127.0.0.1", self._port, timeout=1)
                connection.request("GET", "/open")
                connection.getresponse().read()
                return
            time.sleep(0.1)
        raise SystemExit("The server does not answer.")


class Caller:
    """What clients ask, each piece of work by its name. It keeps a few of the tokens that it was given."""

    def __init__(self, info: dict[str, str], port: int) -> None:
        self._info = info
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._random = random.Random(11)  # noqa: S311 - the same at each run
        self._failed: dict[str, float] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        self._of_bench = _basic(info["client_id"], info["client_secret"])
        self._of_jwt = _basic("bench-jwt", info["client_secret"])
        self._of_web = _basic(info["web_id"], info["web_secret"])
        self._opaque = deque([(info["access_token"], self._of_web)], maxlen=5000)
        self._jwts: deque[tuple[str, str]] = deque(maxlen=5000)
        """Each with the credentials of its client, which may introspect it."""

    def work(self) -> None:
        """One piece, drawn by chance. Raises AssertionError where it is answered in another way than it should be."""
        kinds: dict[Callable[[], object], int] = {
            self.token: 12, self.token_jwt: 12, self.introspection: 10, self.introspection_jwt: 6, self.api: 14, self.api_jwt: 14,
            self.flow: 6, self.revocation: 3, self.wrong_secret: 2, self.unknown_token: 4, self.no_token: 4, self.junk_token: 4,
            self.unknown_client: 3, self.used_code: 3,
        }  # fmt: skip
        self._random.choices(list(kinds), list(kinds.values()))[0]()

    def token(self) -> None:
        granted = self._granted(self._of_bench, grant_type="client_credentials")
        self._opaque.append((granted["access_token"], self._of_bench))

    def token_jwt(self) -> None:
        granted = self._granted(self._of_jwt, grant_type="client_credentials")
        self._jwts.append((granted["access_token"], self._of_jwt))

    def introspection(self) -> None:
        self._introspected(*self._random.choice(self._opaque))

    def introspection_jwt(self) -> None:
        self._introspected(*self._random.choice(self._jwts or self._opaque))

    def api(self) -> None:
        self._asked("api", "GET", self._info["api"], {200}, _bearer(self._random.choice(self._opaque)[0]))

    def api_jwt(self) -> None:
        self._asked("api", "GET", self._info["api"], {200}, _bearer(self._random.choice(self._jwts or self._opaque)[0]))

    def flow(self) -> None:
        code, verifier = self._code()
        tokens = self._exchanged(code, verifier, {200})
        refreshed = self._granted(self._of_web, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        self._opaque.append((refreshed["access_token"], self._of_web))

    def revocation(self) -> None:
        if not self._may_fail("revocation"):
            return
        token = self._granted(self._of_bench, grant_type="client_credentials")["access_token"]
        path = self._info["token"].replace("token", "revoke")
        self._asked("revocation", "POST", path, {200}, self._of_bench, token=token)
        self._asked("revoked", "GET", self._info["api"], {401}, _bearer(token))

    def wrong_secret(self) -> None:
        if not self._may_fail("client_authentication_by_address"):
            return
        wrong = _basic(f"nobody-{self._random.random()}", "wrong")
        self._asked("wrong", "POST", self._info["token"], {401, 429}, wrong, grant_type="client_credentials")

    def unknown_token(self) -> None:
        if not self._may_fail("introspection"):
            return
        body = self._asked(
            "unknown", "POST", self._info["introspect"], {200}, self._of_web, token=secrets.token_urlsafe()
        )
        assert not json.loads(body)["active"]

    def no_token(self) -> None:
        self._asked("no token", "GET", self._info["api"], {401})

    def junk_token(self) -> None:
        junk = self._random.choice([secrets.token_urlsafe(), f"oas_at_{secrets.token_urlsafe()}", "e30.e30.e30"])
        self._asked("junk", "GET", self._info["api"], {401}, _bearer(junk))

    def unknown_client(self) -> None:
        query = urlencode({"response_type": "code", "client_id": secrets.token_urlsafe(8)})
        self._asked("unknown client", "GET", f"{self._info['authorize']}?{query}", {400}, cookie=self._info["cookie"])

    def used_code(self) -> None:
        if not self._may_fail("redemption"):
            return
        code, verifier = self._code()
        self._exchanged(code, verifier, {200})
        self._exchanged(code, verifier, {400})

    def _may_fail(self, limit: str) -> bool:
        """No oftener than every two seconds: beyond the limits of failures an honest request is refused, too."""
        now = time.monotonic()
        if now - self._failed.get(limit, 0) < 2:  # noqa: PLR2004
            return False
        self._failed[limit] = now
        return True

    def _code(self) -> tuple[str, str]:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._info["web_id"], "redirect_uri": self._info["redirect_uri"], "scope": "read",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        path = f"{self._info['authorize']}?{urlencode(query)}"
        location = self._asked("authorize", "GET", path, {302, 303}, cookie=self._info["cookie"])
        return parse_qs(urlsplit(location).query)["code"][0], verifier

    def _exchanged(self, code: str, verifier: str, expected: set[int]) -> dict[str, str]:
        params = {"code": code, "redirect_uri": self._info["redirect_uri"], "code_verifier": verifier}
        body = self._asked("exchange", "POST", self._info["token"], expected, self._of_web, grant_type="authorization_code", **params)  # fmt: skip
        answer: dict[str, str] = json.loads(body)
        return answer

    def _granted(self, authorization: str, **params: str) -> dict[str, str]:
        answer: dict[str, str] = json.loads(
            self._asked("token", "POST", self._info["token"], {200}, authorization, **params)
        )
        return answer

    def _introspected(self, token: str, authorization: str) -> None:
        body = self._asked("introspection", "POST", self._info["introspect"], {200}, authorization, token=token)
        assert json.loads(body)["active"]

    def _asked(
        self, name: str, method: str, path: str, expected: set[int], authorization: str = "", cookie: str = "", **params: str
    ) -> str:  # fmt: skip
        """What was answered; of a redirect, where it leads."""
        headers = {"Authorization": authorization, "Cookie": cookie}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        said = {header: value for header, value in headers.items() if value}
        self._connection.request(method, path, urlencode(params) if method == "POST" else None, said)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        self.answers[name, answer.status] += 1
        assert answer.status in expected, (name, answer.status, body[:500])
        return answer.headers["Location"] or body


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def _bearer(token: str) -> str:
    return f"Bearer {token}"


def _seeded() -> dict[str, str]:
    """As the benchmark's peer, and a client whose tokens are JWTs."""
    sys.path.insert(0, str(PEER))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        runpy.run_path(str(PEER / "seed.py"), run_name="__main__")
    from django_oauth_server.clients.registration import create_client  # noqa: PLC0415 - after the settings
    from django_oauth_server.registry import default_issuer  # noqa: PLC0415

    info: dict[str, str] = json.loads(said.getvalue().strip().splitlines()[-1])
    registered, _ = create_client(
        {"client_name": "bench", "grant_types": ["client_credentials"], "response_types": [], "scope": "read"},
        default_issuer(),
        client_id="bench-jwt",
        client_secret=info["client_secret"],
    )
    registered.access_token_format = "at+jwt"  # noqa: S105 - the name of a format
    registered.save()
    return info


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=200_000, help="How many requests.")
    parser.add_argument("--serve", default=SERVE, help="The web server's command, with one worker.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("BENCH_PORT", "8611")))
    asked = parser.parse_args()
    caller, worker = Caller(_seeded(), asked.port), Worker(asked.serve, asked.port)
    began, looks = time.monotonic(), [1000, *(asked.number * part // 10 for part in range(1, 11))]
    try:
        for moment in sorted({one for one in looks if one <= asked.number}):
            while caller.answers.total() < moment:
                caller.work()
            shown = ", ".join(f"{name} {value:,}" for name, value in worker.measured().items())
            print(f"{caller.answers.total():>9,} requests, {time.monotonic() - began:6.0f} s: {shown}", flush=True)
        for (name, status), times in sorted(caller.answers.items()):
            print(f"{times:>9,} {name}: {status}")
    finally:
        worker.stop()


if __name__ == "__main__":
    main()
