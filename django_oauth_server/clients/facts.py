"""A client, as the engine is told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from django.contrib.auth.models import AbstractBaseUser
from django.utils.module_loading import import_string

from django_oauth_server.clients.grant_types import RegistrableGrant
from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.engine import ClientFacts
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client

AllowedScopes: TypeAlias = Callable[[Client, str, AbstractBaseUser | None, frozenset[str]], Collection[str]]
"""Which scopes of *scopes* a client may get by a grant type for a person; None: nobody is involved, or it is not known yet who is."""


def client_facts(
    client: Client, issuer: Issuer, grant_types: tuple[str, ...], user: AbstractBaseUser | None = None
) -> ClientFacts:
    """What may be asked for by *grant_types*: the client's scopes, of those that the issuer still offers, as far as *user* may allow them."""
    offered = issuer.settings.scopes
    scopes = allowed_scopes(client, issuer, grant_types, user, _askable(client, issuer, grant_types))
    default = issuer.settings.default_scopes or _registered_by_itself(client)
    return ClientFacts(
        client_id=client.client_id,
        grant_types=client.grant_types,
        scopes=scopes,
        default_scopes=tuple(scope for scope in default if scope in scopes),
        offered_scopes=offered.keys(),
    )


def _askable(client: Client, issuer: Issuer, grant_types: tuple[str, ...]) -> frozenset[str]:
    """The scopes that *client* registered. Of people, a client that says itself what it may ask for may ask for any scope that is offered.

    Such a client could have registered them all, and can register again. Agents that are told that a token lacks a scope (RFC 6750 section 3.1)
    ask for it without doing so: to them, what they registered is what they can use (RFC 7591 section 2), not all that they may.
    """
    offered = issuer.settings.scopes
    if chooses_its_scopes(client, issuer) and _ask_person(grant_types, issuer):
        return frozenset(offered)
    return client.scopes.intersection(offered)


def _ask_person(grant_types: tuple[str, ...], issuer: Issuer) -> bool:
    known = issuer.components.of(RegistrableGrant)
    return all(known[name].asks_person for name in grant_types if name in known)


def chooses_its_scopes(client: Client, issuer: Issuer) -> bool:
    """Whether nobody but *client* decides what it may ask people for: no operator, no software statement, and no limit of the settings."""
    return (
        client.registered_by in {Client.RegisteredBy.ITSELF, Client.RegisteredBy.DOCUMENT}
        and not (client.skip_consent or client.software_statement)
        and (issuer.settings.registration == "open" or client.source != Client.TABLE)
        and issuer.settings.registration_scopes == "offered"
    )


def allowed_scopes(
    client: Client, issuer: Issuer, grant_types: tuple[str, ...], user: AbstractBaseUser | None, scopes: frozenset[str]
) -> frozenset[str]:
    """Those of *scopes* that the setting `allowed_scopes` lets *client* have by every one of *grant_types*. A deployment takes scopes away, and
    never adds one; `openid`, which says that a person signs in, stays."""
    named = issuer.settings.allowed_scopes
    if not named:
        return scopes
    allowed: AllowedScopes = import_string(named)
    return scopes.intersection(*({*allowed(client, one, user, scopes), "openid"} for one in grant_types))


def _registered_by_itself(client: Client) -> list[str]:
    """What a client asks for that registered itself and asks without a scope, as agents do that were told of none: what it registered, without
    those scopes that a sign-in names. The person is asked for each."""
    if client.registered_by == Client.RegisteredBy.OPERATOR:
        return []
    return sorted(client.scopes - OPENID_SCOPES.keys())
