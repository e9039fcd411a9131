"""Writing down that a person allows something."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.clients.presentation import changes
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.authorization import credential_stamp
from django_oauth_server.storage.authorizations import confirm, grant, revoke_authorizations
from django_oauth_server.storage.clients import row_of


def record_consent(
    found: Authorization | None,
    client: Client,
    user: AbstractBaseUser,
    scopes: Collection[str],
    resources: Collection[str],
    issuer: Issuer,
    now: datetime,
    *,
    claims: Collection[str] = (),
    cleared: Collection[str] = (),
    cleared_claims: Collection[str] = (),
    shown: Mapping[str, str] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Authorization:
    """The authorization that covers *scopes*, *resources* and *claims*: *found*, confirmed where need be, or a new one where it has ended.

    *cleared* are scopes that the person was offered and did not allow, *cleared_claims* what those would have told: it covers them no more.
    *shown* is what they judged the client by. None: they saw no page. *facts* are what else was settled; *found* is for the same.
    """
    if found and found.ended_by(password_change_revokes=issuer.settings.password_change_revokes):
        revoke_authorizations([found], now)
        found = None
    if found is None:
        return grant(row_of(client), user, scopes, resources, claims, credential_stamp(user), shown, facts, now)
    narrower = not found.scopes.isdisjoint(cleared) or not set(found.claims).isdisjoint(cleared_claims)
    changed = shown is not None and changes(found, client)
    if narrower or changed or not covers(found, scopes, resources, claims):
        kept = found.scopes.union(scopes).difference(cleared)
        confirm(found, kept, resources, {*found.claims, *claims}.difference(cleared_claims), shown, now)
    return found


def declined(authorization: Authorization | None, issuer: Issuer) -> frozenset[str]:
    """The optional scopes that the person does not allow, although they were shown a page: who asks nobody gives none of them."""
    if authorization is None or authorization.presentation is None:
        return frozenset()
    return issuer.settings.optional_scopes - authorization.scopes


def covers(
    authorization: Authorization, scopes: Collection[str], resources: Collection[str], claims: Collection[str] = ()
) -> bool:
    """Whether all of it was allowed before."""
    return (
        authorization.scopes.issuperset(scopes)
        and set(authorization.resources).issuperset(resources)
        and set(authorization.claims).issuperset(claims)
    )
