"""Django's test clients, which send an access token: `client.with_token(scopes="notes:read", user=alice)`."""

from __future__ import annotations

from copy import copy
from http.cookies import SimpleCookie
from typing import Any, ClassVar, Self, Unpack, cast
from urllib.parse import unquote, urlsplit

from asgiref.sync import sync_to_async
from django import test
from django.core.handlers.wsgi import get_script_name
from django.utils.module_loading import import_string

from django_oauth_server.testing.facts import Key, TokenFacts, credentials


class TokenClientMixin:
    """Answers one question: who sends this request, and with which token?

    A mixin for test clients. One that does not keep its headers where Django's does overrides `bearing`.
    """

    authorization_header: ClassVar[str] = "HTTP_AUTHORIZATION"

    authorized: tuple[str, Key] | None = None
    """The token, and the key that it is bound to, of which each request brings a proof."""

    def with_token(self, token: str = "", /, **said: Unpack[TokenFacts]) -> Self:
        """A client of its own that sends *token*, or else one that the authorization server of this project issues for what is *said*.

        The arguments are those of `django_oauth_server.testing.tokens.issue_token`. A token of a `FakeIssuer` is given as it is, with the *key* that
        it is bound to.
        """
        if token and said.keys() - {"key"}:
            raise TypeError("a token that is made says by itself what it allows")
        return self.bearing(token or _issue(**said), said.get("key"))

    async def awith_token(self, token: str = "", /, **said: Unpack[TokenFacts]) -> Self:
        """`with_token` in an async test."""
        return await sync_to_async(self.with_token)(token, **said)

    def bearing(self, token: str, key: Key | None = None) -> Self:
        """A copy that sends *token* and no cookies, so that two of them are two callers. With *key* it sends proofs as well."""
        made = cast("Any", copy(self))
        made.handler, made.cookies = copy(made.handler), SimpleCookie()
        made.defaults = {**made.defaults, self.authorization_header: credentials(token, key)}
        made.authorized = (token, key) if key else None
        return cast("Self", made)

    def proof(self, method: str, path: str) -> dict[str, str]:
        """The headers that prove possession of the key, for a request to *path*; none without a key."""
        if self.authorized is None:
            return {}
        token, key = self.authorized
        return dict(key.headers(method, path, token))

    def generic(self, *args: Any, **more: Any) -> Any:
        """Every request of Django's clients goes through here: its method, its path, and all else."""
        method, path, *_ = args
        asked = f"{get_script_name({})}{unquote(urlsplit(path).path)}"
        if proof := self.proof(method, asked):
            more["headers"] = {**proof, **(more.get("headers") or {})}
        return cast("Any", super()).generic(*args, **more)


class Client(TokenClientMixin, test.Client):
    """Django's `Client`. In a `TestCase`: `client_class = Client`."""


class AsyncClient(TokenClientMixin, test.AsyncClient):
    """Django's `AsyncClient`. In a `TestCase`: `async_client_class = AsyncClient`."""

    authorization_header = "AUTHORIZATION"


def _issue(**said: Unpack[TokenFacts]) -> str:
    """By name, as it needs models that a resource server alone does not have."""
    return cast("str", import_string("django_oauth_server.testing.tokens.issue_token")(**said))
