"""A request that its client pushed: the parameter `request_uri` has the reference that it was given (RFC 9126 section 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils import timezone

from django_oauth_server.authorization.checks import Draft, ExpiredRequest, RequestCheck, UnverifiedRequest
from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.authorization.sources.gather import demands_signature
from django_oauth_server.component import AUTHORIZE, PUSHED
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.pushed_requests import PushedRequestSettings
from django_oauth_server.errors import InvalidRequest, RequestUriNotSupported
from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import owner
from django_oauth_server.storage.pushed_requests import PREFIX, find_pushed, push, settle

DEMAND: Final = "pushed_requests"
"""By which name a policy demands that requests are pushed."""
MEMBER: Final = "require_pushed_authorization_requests"
"""RFC 9126 sections 5 and 6: of the server's metadata, and of a client's."""
_RULE: Final = "RFC 9126 section 4"


class PushedSource(RequestSource):
    """The reference of a request that its client pushed. It is the whole request: beside it only `client_id` counts."""

    name = "pushed"
    parameters = frozenset({"request_uri"})
    parameter = "request_uri"
    unsupported = RequestUriNotSupported

    def knows(self, value: str) -> bool:
        return value.startswith(PREFIX)

    def read(self, arrival: Arrival) -> Found:
        """Who came in time has the time that a person may take; who comes new must be in time."""
        pushed, now = find_pushed(arrival.sent[self.parameter]), timezone.now()
        if pushed is None:
            raise _expired(arrival, "unknown, answered or swept")
        if pushed.of != owner(arrival.client):
            raise UnverifiedRequest(
                "The parameter request_uri was issued to another client.",
                parameter="request_uri",
                rule=_RULE,
                detail=f"request_uri of another client, client_id {arrival.client.client_id!r}",
            )
        waits = Parameters([("client_id", arrival.client.client_id), (self.parameter, arrival.sent[self.parameter])])
        if now >= (pushed.expires_at if arrival.came_before(waits) else pushed.usable_until):
            raise _expired(arrival, "too old")
        if demands_signature(arrival.client) and not pushed.payload["signed"]:
            raise _expired(arrival, "not signed, as its client registered meanwhile")
        return Found(Parameters(map(tuple, pushed.payload["parameters"])), alone=True, waits=waits)

    def answered(self, arrival: Arrival, now: datetime) -> None:
        if not settle(arrival.sent[self.parameter]):
            raise _expired(arrival, "answered just now")


class RequirePushed(RequestCheck):
    """Has the client pushed its request, where it must?"""

    name = "require_pushed"
    serves = frozenset({AUTHORIZE})

    def judge(self, draft: Draft) -> None:
        if draft.source != PushedSource.name and _must_push(draft):
            raise InvalidRequest("This client must push its authorization requests (RFC 9126).")


class RequireRedirectUri(RequestCheck):
    """Does the request say its redirect URI, also where the client has but one? Policies that demand pushed requests demand it (FAPI 2.0
    Security Profile section 5.3.2.2)."""

    name = "require_redirect_uri"
    serves = frozenset({PUSHED})

    def judge(self, draft: Draft) -> None:
        if DEMAND in draft.policy.demands:
            draft.params.require("redirect_uri")


def keep(draft: Draft, asked: AuthorizationRequest, *, signed: bool, now: datetime) -> str:
    """Keep what is *asked* by the request of *draft*, for who comes with the reference that is returned."""
    group = draft.issuer.settings.group(PushedRequestSettings)
    pushed = PushedRequest(
        of=owner(draft.client),
        payload={"parameters": asked.as_shown.pairs(), "signed": signed},
        created_at=now,
        usable_until=now + group.lifetime,
        expires_at=now + group.lifetime + draft.issuer.settings.interaction_lifetime,
    )
    return push(pushed, group.most_of_one_client)


def is_required(settings: IssuerSettings) -> bool:
    """Whether every client of the issuer has to push."""
    return settings.group(PushedRequestSettings).required or DEMAND in settings.tightened.demands


def _must_push(draft: Draft) -> bool:
    by_issuer = draft.issuer.settings.group(PushedRequestSettings).required
    return by_issuer or DEMAND in draft.policy.demands or draft.client.metadata.get(MEMBER) is True


def _expired(arrival: Arrival, detail: str) -> ExpiredRequest:
    return ExpiredRequest(arrival.client, parameter="request_uri", rule=_RULE, detail=f"request_uri {detail}")
