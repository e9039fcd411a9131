"""The device authorization endpoint (RFC 8628 section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from django_oauth_server.authorization.channels.device import USER_CODE
from django_oauth_server.authorization.checks import Draft, judge
from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.way_back import LONGEST_REQUEST, can_wait
from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.clients.throttling import source_of
from django_oauth_server.component import DEVICE, Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.device import DeviceSettings
from django_oauth_server.endpoints.http import form_parameters, protocol_endpoint, refused_to
from django_oauth_server.endpoints.throttling import count
from django_oauth_server.endpoints.token import check_may_use
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.grants.base import GrantType
from django_oauth_server.grants.device_code import DEVICE_CODE, DeviceCode
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.opaque import generate
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.uris import add_parameters
from django_oauth_server.protocol.user_code import new_user_code, show_user_code
from django_oauth_server.storage.clients import owner
from django_oauth_server.storage.device_requests import keep_device_request
from django_oauth_server.tokens.faults import check_row

_LONGEST_USER_AGENT: Final = 300


class DeviceAuthorizationEndpoint(Component):
    """Steps (A) and (B) of RFC 8628: a device asks, and is told what to show."""

    name = "device_authorization_endpoint"
    parameters = frozenset({"client_id", "scope", "resource", "login_hint"})
    repeatable = frozenset({"resource"})
    serves = frozenset({DEVICE})
    endpoints = (
        Endpoint(
            "device_authorization",
            "oauth/device_authorization",
            "django_oauth_server.endpoints.device_authorization.device_authorization",
        ),
    )
    settings_name = "device"
    settings_group = DeviceSettings
    throttles = {"device_authorization": "30/m"}

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DeviceSettings).enabled

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"device_authorization_endpoint": endpoint("device_authorization")}


@protocol_endpoint(cors=True)
def device_authorization(http: HttpRequest, issuer: Issuer) -> Answer:
    """Which client, may it, what does it ask: all that can be judged now is told now, before a person types a code in vain."""
    params = form_parameters(http)
    params.refuse_repeated(but=issuer.components.read_at(DEVICE).repeatable)
    now = timezone.now()
    client = authenticate_client(http, params, issuer, find_client, now)
    with refused_to(client):
        check_row(client, issuer)
        check_may_use(client, issuer.components.of(GrantType)[DeviceCode.name], issuer)
        count("device_authorization", "device authorization requests", client, http, issuer, now)
        return _answer(_judged(params, client, issuer), http, now)


def _judged(params: Parameters, client: Client, issuer: Issuer) -> AuthorizationRequest:
    sent = params.only(issuer.components.read_at(DEVICE).parameters)
    if not can_wait(sent):
        raise InvalidRequest(f"The request is longer than {LONGEST_REQUEST} characters.")
    request = judge(Draft(sent, client, issuer, endpoint=DEVICE, grant_type=DeviceCode.name))
    if "none" in request.prompts:
        raise InvalidRequest("The parameter prompt must not be none: somebody has to type the code.")
    return request


def _answer(request: AuthorizationRequest, http: HttpRequest, now: datetime) -> Answer:
    """RFC 8628 section 3.2."""
    issuer, settings = request.issuer, request.issuer.settings.group(DeviceSettings)
    device_code, user_code = generate(DEVICE_CODE), new_user_code()
    interval = int(settings.interval.total_seconds())
    row = DeviceRequest(
        of=owner(request.client),
        request={
            "client_id": request.client.client_id,
            "parameters": request.as_shown.pairs(),
            "user_agent": _printable(http.headers.get("User-Agent", "")),
            "address": source_of(http, issuer),
        },
        created_at=now,
        expires_at=now + settings.code_lifetime,
        interval=interval,
    )
    keep_device_request(row, issuer.settings.issuer, device_code, user_code)
    page, shown = issuer.url("device"), show_user_code(user_code)
    return Answer(
        {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": add_parameters(page, [(USER_CODE, shown)], "query"),
            "expires_in": int(settings.code_lifetime.total_seconds()),
            "interval": interval,
        }
    )


def _printable(header: str) -> str:
    """What of *header* any database keeps."""
    return "".join(filter(str.isprintable, header))[:_LONGEST_USER_AGENT]
