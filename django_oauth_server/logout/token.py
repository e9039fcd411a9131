"""Logout tokens (OpenID Connect Back-Channel Logout section 2.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django_oauth_server.conf.moments import numeric_date
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.authorizations import is_known_by_sector
from django_oauth_server.tokens.sealed import sign_for, signed_response_alg
from django_oauth_server.tokens.subject import subject_of_key

TYP: Final = "logout+jwt"
_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LIFETIME: Final = timedelta(minutes=2)
"""As section 2.4 recommends at most."""


def _knows(client: Client, person: str) -> bool:
    """Whether it may be told the identifier: it may have moved into another sector since the person signed in. `sid` says enough (section 2.4)."""
    return not client.is_pairwise or is_known_by_sector(client, person)


def logout_token(client: Client, person: str, sid: str, issuer: Issuer, now: datetime) -> str:
    """Tells *client* that the session *sid* of *person* has ended. Signed as its ID tokens are; without `nonce`, so that it can be taken for none.

    Raises `TemporarilyUnavailable`, or ImproperlyConfigured, where there is no key for it.
    """
    sub = subject_of_key(person, client, issuer) if _knows(client, person) else None
    claims = {
        "iss": issuer.settings.issuer,
        "aud": client.client_id,
        **({"sub": sub} if sub else {}),
        "sid": sid,
        "iat": numeric_date(now),
        "exp": numeric_date(now, _LIFETIME),
        "jti": uuid4().hex,
        "events": {_EVENT: {}},
    }
    return sign_for(client, claims, signed_response_alg("id_token", client, issuer), issuer, typ=TYP)
