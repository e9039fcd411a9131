"""ID tokens (OpenID Connect Core section 2): who signed in, when and how, for one client to read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from django.core.checks import CheckMessage, Error
from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import ASKING, Component, Document, Member
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.language import spoken_languages
from django_oauth_server.conf.moments import numeric_date
from django_oauth_server.conf.token_exchange import TokenExchangeSettings
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.grants.base import Issuance
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.signing import offered_algorithms, verify
from django_oauth_server.models import Client
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.claims_request import ClaimsRequest
from django_oauth_server.tokens.claims import claims_class, tellable, unreserved
from django_oauth_server.tokens.sealed import (
    DEFAULT_ALG,
    TYP,
    encryption_alg_choices,
    encryption_enc_choices,
    seal,
    signature_choices,
    signed_response_alg,
    verify_from,
)
from django_oauth_server.tokens.subject import subject_behind

_ALWAYS: Final = ("iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid")
GRANT_ID: Final = "grant_id"
"""The claim that names the authorization, as in access tokens: in ID tokens where they may be exchanged."""
_HASHES: Final[Mapping[str, Callable[[bytes], hashlib._Hash]]] = {
    "EdDSA": hashlib.sha512,
    "Ed25519": hashlib.sha512,
}


class IDToken(Component):
    """What makes an authorization server an OpenID Provider."""

    name = "id_token"
    parameters = frozenset({"nonce", "id_token_hint", "claims", "ui_locales"})
    serves = ASKING
    client_metadata = (
        Member(
            name="id_token_signed_response_alg",
            kind="choice",
            purpose="keys",
            label=_("ID token signature"),
            help=_("Signing algorithm for ID tokens. Leave blank for RS256."),
            choices=signature_choices,
        ),
        Member(
            name="id_token_encrypted_response_alg",
            kind="choice",
            purpose="encryption",
            label=_("ID token encryption"),
            help=_("Key management algorithm for encrypted ID tokens. Leave blank to disable encryption."),
            choices=encryption_alg_choices,
        ),
        Member(
            name="id_token_encrypted_response_enc",
            kind="choice",
            purpose="encryption",
            label=_("ID token content encryption"),
            help=_("Content encryption algorithm for ID tokens. Leave blank for A128CBC-HS256."),
            choices=encryption_enc_choices,
        ),
        Member(
            name="claims_in_id_token",
            kind="flag",
            purpose="tokens",
            label=_("Claims in ID tokens"),
            help=_(
                "Whether ID tokens contain the claims of the scopes (profile, email and so on), for apps that "
                "never call the UserInfo endpoint."
            ),
            operator_only=True,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        claims = [*_ALWAYS, *claims_class(settings).supported()]
        stated = {"acr_values_supported": list(settings.acr_values), "ui_locales_supported": list(spoken_languages())}
        return {
            "id_token_signing_alg_values_supported": [*offered_algorithms(settings), *jose.SHARED_SECRET_ALGORITHMS],
            "id_token_encryption_alg_values_supported": list(jose.KEY_MANAGEMENT),
            "id_token_encryption_enc_values_supported": list(jose.CONTENT_ENCRYPTION),
            "claims_supported": list(dict.fromkeys(claims)),
            "claims_parameter_supported": True,
            **{name: values for name, values in stated.items() if values},
        }

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        offered = offered_algorithms(settings)
        if not settings.tightened.algorithms(offered):
            yield Error(
                f"The policy of {settings.issuer} does not permit any algorithm of its keys: {', '.join(offered)}.",
                hint="Add one of them to permitted_algorithms, or a permitted one to signing_algs.",
                id="oauth_server.E013",
            )
        elif settings.tightened.algorithms((DEFAULT_ALG,)) and DEFAULT_ALG not in offered:
            yield Error(
                f"{settings.issuer} has no key for {DEFAULT_ALG}, the default algorithm of ID tokens"
                " (OpenID Connect Core section 15.1).",
                hint=f"Add {DEFAULT_ALG} to signing_algs, or an RSA key to signing_key_files.",
                id="oauth_server.E008",
            )


def id_token(
    issuance: Issuance,
    issuer: Issuer,
    now: datetime,
    *,
    access_token: str = "",
    code: str = "",
    scopes: Collection[str] = (),
) -> str:
    """The ID token for what *issuance* proves; bound to the *access_token* and the *code* that go with it (sections 3.1.3.6 and 3.3.2.11).

    *scopes*: those whose claims are in it, where no access token could fetch them (section 5.4). Where an operator said so of the client, those
    of all scopes are.
    """
    assert issuance.authorization is not None
    if issuance.client.metadata.get("claims_in_id_token"):
        scopes = issuance.scopes
    client, facts = issuance.client, issuance.facts
    alg = signed_response_alg("id_token", client, issuer)
    claims = {
        **_asked_for(issuance, issuer, scopes),
        **unreserved(issuance.authorization.facts),
        **{name: facts[name] for name in ("auth_time", "acr", "amr", "sid") if name in facts},
        "iss": issuer.settings.issuer,
        "sub": subject_behind(issuance.authorization, issuer),
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": numeric_date(now),
        "exp": numeric_date(now, issuer.settings.id_token_lifetime),
        **({GRANT_ID: str(issuance.authorization.grant_id)} if _may_be_exchanged(issuer) else {}),
        **({"nonce": issuance.nonce} if issuance.nonce else {}),
        **({"at_hash": half_hash(access_token, alg)} if access_token else {}),
        **({"c_hash": half_hash(code, alg)} if code else {}),
    }
    return seal(claims, "id_token", client, issuer)


def _may_be_exchanged(issuer: Issuer) -> bool:
    return issuer.settings.group(TokenExchangeSettings).takes_id_tokens


def half_hash(value: str, alg: str) -> str:
    """The left half of the hash that belongs to *alg*, over the ASCII octets of *value* (section 3.1.3.6)."""
    hashed = _HASHES.get(alg, hashlib.sha256)(value.encode()).digest()
    return base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()


def hinted_subject(hint: str, client: Client, issuer: Issuer) -> str:
    """The `sub` of an ID token that *client* was given earlier. It may have expired long ago (section 3.1.2.1). Raises `InvalidRequest`."""
    claims = read_hint(hint, issuer)
    if claims.get("aud") != client.client_id:
        raise InvalidRequest("The parameter id_token_hint was issued to another client.")
    return str(claims["sub"])


def read_hint(hint: str, issuer: Issuer) -> dict[str, object]:
    """The claims of an ID token of *issuer*, expired or not. Raises `InvalidRequest`."""
    try:
        claims = _verified(hint, issuer)
    except jose.InvalidJWT as exc:
        raise InvalidRequest(
            "The parameter id_token_hint is not an ID token that this server issued.", detail=f"id_token_hint: {exc}"
        ) from exc
    # A userinfo response is signed alike, but never expires.
    complete = isinstance(claims.get("sub"), str) and "exp" in claims
    if claims.get("iss") != issuer.settings.issuer or not complete:
        raise InvalidRequest("The parameter id_token_hint is not an ID token that this server issued.")
    return claims


def _verified(hint: str, issuer: Issuer) -> dict[str, object]:
    """With the published keys; or with the secret of the client that it names, where the client has its ID tokens signed so."""
    header, claims = jose.unverified(hint)
    if header.get("alg") not in jose.SHARED_SECRET_ALGORITHMS:
        return verify(issuer, hint, typ=TYP)
    audience = claims.get("aud")
    named = isinstance(audience, str) and audience.isprintable()  # JSON can say what no database takes
    client = find_client(issuer, str(audience)) if named else None
    if client is None or signed_response_alg("id_token", client, issuer) != header["alg"]:
        raise jose.InvalidJWT("its audience is not a client whose ID tokens are signed that way")
    return verify_from(client, hint, issuer)


def requested_claims(facts: Mapping[str, object]) -> ClaimsRequest:
    """The claims that were asked for one by one, and allowed."""
    kept = facts.get("claims")
    return ClaimsRequest.of(kept) if isinstance(kept, Mapping) else ClaimsRequest()


def askable_claims(issuance: Issuance, issuer: Issuer) -> ClaimsRequest:
    """The claims that were asked for one by one, without those of scopes that the client may not have any more."""
    asked = requested_claims(issuance.facts)
    if issuance.allowed is None or not asked:
        return asked
    kind = claims_class(issuer.settings)
    return asked.only(asked.names - (kind.asked_by(issuer.settings.scopes) - kind.asked_by(issuance.allowed)))


def _asked_for(issuance: Issuance, issuer: Issuer, scopes: Collection[str]) -> dict[str, object]:
    """Profile claims are in it only where they were asked for there: it is written down in more places than a userinfo response."""
    assert issuance.authorization is not None
    kind = claims_class(issuer.settings)
    asked = kind.asked_by(scopes).union(askable_claims(issuance, issuer).id_token)
    names = asked & tellable(issuance.authorization, issuance.client, issuer.settings)
    return kind.behind(issuance.authorization).claims(names) if names else {}
