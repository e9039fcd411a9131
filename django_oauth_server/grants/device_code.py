"""The device authorization grant (RFC 8628)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.component import Sweep
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.device import DeviceSettings
from django_oauth_server.errors import AccessDenied, InvalidGrant, OAuthError
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.storage.clients import owner
from django_oauth_server.storage.device_requests import (
    expired_device_requests,
    find_by_device_code,
    note_poll,
    redeemed,
    slow_down,
)

DEVICE_CODE: Final = "oas_dc_"
"""The prefix by which a secret scanner knows a device code."""


class AuthorizationPending(OAuthError):
    """RFC 8628 section 3.5: the person has not decided yet."""

    error = "authorization_pending"
    is_ordinary = True


class SlowDown(OAuthError):
    """RFC 8628 section 3.5: as above, and the interval is five seconds longer from now on."""

    error = "slow_down"
    is_ordinary = True


class ExpiredToken(OAuthError):
    """RFC 8628 section 3.5: nobody decided in time. The device may ask anew."""

    error = "expired_token"
    is_ordinary = True


class DeviceDenied(AccessDenied):
    """RFC 8628 section 3.5: the person denied it, of which a poll learns in the ordinary course."""

    is_ordinary = True


class DeviceCode(GrantType):
    """Proves that the person who read this device's code allowed it, at a browser elsewhere."""

    name = "urn:ietf:params:oauth:grant-type:device_code"
    asks_person = True
    label = _("Device code (for devices without a browser)")
    parameters = frozenset({"grant_type", "device_code"})
    refreshes = True
    waits = True
    settings_name = "device"
    settings_group = DeviceSettings

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DeviceSettings).enabled

    def prepare(self, request: TokenRequest) -> TokenRequest:
        """Nearly every poll ends here, with one statement that notes it and tells that it has to wait."""
        if note_poll(request.params.require("device_code"), request.client, request.now):
            raise AuthorizationPending("The person has not decided yet.")
        return request

    def redeem(self, request: TokenRequest) -> Issuance:
        """What was allowed is handed out once, however many poll at once."""
        row = find_by_device_code(request.params.require("device_code"))
        if row is None or row.of != owner(request.client):
            raise InvalidGrant("The device code is unknown.")
        if row.redeemed_at is not None:
            raise InvalidGrant("The device code was redeemed before.")
        _check_decided(row, request)
        return _issuance(row, request)

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(_("expired device requests"), expired_device_requests(expired), by="expires_at")


def _check_decided(row: DeviceRequest, request: TokenRequest) -> None:
    if row.decided_at is not None and row.authorization is None:
        raise DeviceDenied("The person denied access.")
    if request.now >= row.expires_at:
        raise ExpiredToken("The device code has expired.")
    if row.decided_at is None:
        raise SlowDown(
            "The device polls too fast. Wait five seconds longer between polls from now on.",
            aftermath=partial(slow_down, row, request.now),
        )


def _issuance(row: DeviceRequest, request: TokenRequest) -> Issuance:
    """Of the scopes that were allowed those that the client has still, and the person has not taken back meanwhile."""
    authorization = row.authorization
    assert authorization is not None  # it was not denied
    authorization.client = request.client
    if reason := authorization.ended_by(password_change_revokes=request.issuer.settings.password_change_revokes):
        raise InvalidGrant("The device code is no longer valid.", detail=reason)
    client = client_facts(request.client, request.issuer, (DeviceCode.name,), authorization.user)
    return Issuance(
        client=request.client,
        authorization=authorization,
        scopes=frozenset(row.granted["scopes"]).intersection(client.scopes, authorization.scopes),
        allowed=client.scopes,
        resources=tuple(row.granted["resources"]),
        facts=row.granted["facts"],
        family=row.family,
        spends=redeemed(row, request.now),
    )
