"""Access tokens that are bound to a key of their client by a proof with each request (DPoP, RFC 9449)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from django.core.checks import CheckMessage, Error, Warning
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import REDIRECTING, Document, Member
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.dpop import DPoPSettings
from django_oauth_server.conf.moments import moment
from django_oauth_server.errors import OAuthError, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.dpop import (
    HEADER,
    MEMBER,
    NONCE_HEADER,
    SCHEME,
    InvalidProof,
    Nonces,
    Proof,
    is_thumbprint,
    verify_proof,
)
from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.resource.bindings.dpop import nonce_keys
from django_oauth_server.resource.bindings.replay import CacheMemory
from django_oauth_server.resource.shared_cache import forgets, is_there
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.presented import spend
from django_oauth_server.storage.transaction import once
from django_oauth_server.tokens.bindings.base import Binding, Call, Possession

_META = "HTTP_DPOP"
_ALWAYS_PROVES = Member(
    name="dpop_bound_access_tokens",
    kind="flag",
    purpose="tokens",
    label=_("DPoP-bound access tokens"),
    help=_("Whether the client must send a DPoP proof with every token request (RFC 9449)."),
)


class InvalidDPoPProof(OAuthError):
    """RFC 9449 section 5: the proof proves nothing, or is missing."""

    error = "invalid_dpop_proof"


class UseDPoPNonce(OAuthError):
    """RFC 9449 section 8: the proof has to contain *nonce*. Clients that behave well meet it, too."""

    error = "use_dpop_nonce"
    is_ordinary = True

    def __init__(self, nonce: str) -> None:
        super().__init__("The DPoP proof must contain the nonce from the DPoP-Nonce header.")
        self.nonce = nonce

    @property
    def headers(self) -> Mapping[str, str]:
        return {NONCE_HEADER: self.nonce}


class DPoP(Binding):
    """The client signs a JWT for each request with a key of its own, which it brings along."""

    name = "dpop"
    label = _("DPoP (RFC 9449)")
    member = MEMBER
    token_type = SCHEME
    promise = "dpop_jkt"
    parameters = frozenset({"dpop_jkt"})
    serves = REDIRECTING
    request_headers = frozenset({HEADER})
    response_headers = frozenset({NONCE_HEADER})
    client_metadata = (_ALWAYS_PROVES,)
    settings_name = "dpop"
    settings_group = DPoPSettings

    def prove(self, call: Call) -> Possession | None:
        """Section 4.3. Which proofs were presented before is asked last, in the transaction of what the proof buys."""
        header = call.http.META.get(_META)
        if header is None:
            return None
        settings = call.issuer.settings.group(DPoPSettings)
        proof = _verified(header, call, settings)
        uses = (partial(_spend, proof, call, settings),)
        if settings.nonces == "off":
            return Possession({self.member: proof.thumbprint}, uses=uses)
        nonces = Nonces(nonce_keys(), settings.nonce_lifetime)
        current = nonces.current(call.now)
        if not nonces.knows(proof.nonce, call.now) and (proof.nonce or settings.nonces == "required"):
            raise UseDPoPNonce(current)
        return Possession({self.member: proof.thumbprint}, {NONCE_HEADER: current}, uses)

    def is_key(self, value: str) -> bool:
        return is_thumbprint(value)

    def demanded(self, client: Client, issuer: Issuer) -> bool:
        """Section 5.2."""
        return bool(client.metadata.get(_ALWAYS_PROVES.name))

    def missing(self, call: Call) -> OAuthError:
        return InvalidDPoPProof("This client must send a DPoP proof with each request.")

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"dpop_signing_alg_values_supported": list(ALGORITHMS)}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        cache = settings.group(DPoPSettings).cache
        hint = "Use a cache that all processes share, or leave `cache` empty to use the database."
        if cache and not is_there(cache):
            yield Error(
                f"dpop of {settings.issuer} uses the cache {cache!r}, which is not in CACHES.",
                hint=hint,
                id="oauth_server.E014",
            )
        elif cache and (why := forgets(cache)):
            yield Warning(
                f"dpop of {settings.issuer} uses the cache {cache!r}, {why}, so a DPoP proof can be used more than once.",
                hint=hint,
                id="oauth_server.W014",
            )


def _verified(header: str, call: Call, settings: DPoPSettings) -> Proof:
    try:
        return verify_proof(
            header,
            method=str(call.http.method),
            url=call.url,
            now=call.now,
            window=settings.window,
            algs=call.issuer.policy_for(call.client.profile).algorithms(ALGORITHMS),
        )
    except InvalidProof as exc:
        asked = f"{call.http.method} {call.url}"
        raise InvalidDPoPProof(f"The DPoP proof is not valid: {exc}.", detail=f"{exc} ({asked})") from exc


def _spend(proof: Proof, call: Call, settings: DPoPSettings) -> None:
    """Section 11.1: at one address, a `jti` of a key is accepted once for as long as the proof could be presented."""
    of, until = ("dpop", call.url, proof.thumbprint, proof.jti), proof.lapses_at(settings.window)
    is_new = _note(settings.cache, of, until) if settings.cache else spend(*of, expires_at=moment(until))
    if not is_new:
        raise InvalidDPoPProof("The DPoP proof was used before.")


def _note(cache: str, of: tuple[str, ...], until: float) -> bool:
    """Once for a request, however often that is done anew. Raises `TemporarilyUnavailable` while nobody knows what was presented."""
    try:
        return once(repr(of), lambda: CacheMemory(cache).note(*of, until=until))
    except CannotVerify as exc:
        raise TemporarilyUnavailable("The server cannot answer right now. Try again.", detail=exc.reason) from exc
