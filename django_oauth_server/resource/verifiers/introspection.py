"""Access tokens that their issuer is asked about (RFC 7662)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Final, TypeAlias

from cachetools import TLRUCache
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, digest
from django_oauth_server.resource.occasionally import Occasionally
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.resource.verifiers.claims import cannot_verify, check_length, may_be_of, told, unverified
from django_oauth_server.resource.verifiers.discovery import RemoteIssuer, check_settings
from django_oauth_server.resource.verifiers.flights import Flights, PerProcess, Steps, adrive, drive
from django_oauth_server.resource.verifiers.http import JSONClient, Unreachable
from django_oauth_server.resource.verifiers.remote import RemoteVerifier
from django_oauth_server.resource.verifiers.restraint import BRIEFLY, Breaker, Budget

logger = get_log("django_oauth_server.resource")

_WORKERS: Final = 8
_MOST_WAITING: Final = 256
_MOST_KEPT: Final = 4096
"""Of each kind; some megabytes."""
_CONFIGURATION: Final = frozenset({400, 401, 403, 404})
"""What an issuer answers who will not be asked by us, whatever the token (RFC 7662 section 2.3)."""


@dataclass(frozen=True, eq=False)
class IntrospectionVerifier(RemoteVerifier):
    """A `TokenVerifier` that asks the issuer about each token, and keeps the answer for a moment.

    It opens no connection and starts no thread before it is first asked.
    """

    _: KW_ONLY
    client_id: str
    client_secret: str = field(repr=False)
    """Those of a client that the issuer lets introspect; sent as client_secret_basic (RFC 6749 section 2.3.1)."""
    endpoint: str = ""
    """Where to ask. Empty: where the issuer's metadata says (RFC 8414)."""
    cache_for: timedelta = timedelta(seconds=30)
    """How long a token is taken for good without asking again, and no longer than it lives: by as much is a revocation noticed late."""
    refused_for: timedelta = timedelta(seconds=10)
    """How long a token that was refused is refused without asking again."""
    most_refused: int = 600
    """How many tokens a minute the issuer may be asked about in vain, by each process."""
    _remote: PerProcess[_Remote] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_settings(self.ca_bundle, issuer=self.issuer, endpoint=self.endpoint or self.issuer)
        if not (self.client_id and self.client_secret):
            raise ImproperlyConfigured("Introspection needs a client_id and a client_secret (RFC 7662 section 2.1).")
        if self.most_refused < 1:
            raise ImproperlyConfigured("most_refused must be at least 1.")
        object.__setattr__(self, "_remote", PerProcess(lambda: _Remote(self)))

    @sensitive_variables()  # a report of a failure must not hold the token
    def verify(self, token: str) -> VerifiedToken:
        """RFC 7662 section 2.2. Raises `InvalidToken`, or `CannotVerify` where the issuer does not answer."""
        return drive(self._steps(*self._question(token)), patience=self.patience)

    @sensitive_variables()
    async def averify(self, token: str) -> VerifiedToken:
        """The same; the event loop is left only where the issuer has to be asked."""
        return await adrive(self._steps(*self._question(token)), patience=self.patience)

    def may_be_ours(self, token: str) -> bool:
        """A JWT names its issuer. Of any other token only the issuer knows, and what it does not know any more was good once."""
        return unverified(token) is None or may_be_of(token, (self.issuer,))

    @sensitive_variables()
    def _question(self, token: str) -> tuple[str, Question]:
        """For steps, in place of the token: a report of a failure would show what they hold."""
        check_length(token)
        if not token.isascii() or token.startswith(REFRESH_TOKEN):
            raise InvalidToken("not an access token")
        return digest(token), sensitive_variables()(lambda: self._remote.get().ask(token))

    def _steps(self, key: str, ask: Question) -> Steps[_Verdict, VerifiedToken]:
        try:
            verdict = yield from self._remote.get().verdict(key, ask)
        except Unreachable as exc:
            raise cannot_verify(self.issuer, exc) from exc
        if verdict.refused:
            raise InvalidToken(verdict.refused, f"says {self.issuer}, asked as the client {self.client_id!r}")
        return told(json.loads(verdict.claims), self.issuer, time.time(), self.leeway.total_seconds())


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the issuer said of a token."""

    claims: str = field(default="", repr=False)
    """As JSON, read anew each time, so that no caller can change what another one sees."""
    refused: str = ""
    """Why, for the log. Empty: it is good."""
    until: float = 0
    """By the clock that is never set, until when it holds."""


Question: TypeAlias = Callable[[], _Verdict]
"""Asks the issuer about a token. Raises `Unreachable`."""


class _Verdicts:
    """A bounded memory, by the digests of the tokens. The good and the refused are apart: no flood of the latter displaces the former."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._good, self._refused = _memory(), _memory()

    def get(self, key: str) -> _Verdict | None:
        with self._lock:
            return self._good.get(key) or self._refused.get(key)

    def put(self, key: str, verdict: _Verdict) -> None:
        with self._lock:
            (self._refused if verdict.refused else self._good)[key] = verdict


def _memory() -> TLRUCache[str, _Verdict, float]:
    return TLRUCache(_MOST_KEPT, ttu=lambda _key, verdict, _now: verdict.until, timer=lambda: time.monotonic())


class _Remote:
    """What a process has of the issuer."""

    def __init__(self, settings: IntrospectionVerifier) -> None:
        self._settings = settings
        self._client = JSONClient(timeout=settings.timeout, ca_bundle=settings.ca_bundle, connections=_WORKERS)
        self._authorization = format_basic(settings.client_id, settings.client_secret)
        self._flights: Flights[_Verdict] = Flights(
            "oauth-introspection", workers=_WORKERS, most=_MOST_WAITING, briefly=BRIEFLY
        )
        self._breaker = Breaker(after=3)
        self._budget = Budget(settings.most_refused, timedelta(minutes=1))
        self._verdicts = _Verdicts()
        self._may_log = Occasionally(timedelta(minutes=1))
        self.issuer = RemoteIssuer(settings.issuer, self._client)

    def verdict(self, key: str, ask: Question) -> Steps[_Verdict, _Verdict]:
        """The kept one, or the one that is on its way, or else the issuer is asked. Raises `Unreachable`."""
        return self._verdicts.get(key) or (yield self._flights.join(key, lambda: self._kept(key, ask())))

    def ask(self, token: str) -> _Verdict:
        """Every question is charged to the budget; those that were not in vain are given back."""
        self._budget.take()
        verdict = None
        try:
            with self._breaker.guard():
                document = self._answer(token)
            verdict = self._judged(document)
        finally:
            if verdict is None or not verdict.refused:
                self._budget.give_back()
        return verdict

    def _kept(self, key: str, verdict: _Verdict) -> _Verdict:
        self._verdicts.put(key, verdict)
        return verdict

    def _answer(self, token: str) -> dict[str, object]:
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            endpoint = self._settings.endpoint or self.issuer.endpoint("introspection_endpoint")
            return self._client.post(endpoint, form, authorization=self._authorization)
        except Unreachable as exc:
            self.issuer.forget()  # it may have moved its endpoint
            if exc.status in _CONFIGURATION and self._may_log():
                logger.error(
                    "%s refuses introspection by the client %r: %s",
                    self._settings.issuer,
                    self._settings.client_id,
                    exc,
                )
            raise

    def _judged(self, document: Mapping[str, object]) -> _Verdict:
        now, since = time.time(), time.monotonic()
        claims = {"iss": self._settings.issuer, **document}  # `iss` is optional (RFC 7662 section 2.2)
        try:
            _check_answer(document)
            token = told(claims, self._settings.issuer, now, self._settings.leeway.total_seconds())
        except InvalidToken as exc:
            return _Verdict(refused=exc.reason, until=since + self._settings.refused_for.total_seconds())
        lives = token.expires_at.timestamp() - now
        return _Verdict(json.dumps(claims), until=since + min(lives, self._settings.cache_for.total_seconds()))


def _check_answer(document: Mapping[str, object]) -> None:
    """What RFC 7662 section 2.2 leaves open is refused where it could be taken for more than was allowed."""
    if document.get("active") is not True:
        raise InvalidToken("not active")
    if "cnf" not in document and str(document.get("token_type", "Bearer")).lower() != "bearer":
        raise InvalidToken("its token_type is not Bearer, and it is not bound to a key")
    if document.get("token_use", "access_token") != "access_token":
        raise InvalidToken("not an access token")  # an issuer answers for refresh tokens as well
    if "username" in document and "sub" not in document:
        raise InvalidToken("it has a username but no sub")  # without sub it would pass for the client's own
