"""An assertion signed with a private key, whose public key the client registered or publishes (OpenID Connect Core section 9)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.keys import verify_signed
from django_oauth_server.clients.methods.assertion import TYPES, AssertionMethod
from django_oauth_server.clients.methods.base import Attempt
from django_oauth_server.protocol.jose import ALGORITHMS, SHARED_SECRET_ALGORITHMS


class PrivateKeyJWT(AssertionMethod):
    """Nothing that proves who the client is ever leaves it."""

    name = "private_key_jwt"
    label = _("Assertion signed with a private key")
    needs_keys = True
    algorithms = ALGORITHMS

    def claims(self, attempt: Attempt, algs: tuple[str, ...]) -> Mapping[str, object]:
        return verify_signed(attempt.credentials.proof, attempt.client, attempt.issuer, algs=algs, typ=TYPES)

    def _signs_with(self, alg: object) -> bool:
        return alg not in SHARED_SECRET_ALGORITHMS
