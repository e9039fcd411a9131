"""Rows to test with. Each is what the server itself would have stored."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any

import factory
from django.conf import settings
from django.utils import timezone
from factory.django import DjangoModelFactory

from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.presentation import presentation
from django_oauth_server.clients.secrets import set_secret, signs_with_secret
from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.authorization import credential_stamp, digest_of_facts
from django_oauth_server.protocol.opaque import ACCESS_TOKEN, AUTHORIZATION_CODE, CLIENT_SECRET, digest, generate
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.registry import default_issuer, issuer_named
from django_oauth_server.testing.tokens import APP


def _unlike(kind: str) -> str:
    """A name that no other process gives: a database may have been tested with before."""
    return f"{kind}-{secrets.token_hex(8)}"


class _ValueFactory(DjangoModelFactory):
    """Of rows that keep only a digest: what was digested stays readable on the instance, as nowhere else."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **kwargs: Any) -> Any:
        value = kwargs.pop("value")
        row = super()._create(model_class, *args, **kwargs, digest=digest(value))
        row.value = value
        return row


class UserFactory(DjangoModelFactory):
    """A person, whose password is `password`."""

    class Meta:
        model = settings.AUTH_USER_MODEL

    username = factory.LazyFunction(lambda: _unlike("person"))
    password = factory.django.Password("password")


class ClientFactory(DjangoModelFactory):
    """A confidential client that may ask for all that the issuer offers: `ClientFactory(metadata__scope="notes:read")`.

    `client.secret` is its secret. `ClientFactory(public=True)` has none, and any client says whether it `is_public`.
    """

    class Meta:
        model = Client

    class Params:
        public = False

    issuer = factory.LazyFunction(lambda: default_issuer().settings.issuer)
    client_id = factory.LazyFunction(lambda: _unlike("client"))
    secret = factory.LazyAttribute(lambda row: "" if row.public else generate(CLIENT_SECRET))
    metadata = factory.Dict(
        {
            **APP,
            "token_endpoint_auth_method": factory.LazyAttribute(
                lambda document: "none" if document.factory_parent.public else "client_secret_basic"
            ),
            "scope": factory.LazyFunction(lambda: format_scope(default_issuer().settings.scopes)),
        }
    )

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **kwargs: Any) -> Any:
        secret = kwargs.pop("secret")
        client = model_class(*args, **kwargs)
        if secret:
            set_secret(client, secret, default_issuer().settings, in_clear=_is_key(client))
        client.save(force_insert=True)
        client.secret = secret
        return client


# For tests, which have a row at hand and no issuer; the server asks with the issuer at which the client is.
Client.is_public = property(lambda row: is_public(row, issuer_named(row.issuer)))  # type: ignore[attr-defined]


def _is_key(client: Client) -> bool:
    return client.token_endpoint_auth_method == "client_secret_jwt" or signs_with_secret(client.metadata)


class AuthorizationFactory(DjangoModelFactory):
    """What a person allowed a client: all that the client may ask for."""

    class Meta:
        model = Authorization

    client = factory.SubFactory(ClientFactory)
    user = factory.SubFactory(UserFactory)
    scope = factory.LazyAttribute(lambda row: format_scope(row.client.scopes))
    resources = factory.LazyFunction(lambda: [default_issuer().settings.default_resource])
    sector = factory.LazyAttribute(lambda row: row.client.sector)
    presentation = factory.LazyAttribute(lambda row: dict(presentation(row.client)))
    credential_stamp = factory.LazyAttribute(lambda row: credential_stamp(row.user))
    facts = None
    facts_digest = factory.LazyAttribute(lambda row: digest_of_facts(row.facts))


class TokenFactory(_ValueFactory):
    """An access token that lives; `token.value` is what its client holds. `authorization=None, client=…` for one of the client itself."""

    class Meta:
        model = Token

    kind = Token.Kind.ACCESS
    value = factory.LazyFunction(lambda: generate(ACCESS_TOKEN))
    authorization = factory.SubFactory(AuthorizationFactory)
    client = factory.LazyAttribute(lambda row: row.authorization.client)
    family = factory.LazyFunction(uuid.uuid4)
    scope = factory.LazyAttribute(lambda row: format_scope(row.client.scopes))
    audience = factory.LazyFunction(lambda: [default_issuer().settings.default_resource])
    issued_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyAttribute(lambda row: row.issued_at + timedelta(minutes=15))


class TicketFactory(_ValueFactory):
    """An authorization code that can be redeemed; `ticket.value` is the code."""

    class Meta:
        model = Ticket

    kind = Ticket.Kind.AUTHORIZATION_CODE
    value = factory.LazyFunction(lambda: generate(AUTHORIZATION_CODE))
    authorization = factory.SubFactory(AuthorizationFactory)
    client = factory.LazyAttribute(lambda row: row.authorization.client)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=60))
