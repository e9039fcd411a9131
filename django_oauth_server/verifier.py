"""The resource server's verifier where the authorization server stands in the same project."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from asgiref.sync import sync_to_async
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.conf import Scope
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.grants.predecessor import Predecessor
from django_oauth_server.issuer import Issuer
from django_oauth_server.registry import default_issuer, issuers, issuers_by_name
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import AuthorizationServer, CannotVerify
from django_oauth_server.resource.verifiers.claims import may_be_of, unverified
from django_oauth_server.storage.transaction import retry_conflicts
from django_oauth_server.tokens.narrow import offered
from django_oauth_server.tokens.verify import verify_access_token


class LocalVerifier:
    """A `TokenVerifier` that asks the same database, without HTTP."""

    @property
    def default_audience(self) -> str:
        """The default issuer's default resource."""
        return default_issuer().settings.default_resource

    def authorization_servers(self) -> Sequence[AuthorizationServer]:
        """Every issuer of this project, the default one first."""
        return [_described(one) for one in issuers()]

    @sensitive_variables()  # a report of a failure must not hold the token
    def verify(self, token: str) -> VerifiedToken:
        """Raises `InvalidToken`, or `CannotVerify` where the server is busy."""
        try:
            return retry_conflicts(lambda: verify_access_token(token, issuers_by_name(), timezone.now()))
        except TemporarilyUnavailable as exc:
            raise CannotVerify(str(exc), retry_after=exc.retry_after) from exc

    def may_be_ours(self, token: str) -> bool:
        """Whether it has the prefix of our opaque tokens, is a JWT that names an issuer of this project, or may be a predecessor's."""
        return may_be_of(token, issuers_by_name()) or (unverified(token) is None and _has_predecessor())

    def offered_scopes(self, resource: str) -> Collection[str]:
        """Those of every issuer of this project that knows *resource*. One that declares it may offer fewer for it."""
        known = (one for one in issuers() if not resource or one.settings.resource_named(resource))
        return {scope for one in known for scope in offered(resource, one)}

    @sensitive_variables()
    async def averify(self, token: str) -> VerifiedToken:
        """The same, in the thread that Django keeps for its database."""
        # Without an argument, which a report would show on its way to the thread.
        verify = sensitive_variables()(lambda: self.verify(token))
        return await sync_to_async(verify)()


def _has_predecessor() -> bool:
    return any(one.components.of(Predecessor) for one in issuers())


def _described(issuer: Issuer) -> AuthorizationServer:
    declared = issuer.settings.scopes.items()
    return AuthorizationServer(
        issuer.settings.issuer,
        authorization_endpoint=issuer.url("authorize"),
        token_endpoint=issuer.url("token"),
        scopes={name: str(scope.description if isinstance(scope, Scope) else scope) for name, scope in declared},
    )
