"""An assertion under the client secret (OpenID Connect Core section 9)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.methods.assertion import TYPES, AssertionMethod
from django_oauth_server.clients.methods.base import Attempt
from django_oauth_server.clients.secrets import clear_secrets
from django_oauth_server.protocol.jose import SHARED_SECRET_ALGORITHMS, InvalidJWT, verify_with_secret


class ClientSecretJWT(AssertionMethod):
    """The secret itself is never sent, but this server has to keep it, encrypted."""

    name = "client_secret_jwt"
    label = _("Assertion signed with the client secret")
    uses_secret = True
    needs_clear_secret = True
    algorithms = SHARED_SECRET_ALGORITHMS

    def claims(self, attempt: Attempt, algs: tuple[str, ...]) -> Mapping[str, object]:
        refusal: ValueError = InvalidJWT("only a digest of the client's secret is stored")
        for secret in clear_secrets(attempt.client, attempt.issuer.settings, attempt.now):
            try:
                return verify_with_secret(attempt.credentials.proof, secret, typ=TYPES)
            except ValueError as exc:
                refusal = exc
        raise refusal

    def _signs_with(self, alg: object) -> bool:
        return alg in self.algorithms
