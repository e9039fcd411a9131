"""Access tokens that are bound to a key of their client (DPoP, RFC 9449 sections 4.3, 7, 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, cast

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.module_loading import import_string

from django_oauth_server.protocol import dpop
from django_oauth_server.protocol.dpop import InvalidProof, Nonces, Proof, token_hash, verify_proof
from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.resource.bindings.addresses import addresses_of, is_address, urls_of
from django_oauth_server.resource.bindings.base import Call, TokenBinding, Unproven
from django_oauth_server.resource.bindings.replay import CacheMemory, Memory
from django_oauth_server.resource.challenge import INVALID_TOKEN, Challenge
from django_oauth_server.resource.shared_cache import forgets, is_there

_LONGEST_WINDOW: Final = timedelta(days=1)
DATABASE: Final = "django_oauth_server.storage.proofs.DatabaseMemory"


@dataclass(frozen=True, kw_only=True)
class DPoPSettings:
    """How proofs of possession (DPoP, RFC 9449) are judged at the resource server."""

    algs: tuple[str, ...] = ALGORITHMS
    """The algorithms with which proofs may be signed."""
    window: timedelta = timedelta(minutes=5)
    """How long after its `iat` a proof is accepted (section 11.1), once."""
    nonces: Literal["off", "offered", "required"] = "off"
    """Whether proofs have to contain a nonce of this server (section 9). `offered`: clients are told nonces, and may still leave them out."""
    nonce_lifetime: timedelta = timedelta(minutes=10)
    """How long a nonce is accepted at most, and at least half of that. Nonces follow from `SECRET_KEY`."""
    cache: str = ""
    """The alias in `CACHES` of a shared cache, which remembers proofs. Empty: the database beside the authorization server, else `default`."""
    addresses: tuple[str, ...] = ()
    """Where clients reach this project beside the origins of its resources: `https://gateway.example/notes` where a proxy takes away the path."""

    def __post_init__(self) -> None:
        if not self.algs or not set(self.algs) <= set(ALGORITHMS):
            raise ValueError(f"algs must be some of {', '.join(ALGORITHMS)}.")
        if not timedelta() < self.window <= _LONGEST_WINDOW:
            raise ValueError("window must be longer than nothing, and a day at most.")
        if not self.nonce_lifetime:
            raise ValueError("nonce_lifetime must be longer than nothing.")
        for address in self.addresses:
            if not is_address(address):
                raise ValueError(f"addresses has {address!r}, which is no URL such as https://api.example.")


class DPoP(TokenBinding):
    """The token is bound to a key; each request brings a proof of it in the header `DPoP`, signed for this request alone."""

    name = "dpop"
    member = dpop.MEMBER
    scheme = dpop.SCHEME
    request_headers = frozenset({dpop.HEADER})
    settings_name = "dpop"
    settings_group = DPoPSettings
    settings: DPoPSettings

    def judge(self, call: Call) -> Mapping[str, str]:
        """RFC 9449 section 7.1. The proof is noted last: one that is no good uses up nothing."""
        proof = self._proof(call)
        if not self.memory.note(*_named(proof), until=proof.lapses_at(self.settings.window)):
            raise self._replayed()
        return self._fresh_nonce()

    async def ajudge(self, call: Call) -> Mapping[str, str]:
        """The same. Only where the proof is noted, the event loop is left."""
        proof = self._proof(call)
        if not await self.memory.anote(*_named(proof), until=proof.lapses_at(self.settings.window)):
            raise self._replayed()
        return self._fresh_nonce()

    @cached_property
    def memory(self) -> Memory:
        """Who remembers proofs."""
        if self.settings.cache or not apps.is_installed("django_oauth_server"):
            return CacheMemory(self._alias)
        return cast("Memory", import_string(DATABASE)())

    def challenge(self) -> Mapping[str, str]:
        return {"algs": " ".join(self.settings.algs)}

    def metadata(self) -> Mapping[str, object]:
        return {"dpop_signing_alg_values_supported": list(self.settings.algs)}

    def required_metadata(self) -> Mapping[str, object]:
        return {"dpop_bound_access_tokens_required": True}

    def security_scheme(self) -> Mapping[str, object]:
        """OpenAPI has no type for proofs. The token goes into `Authorization` by the scheme DPoP."""
        words = (
            "A proof of possession for this request (RFC 9449). The access token is sent as: Authorization: DPoP TOKEN."
        )
        return {"type": "apiKey", "in": "header", "name": dpop.HEADER, "description": words}

    def checks(self, resources: Sequence[str]) -> Iterator[CheckMessage]:
        if not any(addresses_of(resources, self.settings.addresses)):
            yield Warning(
                f"DPoP proofs cannot be verified: none of the resources ({', '.join(resources)}) is a URL, so the addresses of this "
                "project are not known.",
                hint='Name the addresses of this project: OAUTH_RESOURCE_SERVER = {"dpop": {"addresses": ["https://api.example"]}}.',
                id="oauth_resource.W012",
            )
        if isinstance(self.memory, CacheMemory):
            yield from self._check_cache()

    def _check_cache(self) -> Iterator[CheckMessage]:
        if not is_there(self._alias):
            yield Error(
                f"dpop uses the cache {self._alias!r}, which is not in CACHES.",
                hint="Use a cache that all processes share.",
                id="oauth_resource.E011",
            )
        elif (why := forgets(self._alias)) and not django_settings.DEBUG:
            yield Warning(
                f"DPoP proofs are remembered in the cache {self._alias!r}, {why}, so a proof can be used more than once.",
                hint="Use a cache that all processes share and that does not evict entries early: "
                'OAUTH_RESOURCE_SERVER = {"dpop": {"cache": "shared"}}. '
                'If none of your tokens are bound to a key, set "bindings": [], which refuses tokens that are.',
                id="oauth_resource.W013",
            )

    @property
    def _alias(self) -> str:
        return self.settings.cache or "default"

    def _proof(self, call: Call) -> Proof:
        """The proof, if all but its first use is certain. Raises `Unproven`."""
        header = call.request.META.get("HTTP_DPOP", "")
        if not header:
            raise self._no_good("The request has no DPoP header.")
        addresses = tuple(dict.fromkeys(addresses_of(call.resources, self.settings.addresses)))
        try:
            proof = verify_proof(
                header,
                method=str(call.request.method),
                url=urls_of(call.request, addresses),
                now=datetime.now(UTC),
                window=self.settings.window,
                algs=[alg for alg in self.settings.algs if call.algs is None or alg in call.algs],
                ath=token_hash(call.presented.token),  # a report of a failure must not hold the token
            )
        except InvalidProof as exc:
            asked = f"{call.request.method} at {' or '.join(addresses) or 'no address that is known'}"
            raise self._no_good(f"The DPoP proof is not valid: {exc}.", asked) from exc
        if not constant_time_compare(proof.thumbprint, str(call.token.confirmation[self.member])):
            raise Unproven("the proof is by another key", _OTHER_KEY, headers=self._fresh_nonce())
        self._check_nonce(proof)
        return proof

    def _check_nonce(self, proof: Proof) -> None:
        """Section 4.3, item 10, and section 9."""
        if self.settings.nonces == "off" or (self.settings.nonces == "offered" and not proof.nonce):
            return
        if not self._nonces.knows(proof.nonce, datetime.now(UTC)):
            raise Unproven("the proof has no recent nonce", _USE_NONCE, headers=self._fresh_nonce(), is_ordinary=True)

    def _fresh_nonce(self) -> Mapping[str, str]:
        if self.settings.nonces == "off":
            return {}
        return {dpop.NONCE_HEADER: self._nonces.current(datetime.now(UTC))}

    @cached_property
    def _nonces(self) -> Nonces:
        return Nonces(nonce_keys(), self.settings.nonce_lifetime)

    def _no_good(self, description: str, asked: str = "") -> Unproven:
        """*asked*: for the log, what a good proof would have been for."""
        reason = f"{description} The request is {asked}." if asked else description
        challenge = replace(_INVALID_PROOF, description=description)
        return Unproven(reason, challenge, headers=self._fresh_nonce())

    def _replayed(self) -> Unproven:
        return self._no_good("The DPoP proof was used before. Create a new one for each request.")


_INVALID_PROOF: Final = Challenge(401, "invalid_dpop_proof")
_OTHER_KEY: Final = replace(INVALID_TOKEN, description="The access token is bound to another key.")
_USE_NONCE: Final = Challenge(
    401, "use_dpop_nonce", "The DPoP proof must contain the nonce from the DPoP-Nonce header."
)


def _named(proof: Proof) -> tuple[str, ...]:
    """One client's `jti`s say nothing of another's."""
    return "resource", proof.thumbprint, proof.jti


def nonce_keys() -> tuple[bytes, ...]:
    """By the secrets that every process of the project has. The authorization server of the same project uses them, too: clients keep one nonce for
    each origin, and would be sent back at each turn from the one to the other."""
    known = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    return tuple(
        salted_hmac("django_oauth_server.resource", "DPoP nonces", one, algorithm="sha256").digest() for one in known
    )
