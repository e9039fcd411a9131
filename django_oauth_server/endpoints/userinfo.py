"""The UserInfo endpoint (OpenID Connect Core section 5.3): a protected resource of the issuer's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Component, Document, Endpoint, Member
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import protocol_endpoint, receive, refused_to
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.signing import offered_algorithms
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.bindings.base import Unproven
from django_oauth_server.resource.challenge import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    Challenge,
    invalid_request,
    temporarily_unavailable,
)
from django_oauth_server.resource.possession import offered, prove, telling
from django_oauth_server.resource.presented import read_token
from django_oauth_server.resource.token import Presented
from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from django_oauth_server.tokens.sealed import (
    encryption_alg_choices,
    encryption_enc_choices,
    is_sealed,
    signature_choices,
)
from django_oauth_server.tokens.userinfo import sealed_userinfo, userinfo_claims
from django_oauth_server.tokens.verify import verify_with_authorization

logger = get_log("django_oauth_server")

_SCOPE: Final = "openid"
_REALM: Final = "userinfo"


class UserInfoEndpoint(Component):
    """A client asks who the person is, with the access token that the person allowed it."""

    name = "userinfo_endpoint"
    endpoints = (Endpoint("userinfo", "oauth/userinfo", "django_oauth_server.endpoints.userinfo.userinfo"),)
    client_metadata = (
        Member(
            name="userinfo_signed_response_alg",
            kind="choice",
            purpose="keys",
            label=_("Userinfo signature"),
            help=_("Signing algorithm for userinfo responses. Leave blank for unsigned JSON."),
            choices=signature_choices,
        ),
        Member(
            name="userinfo_encrypted_response_alg",
            kind="choice",
            purpose="encryption",
            label=_("Userinfo encryption"),
            help=_("Key management algorithm for encrypted userinfo responses. Leave blank to disable encryption."),
            choices=encryption_alg_choices,
        ),
        Member(
            name="userinfo_encrypted_response_enc",
            kind="choice",
            purpose="encryption",
            label=_("Userinfo content encryption"),
            help=_("Content encryption algorithm for userinfo responses. Leave blank for A128CBC-HS256."),
            choices=encryption_enc_choices,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {
            "userinfo_endpoint": endpoint("userinfo"),
            "userinfo_signing_alg_values_supported": [*offered_algorithms(settings), *jose.SHARED_SECRET_ALGORITHMS],
            "userinfo_encryption_alg_values_supported": list(jose.KEY_MANAGEMENT),
            "userinfo_encryption_enc_values_supported": list(jose.CONTENT_ENCRYPTION),
        }


@protocol_endpoint(cors=True, methods=("GET", "HEAD", "POST"))
def userinfo(http: HttpRequest, issuer: Issuer) -> Answer:
    """By GET or POST, the token in the header or in a form (section 5.3.1); for scripts of any origin."""
    answer = _answered(http, issuer)
    return replace(answer, headers={**answer.headers, **telling(http).headers})


def _answered(http: HttpRequest, issuer: Issuer) -> Answer:
    presented = _presented(http)
    if isinstance(presented, Challenge):
        return _refused(presented)
    try:
        return _answer(http, presented, issuer)
    except (InvalidToken, Unproven) as exc:
        logger.info("access token refused at %s: %s", http.path, exc.reason)
        challenge = exc.challenge if isinstance(exc, Unproven) else INVALID_TOKEN
        return _refused(replace(challenge, scheme=presented.scheme))
    except CannotVerify as exc:
        logger.warning("access token cannot be verified at %s: %s", http.path, exc.reason)
        return _refused(temporarily_unavailable(exc.retry_after))


def _presented(http: HttpRequest) -> Presented | Challenge:
    try:
        receive(http)
        return read_token(http)
    except InvalidRequest as exc:
        return Challenge(exc.status, exc.error, exc.description)
    except (SuspiciousOperation, UnreadablePostError):
        return invalid_request("The request's body is too large or incomplete.")


def _answer(http: HttpRequest, presented: Presented, issuer: Issuer) -> Answer:
    token, authorization = verify_with_authorization(presented.token, issuer, timezone.now())
    resources = (issuer.settings.issuer, issuer.settings.default_resource)
    if not names_one_of(token.audience, resources):
        raise InvalidToken(f"meant for another audience, issued to the client {token.client_id!r}")
    policy = issuer.policy_for(authorization.client.profile) if authorization else issuer.policy
    token = prove(http, presented, token, resources, policy.algorithms(jose.ALGORITHMS))
    if authorization is None or _SCOPE not in token.scopes:
        return _refused(replace(INSUFFICIENT_SCOPE, scopes=frozenset({_SCOPE}), scheme=token.scheme))
    with refused_to(authorization.client):
        claims = userinfo_claims(token, authorization, issuer)
        if is_sealed("userinfo", authorization.client, issuer):
            return Answer(body=sealed_userinfo(claims, authorization.client, issuer), media_type="application/jwt")
        return Answer(claims)


def _refused(challenge: Challenge) -> Answer:
    """As every protected resource refuses (RFC 6750 section 3)."""
    told = (
        {"Retry-After": str(challenge.retry_after)}
        if challenge.retry_after
        else {"WWW-Authenticate": challenge.header(_REALM, offered=offered())}
    )
    return Answer(challenge.body(), challenge.status, headers=told)
