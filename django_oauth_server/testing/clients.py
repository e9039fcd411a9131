"""Django's test clients, which send an access token: `client.with_token(scopes="notes:read", user=alice)`."""

from __future__ import annotations

from copy import copy
from http.cookies import SimpleCookie
from typing import Any, ClassVar, Self, Unpack, cast

from asgiref.sync import sync_to_async
from django import test
from django.utils.module_loading import import_string

from django_oauth_server.testing.facts import TokenFacts


class TokenClientMixin:
    """Answers one question: who sends this request, and with which token?

    A mixin for test clients. One that does not keep its headers where Django's does overrides `bearing`.
    """

    authorization_header: ClassVar[str] = "HTTP_AUTHORIZATION"

    def with_token(self, token: str = "", /, **said: Unpack[TokenFacts]) -> Self:
        """A client of its own that sends *token*, or else one that the authorization server of this project issues for what is *said*.

        The arguments are those of `django_oauth_server.testing.tokens.issue_token`. A token of a `FakeIssuer` is given as it is.
        """
        if token and said:
            raise TypeError("a token that is made says by itself what it allows")
        return self.bearing(token or _issue(**said))

    async def awith_token(self, token: str = "", /, **said: Unpack[TokenFacts]) -> Self:
        """`with_token` in an async test."""
        return await sync_to_async(self.with_token)(token, **said)

    def bearing(self, token: str) -> Self:
        """A copy that sends *token* and no cookies, so that two of them are two callers."""
        made = cast("Any", copy(self))
        made.handler, made.cookies = copy(made.handler), SimpleCookie()
        made.defaults = {**made.defaults, self.authorization_header: f"Bearer {token}"}
        return cast("Self", made)


class Client(TokenClientMixin, test.Client):
    """Django's `Client`. In a `TestCase`: `client_class = Client`."""


class AsyncClient(TokenClientMixin, test.AsyncClient):
    """Django's `AsyncClient`. In a `TestCase`: `async_client_class = AsyncClient`."""

    authorization_header = "AUTHORIZATION"


def _issue(**said: Unpack[TokenFacts]) -> str:
    """By name, as it needs models that a resource server alone does not have."""
    return cast("str", import_string("django_oauth_server.testing.tokens.issue_token")(**said))
