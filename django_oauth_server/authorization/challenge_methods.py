"""How a code verifier becomes a code challenge (RFC 7636 section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.core.checks import CheckMessage, Warning

from django_oauth_server.component import Component, Document
from django_oauth_server.conf import IssuerSettings, Policy


class ChallengeMethod(Component):
    """What `code_challenge_method` may say; the engine does the comparing."""

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"code_challenge_methods_supported": [self.name]}


class S256(ChallengeMethod):
    """The digest: who sees the request learns nothing."""

    name = "S256"


class Plain(ChallengeMethod):
    """The verifier itself, which protects nothing once the request is seen."""

    name = "plain"

    def allowed(self, policy: Policy) -> bool:
        return policy.allow_plain_pkce

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        yield Warning(
            f"{settings.issuer} accepts code_challenge_method=plain, which gives no protection if the request is observed (RFC 9700 section 2.1.1).",
            id="oauth_server.W004",
        )
