"""Clients and people that go on asking, at whichever worker, while everything around them fails. Whatever is wrong is written down.

What may happen to them: no answer (a worker was killed), and 503 with when to come again. Both leave open what was done, so that they ask the same
once more. Nothing else may: an answer that says no to somebody honest, a code that buys twice, a token that lives once its revocation was answered.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from http.cookies import SimpleCookie
from random import choice, random
from typing import Any

from tests.clusters.workers import App, Gunicorn, Prepared
from tests.flow import Flow, answered
from tests.races.doors import HttpAnswer, HttpBrowser, at_once

LONGEST = 60.0
"""Seconds in which all is well again."""
_ASKS_AGAIN = 0.2
"""Seconds: sooner than `Retry-After` says, to be there at the worst moment."""


class NoAnswer(Exception):
    """What was done is unknown."""


class Roaming(HttpBrowser):
    """Each request goes to any of the places, as a load balancer sends it. An answer that is none is told apart, and how long it took is noted."""

    def __init__(self, clients: Clients, session: str = "") -> None:
        super().__init__(0, SimpleCookie({"sessionid": session} if session else {}))
        self.clients = clients

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> HttpAnswer:
        self.port = choice(self.clients.places).port
        began = time.monotonic()
        try:
            answer = super()._ask(method, path, body, headers)
        except (OSError, HTTPException) as exc:
            self.clients.answers[f"no answer: {type(exc).__name__}"] += 1
            raise NoAnswer from exc
        took = time.monotonic() - began
        name = f"{method} {path.partition('?')[0]}"
        slowest = self.clients.slowest_refusal if answer.status_code == 503 else self.clients.slowest
        slowest[name] = max(took, slowest.get(name, 0.0))
        self.clients.judge(name, answer)
        return answer


class Clients:
    """Threads that go on asking, and what they were told."""

    def __init__(self, places: Sequence[Gunicorn], prepared: Prepared, *, few: bool = False) -> None:
        self.places, self.prepared = list(places), prepared
        self.answers: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest: dict[str, float] = {}
        self.slowest_refusal: dict[str, float] = {}
        self.revoked: list[dict[str, Any]] = []
        self._sessions = iter(prepared.sessions)
        self._end = threading.Event()
        self._few = few
        self._threads: list[threading.Thread] = []

    # -- the frame

    def __enter__(self) -> Clients:
        self.began = time.monotonic()
        for name in ("confidential", "public", "jwt", "public jwt")[: 2 if self._few else 4]:
            self._begin(partial(self._lives, self._flow(name)))
            self._begin(self._stays(self._flow(name)))
        for name in ("confidential", "public")[: 1 if self._few else 2]:
            self._begin(partial(self._steals, self._flow(name)))
        self._begin(self._serves(self._flow("service")))
        return self

    def __exit__(self, *failure: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(90)
        self.seconds = time.monotonic() - self.began
        if failure == (None, None, None):
            self._look_at_what_was_revoked()
        print(self.report())

    def _begin(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=self._go_on, args=[work], daemon=True)
        thread.start()
        self._threads.append(thread)

    def _go_on(self, work: Callable[[], object]) -> None:
        while not self._end.is_set():
            try:
                work()
            except NoAnswer:
                pass
            except Exception as exc:
                self.wrong.append(f"{work}: {type(exc).__name__}: {str(exc)[:300]}")
            time.sleep(0.02 + 0.05 * random())

    def _flow(self, name: str) -> Flow:
        flow = Flow(self.prepared.clients[name], Roaming(self, next(self._sessions)))
        flow.server = Roaming(self)
        return flow

    def report(self) -> str:
        refusals = {name: round(took, 1) for name, took in sorted(self.slowest_refusal.items())}
        slowest = max(self.slowest.values(), default=0.0)
        return (
            f"\n{self.seconds:.0f} s, {sum(self.answers.values())} answers: {dict(sorted(self.answers.items()))}"
            f"\ncounted: {dict(sorted(self.counts.items()))}\nslowest 503, in seconds: {refusals}; slowest of all else: {slowest:.1f}"
            f"\nwrong: {self.wrong[:10]}"
        )

    def until_all_is_well(self) -> float:
        """Everybody gets on again. Returns how long that took."""
        began = time.monotonic()
        before = Counter(self.counts)
        wanted = ["code bought", "refreshed", "revoked", "client credentials", "stays signed in", "introspected"]
        while not all(self.counts[one] > before[one] + 1 for one in wanted):
            missing = [one for one in wanted if self.counts[one] <= before[one] + 1]
            assert time.monotonic() < began + LONGEST, f"not well again: {missing}; {self.report_now()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def report_now(self) -> str:
        self.seconds = time.monotonic() - self.began
        return self.report()

    # -- what anybody may be told

    def judge(self, name: str, answer: HttpAnswer) -> None:
        self.answers[f"{answer.status_code}"] += 1
        if answer.status_code == 503:
            if "Retry-After" not in answer.headers:
                self.wrong.append(f"{name}: 503 without Retry-After: {answer.content[:200]!r}")
        elif answer.status_code >= 500:
            self.wrong.append(f"{name}: {answer.status_code}: {answer.content[:300]!r}")

    def _insist(self, ask: Callable[[], Any], *right: int) -> tuple[Any, bool]:
        """Ask until there is an answer, and whether one before it left open what was done."""
        unknown = False
        while True:
            with suppress(NoAnswer):
                answer = ask()
                if answer.status_code != 503:
                    return answer, unknown
            unknown = True
            if self._end.wait(_ASKS_AGAIN):
                raise NoAnswer

    # -- who asks

    def _code(self, flow: Flow) -> str:
        """Of a person who is signed in, and stays so."""
        while True:
            answer, _ = self._insist(flow.authorize)
            if answer.status_code == 200:
                answer, _ = self._insist(partial(flow.decide, answer))
            if answer.status_code == 302:
                self.wrong.append(f"a person was signed out: {answer.headers.get('Location')}")
                raise NoAnswer
            told = answered(answer)
            if "code" in told:
                return told["code"]
            if told.get("error") != "temporarily_unavailable":
                self.wrong.append(f"authorize: {told}")
            if self._end.wait(_ASKS_AGAIN):
                raise NoAnswer

    def _bought(self, flow: Flow) -> dict[str, Any]:
        """What a code buys. Where an answer was lost the code may be spent: the person is sent again, and sees nothing of it."""
        while True:
            code = self._code(flow)
            answer, unknown = self._insist(partial(flow.exchange, code))
            if answer.status_code == 200:
                self.counts["code bought"] += 1
                return dict(answer.json())
            if not unknown:
                self.wrong.append(f"exchange: {answer.status_code} {answer.content!r}")
            self.counts["code whose answer was lost"] += 1

    def _refreshed(self, flow: Flow, bought: dict[str, Any], **params: str) -> dict[str, Any]:
        answer, _ = self._insist(lambda: flow.refresh(bought["refresh_token"], **params))
        if answer.status_code != 200:
            self.counts["honest clients logged out"] += answer.status_code == 400
            self.wrong.append(f"refresh: {answer.status_code} {answer.content!r}")
            raise NoAnswer
        self.counts["refreshed"] += 1
        return bought | answer.json()

    def _is_active(self, token: str, place: Gunicorn | None = None) -> bool:
        asking = Flow(self.prepared.clients["api"], Roaming(self))
        asking.server = HttpBrowser(place.port, SimpleCookie()) if place else Roaming(self)
        answer, _ = self._insist(lambda: _introspect(asking, token))
        self.counts["introspected"] += 1
        return bool(answer.json()["active"])

    def _lives(self, flow: Flow) -> None:
        """The whole life of a grant: bought, used, refreshed, asked for again in two places at once, revoked."""
        bought = self._bought(flow)
        given = [bought]
        for _ in range(3):
            if not self._is_active(bought["access_token"]):
                self.wrong.append("introspect: a good token is said to be none")
            before = bought
            bought = self._refreshed(flow, bought)
            given.append(bought)
            if flow.client.is_public:  # another tab, which is given what this one was
                given.append(self._refreshed(flow, before, scope="notes:read"))
        answer, _ = self._insist(lambda: flow.revoke(bought["refresh_token"]))
        if answer.status_code != 200:
            self.wrong.append(f"revoke: {answer.status_code} {answer.content!r}")
            return
        self.counts["revoked"] += 1
        self.revoked += [one | {"client": flow.client} for one in given]
        for one in given:
            self._is_dead(flow.client, one)

    def _is_dead(
        self, client: App, given: dict[str, Any], place: Gunicorn | None = None, *, late: bool = False
    ) -> None:
        """*late*: `revocation_delay` is over, within which others learn of a JWT's end."""
        is_jwt = given["access_token"].count(".") == 2
        if (late or not is_jwt) and self._is_active(given["access_token"], place):
            self.counts["revocations lost"] += 1
            self.wrong.append("a revoked access token lives")
        flow = Flow(client, Roaming(self))
        flow.server = HttpBrowser(place.port, SimpleCookie()) if place else Roaming(self)
        answer, _ = self._insist(lambda: flow.refresh(given["refresh_token"]))
        if answer.status_code != 400:
            self.counts["revocations lost"] += 1
            self.wrong.append(f"a revoked refresh token buys: {answer.status_code}")

    def _look_at_what_was_revoked(self) -> None:
        """Once all is over: each at one worker, and the last at every one."""
        self._end.clear()
        time.sleep(5)
        for given in self.revoked:
            self._is_dead(given["client"], given, choice(self.places), late=True)
        for given in self.revoked[-8:]:
            for place in self.places:
                self._is_dead(given["client"], given, place, late=True)
        self.counts["looked at again"] = len(self.revoked)
        self._end.set()

    def _stays(self, flow: Flow) -> Callable[[], None]:
        """One grant that is refreshed all along, by a client whose person is never asked again."""
        kept: dict[str, Any] = {}

        def stay() -> None:
            kept.update(self._refreshed(flow, kept) if kept else self._bought(flow))
            self.counts["stays signed in"] += 1
            answer, _ = self._insist(lambda: _read(flow, kept["access_token"]))
            if answer.status_code != 200:
                self.wrong.append(f"notes: {answer.status_code}")

        return stay

    def _serves(self, flow: Flow) -> Callable[[], None]:
        """A service without a person, and others who look at what is public."""

        def serve() -> None:
            answer, _ = self._insist(lambda: flow.token(grant_type="client_credentials", scope="notes:read"))
            if answer.status_code != 200:
                self.wrong.append(f"client_credentials: {answer.status_code} {answer.content!r}")
                return
            self.counts["client credentials"] += 1
            if not self._is_active(answer.json()["access_token"]):
                self.wrong.append("introspect: a good token of a service is said to be none")
            for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server"):
                answer, _ = self._insist(lambda path=path: flow.server.get(path))
                if answer.status_code != 200:
                    self.wrong.append(f"{path}: {answer.status_code}")

        return serve

    def _steals(self, flow: Flow) -> None:
        """One code, presented twice at once: it buys once, and what it bought is dead, since it was stolen."""
        code = self._code(flow)
        answers = [one for one in at_once(*[partial(_or_none, partial(flow.exchange, code))] * 2) if one]
        bought = [one.json() for one in answers if one.status_code == 200]
        self.counts["codes presented twice"] += 1
        if len(bought) > 1:
            self.counts["codes spent twice"] += 1
            self.wrong.append("a code was spent twice")
        if bought and any(one.status_code == 400 for one in answers):
            self.counts["thefts that were noticed"] += 1
            self._is_dead(flow.client, bought[0])


def _or_none(ask: Callable[[], Any]) -> Any:
    with suppress(NoAnswer):
        return ask()
    return None


def _read(flow: Flow, token: str) -> Any:
    """A protected view."""
    return flow.server._ask("GET", "/notes", None, {"Authorization": f"Bearer {token}"})


def _introspect(flow: Flow, token: str) -> Any:
    headers, params = flow._authenticate("", {"token": token})
    return flow.server.post("/oauth/introspect", params, headers=headers)
