"""From a request to the token that it may act with: read, verify, compare the audience, prove, judge; and how a refusal is answered."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.views.decorators.debug import sensitive_variables

from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.uris import names_one_of
from django_oauth_server.resource.bindings.base import Unproven
from django_oauth_server.resource.challenge import (
    FOREIGN_TOKEN,
    INVALID_TOKEN,
    NO_CREDENTIALS,
    Challenge,
    temporarily_unavailable,
)
from django_oauth_server.resource.conf import audiences, load, user_rule, verifier
from django_oauth_server.resource.connections import Admission
from django_oauth_server.resource.locations import metadata_url
from django_oauth_server.resource.occasionally import OccasionallyEach
from django_oauth_server.resource.people import nobody
from django_oauth_server.resource.possession import aprove, offered, prove, telling
from django_oauth_server.resource.presented import read_token
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.scopes import NOT_FOR_RESOURCES, fewest
from django_oauth_server.resource.token import Presented, VerifiedToken
from django_oauth_server.resource.verifiers.base import CannotVerify, Discerning, InvalidToken

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

logger = get_log("django_oauth_server.resource")

_may_warn: Final = OccasionallyEach(timedelta(minutes=1))
_OUTCOME: Final = "_oauth_outcome"
"""Where a request keeps what it was identified as: a middleware, a view and a throttle ask, and the token is verified once."""
_MET: Final = "_oauth_met"
"""Where it keeps what its token was found to be enough for."""


def forget() -> None:
    """Warn anew, as a process that has just begun."""
    _may_warn.begin_anew()


@sensitive_variables()  # a report of a failure must not hold the token
def identify(request: HttpRequest) -> VerifiedToken | Challenge:
    """The good token that *request* presents, meant for this resource server; or the challenge to answer with."""
    presented = _presented(request)
    if not isinstance(presented, Presented):
        return presented
    try:
        with Admission():
            token = _meant_for_us(verifier().verify(presented.token))
            return _kept(request, _with_user(prove(request, presented, token, audiences())))
    except (InvalidToken, Unproven, CannotVerify) as exc:
        return _kept(request, _refused(exc, request, presented))


@sensitive_variables()
async def aidentify(request: HttpRequest) -> VerifiedToken | Challenge:
    """`identify` for async views."""
    presented = _presented(request)
    if not isinstance(presented, Presented):
        return presented
    try:
        with Admission():
            token = _meant_for_us(await verifier().averify(presented.token))
            return _kept(request, _with_user(await aprove(request, presented, token, audiences())))
    except (InvalidToken, Unproven, CannotVerify) as exc:
        return _kept(request, _refused(exc, request, presented))


@sensitive_variables()
async def is_still_good(request: HttpRequest) -> bool:
    """Whether *request*, which was admitted, would be admitted now: its token is verified and judged again. Yes where that cannot be told.

    A proof is for its request, and is not judged twice.
    """
    presented = read_token(request)
    if not isinstance(presented, Presented):
        return True  # a middleware of the project has read it elsewhere, and judged it
    try:
        with Admission():
            token = _with_user(_meant_for_us(await verifier().averify(presented.token)))
            met = _met(request)
            missing = await sync_to_async(met.refusal)(token.again(scheme=presented.scheme)) if met else None
    except InvalidToken as exc:
        logger.info("what is streamed at %s ends: %s", request.path, exc.reason)
        return False
    except CannotVerify as exc:
        logger.warning("access token cannot be verified again at %s: %s", request.path, exc.reason)
        return True
    if missing:
        logger.info("what is streamed at %s ends: %s", request.path, missing.description)
    return not missing


@sensitive_variables()
def _presented(request: HttpRequest) -> Presented | VerifiedToken | Challenge:
    """What is to be verified; or what is known without that, or since it was."""
    known: VerifiedToken | Challenge | None = getattr(request, _OUTCOME, None)
    if known is not None:
        return known
    presented = read_token(request)
    if isinstance(presented, Presented) and load().leave_foreign_tokens and not _may_be_ours(presented.token):
        presented = replace(FOREIGN_TOKEN, scheme=presented.scheme)  # shown to nobody who could verify ours
    return _kept(request, presented) if isinstance(presented, Challenge) else presented


@sensitive_variables()
def _may_be_ours(token: str) -> bool:
    one = verifier()
    return not isinstance(one, Discerning) or one.may_be_ours(token)


def is_left(challenge: Challenge) -> bool:
    """Whether another authentication may know the caller: no token is presented, or none of ours, and the project says to leave those."""
    return not challenge.error or (challenge.foreign and load().leave_foreign_tokens)


def unknown(request: HttpRequest) -> Challenge:
    """What a caller is told whom no authentication knew: a token that was presented is not good."""
    outcome = getattr(request, _OUTCOME, None)
    return outcome if isinstance(outcome, Challenge) else NO_CREDENTIALS


def admit(request: HttpRequest, requirement: Requirement) -> VerifiedToken | Challenge:
    """The token of *request*, if it is enough for *requirement*; or the challenge to answer with."""
    return enough(request, identify(request), requirement)


async def aadmit(request: HttpRequest, requirement: Requirement) -> VerifiedToken | Challenge:
    """`admit` for async views."""
    return enough(request, await aidentify(request), requirement)


R = TypeVar("R", bound=HttpResponseBase)


def by_token(request: HttpRequest, response: R) -> R:
    """*response*, which tells caches that another token gets another (RFC 9110 section 12.5.5), and clients what follows from their proof."""
    told = telling(request)
    patch_vary_headers(response, told.vary)
    for name, value in told.headers.items():
        response[name] = value
    return response


def refusal_headers(challenge: Challenge) -> dict[str, str]:
    """The headers of the response that tells *challenge*."""
    if challenge.retry_after:
        return {"Retry-After": str(challenge.retry_after), "Cache-Control": "no-store"}
    asked = replace(challenge, scopes=fewest(challenge.scopes) - NOT_FOR_RESOURCES)
    header = asked.header(load().realm, metadata_url(challenge.resource or audiences()[0]), offered())
    return {"WWW-Authenticate": header, "Cache-Control": "no-store"}


def enough(
    request: HttpRequest, outcome: VerifiedToken | Challenge, requirement: Requirement
) -> VerifiedToken | Challenge:
    """*outcome*, the token of *request*, if it is enough for *requirement*; or the challenge to answer with."""
    if isinstance(outcome, Challenge):
        return requirement.completed(outcome)
    with Admission():
        refusal = requirement.refusal(outcome)
    if refusal:
        return refusal
    met = _met(request)
    setattr(request, _MET, met & requirement if met else requirement)
    return outcome


def admitted_by(request: HttpRequest) -> VerifiedToken | None:
    """The token that *request* was admitted by, whether or not its view has asked for one."""
    return getattr(request, _OUTCOME) if _met(request) else None


def _met(request: HttpRequest) -> Requirement | None:
    """All that the token of *request* was found to be enough for."""
    return getattr(request, _MET, None)


def _meant_for_us(token: VerifiedToken) -> VerifiedToken:
    """OAuth 2.1 section 7.1.4: the audience is compared on every request."""
    if not names_one_of(token.audience, audiences()):
        raise InvalidToken(
            "meant for another audience",
            f"{', '.join(token.audience)}, issued by {token.issuer} to the client {token.client_id!r}{_acting(token)}; "
            f"this resource server is {', '.join(audiences())}",
        )
    return token


def _acting(token: VerifiedToken) -> str:
    return f", acting: {str(token.actor)!r}" if token.actor else ""


def _with_user(token: VerifiedToken) -> VerifiedToken:
    """Users are mapped by the deployment's rule, or known to the verifier; never guessed."""
    rule = user_rule()
    if rule is None or token.subject is None:
        return token
    return replace(token, user=cast("AbstractBaseUser", SimpleLazyObject(lambda: rule(token) or nobody())))


def _kept(request: HttpRequest, outcome: VerifiedToken | Challenge) -> VerifiedToken | Challenge:
    setattr(request, _OUTCOME, outcome)
    return outcome


def _refused(reason: InvalidToken | Unproven | CannotVerify, request: HttpRequest, presented: Presented) -> Challenge:
    """What the client is told. Operators are told more: once a minute of each kind where somebody may have to mend something, and always at INFO."""
    if isinstance(reason, CannotVerify):
        logger.warning("access token cannot be verified at %s: %s", request.path, reason.reason)
        return temporarily_unavailable(reason.retry_after)
    is_told = not reason.is_ordinary and _may_warn(reason.kind)
    logger.log(
        logging.WARNING if is_told else logging.INFO, "access token refused at %s: %s", request.path, reason.reason
    )
    challenge = reason.challenge if isinstance(reason, Unproven) else INVALID_TOKEN
    return replace(challenge, scheme=presented.scheme)
