"""From a request to the token that it may act with: read, verify, compare the audience, judge."""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.resource.bearer import read_token
from django_oauth_server.resource.challenge import INVALID_TOKEN, Challenge
from django_oauth_server.resource.conf import audiences, verifier
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import InvalidToken

logger = logging.getLogger("django_oauth_server.resource")


@sensitive_variables()  # a report of a failure must not hold the token
def identify(request: HttpRequest) -> VerifiedToken | Challenge:
    """The good token that *request* presents, meant for this resource server; or the challenge to answer with."""
    presented = read_token(request)
    if isinstance(presented, Challenge):
        return presented
    try:
        return _meant_for_us(verifier().verify(presented))
    except InvalidToken as exc:
        return _refused(exc)


@sensitive_variables()
async def aidentify(request: HttpRequest) -> VerifiedToken | Challenge:
    """`identify` for async views."""
    presented = read_token(request)
    if isinstance(presented, Challenge):
        return presented
    try:
        return _meant_for_us(await verifier().averify(presented))
    except InvalidToken as exc:
        return _refused(exc)


def admit(request: HttpRequest, requirement: Requirement) -> VerifiedToken | Challenge:
    """The token of *request*, if it is enough for *requirement*; or the challenge to answer with."""
    return _enough(identify(request), requirement)


async def aadmit(request: HttpRequest, requirement: Requirement) -> VerifiedToken | Challenge:
    """`admit` for async views."""
    return _enough(await aidentify(request), requirement)


def _enough(outcome: VerifiedToken | Challenge, requirement: Requirement) -> VerifiedToken | Challenge:
    return outcome if isinstance(outcome, Challenge) else requirement.judge(outcome) or outcome


def _meant_for_us(token: VerifiedToken) -> VerifiedToken:
    """OAuth 2.1 section 7.1.4: the audience is compared on every request."""
    if not set(audiences()) & set(token.audience):
        raise InvalidToken(f"meant for another audience, issued to the client {token.client_id}")
    return token


def _refused(reason: InvalidToken) -> Challenge:
    logger.info("access token refused: %s", reason.reason)
    return INVALID_TOKEN
