"""An authorization server that runs in the test's own process, for resource servers alone. It needs neither a database nor HTTP."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, Unpack

from django.test import override_settings

from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import KeySet, SigningKeyPair
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.resource.conf import SETTING, as_written, load
from django_oauth_server.resource.verifiers.base import AuthorizationServer, TokenVerifier
from django_oauth_server.resource.verifiers.flights import PerProcess, Steps
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.facts import Key, acting, bound_to, sign_in, words

T = TypeVar("T")

ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "https://api.example"
ANOTHER: Final = "https://another.example"
"""Neither this issuer nor this audience."""
REFUSED: Final = (
    "expired_token",
    "token_of_tomorrow",
    "token_bound_to_a_key",
    "token_for_another_audience",
    "token_of_another_issuer",
    "token_of_another_key",
    "token_of_unknown_key",
    "tampered_token",
    "unsigned_token",
    "id_token",
)
"""The methods of `FakeIssuer` that make what nobody may accept, for a table of refusals."""
_LIFETIME: Final = timedelta(minutes=5)


class Said(TypedDict, total=False):
    """What a test says of a token of a `FakeIssuer`."""

    sub: str
    client_id: str
    audience: str | Iterable[str]
    acr: str
    auth_time: datetime | None
    expires_in: timedelta
    key: Key | None
    actor: str | Iterable[str]


class FakeIssuer:
    """Signs access tokens (RFC 9068) with keys of its own, also such as no resource server may accept.

    `with issuer.trusted():` makes it the one that this project trusts.
    """

    def __init__(self, identifier: str = ISSUER, *, audience: str = "", alg: str = "ES256") -> None:
        self.identifier = identifier
        self._audience = audience
        self._pairs = [SigningKeyPair.generate(alg)]

    def __repr__(self) -> str:
        return f"FakeIssuer({self.identifier!r})"

    @property
    def audience(self) -> str:
        """Whom its tokens are meant for unless a test says otherwise: what it was made with, or the project's first resource."""
        return self._audience or next(iter(load().resources), AUDIENCE)

    # -- trusting it ---------------------------------------------------------------------------------------------------

    def trusted(self) -> override_settings:
        """Makes the project trust this issuer and no other. A context manager and a decorator; the rest of the setting stays."""
        return override_settings(**{SETTING: self.setting()})

    def setting(self) -> dict[str, object]:
        """The setting `OAUTH_RESOURCE_SERVER` of this project as it is now, but for the verifier."""
        now = load()
        values = {one.name: getattr(now, one.name) for one in fields(now)}
        return {**values, **as_written(), "verifier": self.verifier()}

    def verifier(self) -> TokenVerifier:
        """A verifier that knows the keys as they are at each moment."""
        return _KnownKeys(self)

    def server(self) -> AuthorizationServer:
        """Its addresses, below its identifier."""
        return AuthorizationServer(self.identifier, f"{self.identifier}/authorize", f"{self.identifier}/token")

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """What it publishes (RFC 7517 section 5)."""
        return {"keys": [pair.public_jwk() for pair in self._pairs]}

    def rotate(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on. The former stays published, unless it is withdrawn."""
        fresh = SigningKeyPair.generate(self._pairs[0].alg)
        self._pairs = [fresh] if withdraw else [fresh, *self._pairs]

    # -- what a resource server accepts --------------------------------------------------------------------------------

    def token(
        self,
        scopes: str | Iterable[str] = "",
        *,
        sub: str = "",
        client_id: str = "app",
        audience: str | Iterable[str] = "",
        acr: str = "",
        auth_time: datetime | None = None,
        expires_in: timedelta = _LIFETIME,
        key: Key | None = None,
        actor: str | Iterable[str] = "",
        **claims: object,
    ) -> str:
        """An access token, bound to *key* if there is one. Without *sub* the client acts for itself (RFC 9068 section 2.2). *actor* is who acts for
        the subject (RFC 8693), or several, the latest first.

        A claim of None is left out.
        """
        now = datetime.now(UTC)
        expires_at = now + expires_in
        said = {
            "iss": self.identifier,
            "sub": sub or client_id,
            "aud": _audience(words(audience) or (self.audience,)),
            "client_id": client_id,
            "scope": format_scope(words(scopes)),
            "iat": _seconds(min(now, expires_at)),
            "exp": _seconds(expires_at),
            "jti": uuid.uuid4().hex,
        }
        return self.sign(said | sign_in(acr, auth_time) | bound_to(key) | acting(actor) | claims)

    def sign(self, claims: Mapping[str, object], *, typ: str = "at+jwt", pair: SigningKeyPair | None = None) -> str:
        """A JWT that says just these *claims*, by the key that signs now or by *pair*. A claim of None is left out."""
        return jose.sign(
            {name: said for name, said in claims.items() if said is not None}, pair or self._pairs[0], typ=typ
        )

    # -- what it must refuse, though all else about it is good ---------------------------------------------------------

    def expired_token(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """It ended an hour ago, longer than any clock is wrong."""
        ended = _seconds(datetime.now(UTC) - timedelta(hours=1))
        return self.token(scopes, **said, iat=ended - 300, exp=ended)

    def token_of_tomorrow(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """It is not to be used before tomorrow (RFC 7519 section 4.1.5)."""
        begins = datetime.now(UTC) + timedelta(days=1)
        return self.token(scopes, **said, nbf=_seconds(begins), exp=_seconds(begins + _LIFETIME))

    def token_bound_to_a_key(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Good only with a proof of its key, and none comes with it: whoever stole it would have no less (RFC 9449 section 7.2)."""
        return self.token(scopes, **said, cnf={"jkt": self._stranger().kid})

    def token_for_another_audience(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Meant for another resource server, which could replay it here (RFC 9700 section 2.3)."""
        return self.token(scopes, **said, aud=ANOTHER)

    def token_of_another_issuer(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Says that another issued it, though a key that is trusted signed it (RFC 9068 section 4)."""
        return self.token(scopes, **said, iss=ANOTHER)

    def token_of_another_key(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Signed by a stranger's key that goes by the name of the one that is trusted."""
        return self._signed_again(scopes, replace(self._stranger(), kid=self._pairs[0].kid), **said)

    def token_of_unknown_key(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Signed by a key that was never published, under its own name."""
        return self._signed_again(scopes, self._stranger(), **said)

    def tampered_token(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Somebody wrote the scopes into it after it was signed."""
        header, payload, signature = self.token(**said).split(".")
        return ".".join((header, _encoded(_decoded(payload) | {"scope": format_scope(words(scopes))}), signature))

    def unsigned_token(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """Its algorithm is `none` (RFC 8725 section 2.1)."""
        header, payload, _ = self.token(scopes, **said).split(".")
        return f"{_encoded(_decoded(header) | {'alg': 'none'})}.{payload}."

    def id_token(self, scopes: str | Iterable[str] = "", **said: Unpack[Said]) -> str:
        """An ID token (OpenID Connect Core section 2), which also says all that an access token does: only its type is another."""
        claims = _decoded(self.token(scopes, **said).split(".")[1])
        return self.sign(claims | {"aud": [str(claims["client_id"]), *_several(claims["aud"])]}, typ="JWT")

    def _signed_again(self, scopes: str | Iterable[str], pair: SigningKeyPair, **said: Unpack[Said]) -> str:
        return self.sign(_decoded(self.token(scopes, **said).split(".")[1]), pair=pair)

    def _stranger(self) -> SigningKeyPair:
        return SigningKeyPair.generate(self._pairs[0].alg)


class _KnownKeys(JWKSVerifier):
    """What production verifies with, but that the keys are those of an issuer in the same process."""

    def __init__(self, issuer: FakeIssuer) -> None:
        super().__init__(issuer.identifier)
        object.__setattr__(self, "_issuer", issuer)
        object.__setattr__(self, "_remote", PerProcess(lambda: _InProcess(issuer)))

    @property
    def default_audience(self) -> str:
        return self._issuer.audience

    def authorization_servers(self) -> Sequence[AuthorizationServer]:
        return (self._issuer.server(),)

    if TYPE_CHECKING:
        _issuer: FakeIssuer


class _InProcess:
    """In place of what a process fetches from an issuer: the keys as they are at each moment, for which nobody waits."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self._issuer = issuer

    def tried(self, read: Callable[[KeySet], T]) -> Steps[KeySet, T]:
        yield from ()
        return read(KeySet.parse(self._issuer.jwks()))


def _seconds(moment: datetime) -> int:
    """A NumericDate (RFC 7519 section 2)."""
    return int(moment.timestamp())


def _audience(several: tuple[str, ...]) -> str | list[str]:
    """One is a string (RFC 7519 section 4.1.3)."""
    return several[0] if len(several) == 1 else list(several)


def _several(audience: object) -> list[str]:
    return [str(one) for one in audience] if isinstance(audience, list) else [str(audience)]


def _decoded(part: str) -> dict[str, object]:
    """The JSON of a part of a JWT (RFC 7515 section 2)."""
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return decoded


def _encoded(document: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
