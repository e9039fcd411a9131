"""A client's key, and the proofs that it makes (RFC 9449), which can be told to get anything wrong."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from joserfc import jws

from django_oauth_server.protocol.jose import SigningKeyPair

TOKEN = "https://as.example/oauth/token"


class Prover:
    """One key. A claim set to None is left out."""

    def __init__(self, alg: str = "ES256") -> None:
        self.pair = SigningKeyPair.generate(alg)

    @property
    def jkt(self) -> str:
        return self.pair.kid

    def proof(self, method: str = "POST", url: str = TOKEN, **said: Any) -> str:
        usual = {"jti": uuid4().hex, "htm": method, "htu": url, "iat": int(time.time())}
        claims = {name: value for name, value in (usual | said).items() if value is not None}
        header = {"typ": "dpop+jwt", "alg": self.pair.alg, "jwk": self.pair.key.as_dict(private=False)}
        return jws.serialize_compact(header, json.dumps(claims), self.pair.key, algorithms=[self.pair.alg])

    def headers(self, **said: Any) -> dict[str, str]:
        """Those of a token request."""
        return {"DPoP": self.proof(**said)}
