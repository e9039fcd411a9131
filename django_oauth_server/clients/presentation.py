"""What a client shows people of itself, by which they judge whether to allow it something."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.previews import is_preview
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.uris import is_loopback, origin, proves_identity

UNKNOWN: Final = ""
"""Something, of which nobody can say what it is."""
VOUCHED: Final = "vouched"
"""That an operator vouched for where the client describes itself."""
_SHOWN: Final = ("client_name", "logo_uri", "client_uri", "policy_uri", "tos_uri", "contacts")
_LENGTH: Final = 32


def presentation(client: Client) -> Mapping[str, str]:
    """What *client* shows in any language, the hosts that its answers go to, and whether its access lasts: a fingerprint of each, by member.

    Empty for a client that an operator registered, and so vouches for: what the operator changes of it needs nobody's consent. Where an operator
    vouches for its source, it is that by which people judge.
    """
    if client.is_vouched_for:
        return {VOUCHED: "source"} if client.vouched_by_source else {}
    shown: dict[str, object] = {member: _in_all_languages(client, member) for member in _SHOWN}
    shown["redirect_uris"] = sorted({place(uri) for uri in client.redirect_uris})
    shown["grant_types"] = "refresh_token" in client.grant_types
    return {member: digest(json.dumps(value, sort_keys=True))[:_LENGTH] for member, value in shown.items() if value}


def fingerprint(client: Client, claims: Collection[str]) -> str:
    """Of all that a page shows of *client*, and of the *claims* that the client asks for one by one. Scopes are allowed by name."""
    shown = {**presentation(client), "claims": sorted(claims)}
    return digest(json.dumps(shown, sort_keys=True))[:_LENGTH]


def changes(authorization: Authorization, client: Client) -> frozenset[str]:
    """The members that *client* has changed of what it showed when the person allowed it."""
    before, now = authorization.presentation, presentation(client)
    if client.is_vouched_for:
        return frozenset()
    if before is None:
        return frozenset({UNKNOWN} if now and client.updated_at > authorization.consented_at else ())
    if VOUCHED in before:
        return frozenset({VOUCHED})
    return frozenset(member for member in {*before, *now} if before.get(member) != now.get(member))


def proves_itself(client: Client, redirect_uri: str, issuer: Issuer) -> bool:
    """Whether no other app can pass for *client*: it has a credential, or it alone is answered at *redirect_uri* (OAuth 2.1 section 7.3.1)."""
    if not is_public(client, issuer):
        return True
    return proves_identity(redirect_uri) and not is_preview(redirect_uri, client, issuer.settings)


def called(client: Client) -> str:
    """The name by which people know *client*. Anybody can write a document, with any name in it: unless an operator vouches for its host, it is the
    host (draft-ietf-oauth-client-id-metadata-document section 8.5)."""
    return client.name if client.is_vouched_for else client.document_host or client.name


def is_on_devices(client: Client) -> bool:
    """Whether every answer to *client* goes to the person's own device, where any program could take it."""
    return bool(client.redirect_uris) and not any(map(proves_identity, client.redirect_uris))


def place(redirect_uri: str) -> str:
    """Where answers to *redirect_uri* go: an origin, a private-use scheme, or this device, where every port is as good as another
    (RFC 8252 section 7.3)."""
    scheme = urlsplit(redirect_uri).scheme
    return "loopback" if is_loopback(redirect_uri) else origin(redirect_uri) if scheme in {"http", "https"} else scheme


def _in_all_languages(client: Client, member: str) -> dict[str, object]:
    return {name: value for name, value in client.metadata.items() if name.partition("#")[0] == member}
