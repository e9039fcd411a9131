"""Clients that register themselves, and manage what they registered (RFC 7591, RFC 7592)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext as _

from django_oauth_server.clients.grant_types import RegistrableGrant
from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.presentation import place
from django_oauth_server.clients.registration import (
    check_first_party,
    client_information,
    new_client_id,
    revise_client,
    validate,
)
from django_oauth_server.clients.software_statements import MEMBER, apply_statement
from django_oauth_server.component import Document, Terms
from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.errors import InvalidClientMetadata, InvalidRedirectUri, InvalidToken, MissingToken
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.derivation import derivation_keys
from django_oauth_server.models import Client
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.protocol.opaque import INITIAL_ACCESS_TOKEN, REGISTRATION_TOKEN, derive, digest, generate
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.storage.clients import add_client, forget_previous_registration_token, revise, stored_client
from django_oauth_server.storage.initial_access_tokens import find_initial_access_token, use_initial_access_token
from django_oauth_server.storage.transaction import atomic

_NOT_VALID: Final = "The token is unknown, expired or no longer valid."
"""One wording for unknown, expired, used up and disabled, and for clients that are gone."""


def new_initial_access_token(token: InitialAccessToken) -> str:
    """The value of *token*, of which a digest is kept. It is not saved yet, and the value cannot be shown again."""
    value = generate(INITIAL_ACCESS_TOKEN)
    token.digest = digest(value)
    return value


def check_initial_access(presented: str, issuer: Issuer, now: datetime) -> InitialAccessToken | None:
    """The initial access token that was *presented*. None: nothing was, and nothing is needed. Raises `InvalidToken`."""
    if not presented:
        if issuer.settings.registration == "protected":
            raise MissingToken("An initial access token is required to register a client.")
        return None
    token = find_initial_access_token(issuer.settings.issuer, presented)
    if token is None or not token.is_usable(now):
        raise InvalidToken(_NOT_VALID, detail=f"initial access token {token.pk if token else 'unknown'}")
    return token


def register(document: Document, issuer: Issuer, token: InitialAccessToken | None, now: datetime) -> dict[str, object]:
    """The client information response for a new client (RFC 7591 section 3.2.1). The token is counted last, once nothing else is wrong."""
    document, statement = apply_statement(document, issuer, now)
    profile = token.profile if token else ""
    terms = _terms(issuer, profile, _given_with(token))
    metadata = validate(_with_scope(document, terms), terms)
    presented = generate(REGISTRATION_TOKEN)
    client = Client(
        issuer=issuer.settings.issuer,
        client_id=new_client_id(),
        profile=profile,
        registered_by=Client.RegisteredBy.INITIAL_ACCESS_TOKEN if token else Client.RegisteredBy.ITSELF,
        initial_access_token=token,
        registration_digest=digest(presented),
        software_statement=statement,
    )
    secret = revise_client(client, metadata, issuer)
    with atomic():  # not before: what the client names may have had to be asked, for which no transaction should wait
        if token and not use_initial_access_token(token, now):
            raise InvalidToken(_NOT_VALID, detail=f"initial access token {token.pk} was disabled or used up meanwhile")
        add_client(client)
    return information(client, issuer, presented, secret)


def metadata_of_itself(
    document: Document, issuer: Issuer, profile: str = "", before: Document = MappingProxyType({})
) -> dict[str, object]:
    """What a client may say of itself in *document*, with its defaults written out and without privileges, which only an operator gives. Raises
    `InvalidClientMetadata` or `InvalidRedirectUri`. A `sector_identifier_uri` that answered for what the client said *before* is not asked again."""
    terms = _terms(issuer, profile, {})
    return validate(_with_scope(document, terms), terms, before=before)


def managed_client(client_id: str, presented: str, issuer: Issuer) -> Client:
    """The client that *presented* manages (RFC 7592 section 3). Raises `InvalidToken`, also where there is no such client any more.

    The token before goes once the new one is presented.
    """
    if not presented:
        raise MissingToken("The registration access token is required.")
    client = stored_client(issuer.settings.issuer, client_id)
    if client is None or not client.is_active or not client.has_registration_token(presented):
        raise InvalidToken(_NOT_VALID, detail=f"unknown registration access token, client_id {client_id!r}")
    if client.previous_registration_digest and digest(presented) == client.registration_digest:
        forget_previous_registration_token(client)
        client.previous_registration_digest = ""
    return client


def update(client: Client, presented: str, document: Document, issuer: Issuer, now: datetime) -> dict[str, object]:
    """Put *document* in place of what *client* registered (RFC 7592 section 2.2), and a new token in place of the one *presented*.

    The new one is derived from it: whoever lost the answer asks again, with the same token, and is given the same. The old one works until
    the new one is presented, so that nobody is locked out.
    """
    _check_identity(client, document, now)
    if document.get(MEMBER) is None and client.software_statement:
        document = {**document, MEMBER: client.software_statement}
    document, statement = apply_statement(document, issuer, now)
    terms = _terms(issuer, client.profile, client.metadata)
    metadata = validate(_with_scope(document, terms), terms, before=client.metadata)
    check_own_change(client, metadata, terms)
    secret = revise_client(client, metadata, issuer)
    successor = derive(REGISTRATION_TOKEN, derivation_keys(issuer)[0], presented)
    client.registration_digest, client.previous_registration_digest = digest(successor), digest(presented)
    client.software_statement = statement
    revise(client, now)
    return information(client, issuer, successor, secret)


def check_own_change(client: Client, metadata: Document, terms: Terms) -> None:
    """Raise `InvalidClientMetadata` where *client*, or its owner, may not put *metadata* in place of what is registered, as nobody would be asked."""
    if client.skip_consent:
        check_first_party(metadata, terms)
        _check_hosts(client, metadata)
        _check_sector(client, metadata)
    _check_scope(client, metadata, terms)


def information(client: Client, issuer: Issuer, presented: str, secret: str = "") -> dict[str, object]:
    """The client information response, with what manages the registration (RFC 7592 section 3)."""
    statement = {MEMBER: client.software_statement} if client.software_statement else {}
    return {
        **client_information(client, secret),
        **statement,
        "registration_access_token": presented,
        "registration_client_uri": issuer.url("client_configuration", client_id=client.client_id),
    }


def _check_identity(client: Client, document: Document, now: datetime) -> None:
    if document.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id", _("It must match the client's (RFC 7592 section 2.2)."))
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and client.has_secret(secret, now)):
        raise InvalidClientMetadata("client_secret", _("A client cannot choose its own secret (RFC 7592 section 2.2)."))


def _check_hosts(client: Client, metadata: Document) -> None:
    """Where nobody is asked, nobody would see that answers go elsewhere: a client keeps to the hosts that it had when an operator decided so."""
    uris = metadata.get("redirect_uris")
    more = (
        {place(str(uri)) for uri in uris} - set(map(place, client.redirect_uris)) if isinstance(uris, list) else set()
    )
    if more:
        hosts = ", ".join(sorted(more))
        raise InvalidRedirectUri(
            "redirect_uris",
            f"This client skips consent, so it cannot add redirect URIs at {hosts}. An operator has to add them.",
        )


def _check_sector(client: Client, metadata: Document) -> None:
    """Where nobody is asked, a client knows people by the identifiers that it had when an operator decided so (OpenID Connect Core section 8)."""
    if Client(client_id=client.client_id, metadata=dict(metadata)).sector != client.sector:
        raise InvalidClientMetadata(
            "subject_type",
            "This client skips consent, so it cannot get other identifiers for people. An operator has to change that.",
        )


def _check_scope(client: Client, metadata: Document, terms: Terms) -> None:
    """Where nobody is asked before it gets a scope, a client keeps to those that it had when an operator decided so."""
    more = {*parse_scope(str(metadata["scope"]))} - client.scopes
    if more and (client.skip_consent or _asks_nobody({*client.grant_types, *_grant_types(metadata)}, terms)):
        scopes = ", ".join(sorted(more))
        raise InvalidClientMetadata(
            "scope",
            f"People are not asked to allow this client, so it cannot add the scopes {scopes}. An operator has to add them.",
        )


def _terms(issuer: Issuer, profile: str, held: Document) -> Terms:
    return replace(terms_of(issuer, profile), held=held)


def _given_with(token: InitialAccessToken | None) -> Document:
    """The privileges that come with *token*."""
    return {"grant_types": ["client_credentials"]} if token and token.allow_client_credentials else {}


def _with_scope(document: Document, terms: Terms) -> Document:
    """Who does not say what it may ask for may ask for what the setting `registration_scopes` says; where nobody would be asked, for the default."""
    if str(document.get("scope") or "").strip(" "):
        return document
    return {**document, "scope": " ".join(_unnamed(document, terms))}


def _unnamed(document: Document, terms: Terms) -> list[str]:
    """At an OpenID Provider every relying party may ask for the standard scopes. A client that could ask for nothing would be of no use."""
    offered, default = terms.settings.scopes, terms.settings.default_scopes
    if _asks_nobody(_grant_types(document), terms):
        return [scope for scope in offered if scope in default]
    usual = [scope for scope in offered if scope in {*default, *OPENID_SCOPES}]
    return usual if usual and terms.settings.registration_scopes == "default" else list(offered)


def _asks_nobody(names: set[str], terms: Terms) -> bool:
    """Whether the client may use a grant type of these *names* with which no person is asked before it gets a scope."""
    held = _grant_types(terms.held or {})
    known = [one for name, one in terms.components.of(RegistrableGrant).items() if name in names]
    return any(not one.asks_person and (one.name in held or not one.operator_only) for one in known)


def _grant_types(document: Document) -> set[str]:
    said = document.get("grant_types")
    return set(map(str, said)) if isinstance(said, list) else set()
