"""Keys that access tokens are bound to, and proofs of them (DPoP, RFC 9449)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Final

from django.utils.encoding import escape_uri_path

from django_oauth_server.protocol import dpop, jose
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.resource.bindings.addresses import addresses_of
from django_oauth_server.resource.conf import audiences, bindings

_ANYWHERE: Final = "http://testserver"


class DPoPKey:
    """A key of a client, with which it signs a proof for each request: `client.with_token(scopes="notes:read", key=DPoPKey())`."""

    scheme = dpop.SCHEME

    def __init__(self, alg: str = "ES256", *, nonce: str = "") -> None:
        self._pair = SigningKeyPair.generate(alg)
        self.nonce = nonce
        """What proofs contain, where the server has told one (`DPoP-Nonce`)."""

    def __repr__(self) -> str:
        return f"DPoPKey({self._pair.alg!r})"

    @property
    def thumbprint(self) -> str:
        """By which the key is known: `jkt` and `dpop_jkt` (RFC 7638)."""
        return self._pair.kid

    @property
    def confirmation(self) -> Mapping[str, object]:
        """The claim `cnf` of tokens that are bound to it."""
        return {dpop.MEMBER: self.thumbprint}

    def headers(self, method: str, path: str, token: str) -> Mapping[str, str]:
        """What a client sends beside *token* in a request to *path* of this project, at the address of its first resource."""
        return {dpop.HEADER: self.proof(method, address() + escape_uri_path(path), token)}

    def proof(self, method: str, url: str, token: str = "", **claims: object) -> str:
        """A proof for one request to *url* (RFC 9449 section 4.2), with *token* or without. A claim of None is left out."""
        said: dict[str, object] = {
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "ath": dpop.token_hash(token) if token else None,
            "nonce": self.nonce or None,
        }
        return self.sign(said | claims)

    def sign(self, claims: Mapping[str, object], *, typ: str = dpop.TYP) -> str:
        """A JWT that says just these *claims*, and brings the public key. A claim of None is left out."""
        return jose.sign_embedded(
            {name: said for name, said in claims.items() if said is not None}, self._pair, typ=typ
        )


def address() -> str:
    """Where clients reach this project: what stands before the path of a request in proofs."""
    further = getattr(bindings()[dpop.MEMBER].settings, "addresses", ()) if dpop.MEMBER in bindings() else ()
    return next(addresses_of(audiences(), further), _ANYWHERE)
