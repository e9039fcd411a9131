"""The page on which a person types the code of a device (RFC 8628 section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from django_oauth_server.authorization.channel import Channel
from django_oauth_server.authorization.channels.device import (
    USER_CODE,
    CodeRefused,
    DeviceChannel,
    check_waiting,
    code_page,
    find_request,
)
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.authorization.turn import NOTHING_DONE, PARAMETER
from django_oauth_server.clients.throttling import limit, source_of
from django_oauth_server.component import Component, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.device import DeviceSettings
from django_oauth_server.endpoints.http import form_parameters, patient, query_parameters, unreported
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.endpoints.visit import Visit, come_back, error_page, respond, visited
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import APP_NAME, Issuer
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.user_code import read_user_code
from django_oauth_server.storage.failures import Limit, note_failure, take_back


class DevicePage(Component):
    """Where a person types the code that a device shows. Guesses are held back by account, session and address (RFC 8628 section 5.1)."""

    name = "device_page"
    endpoints = (Endpoint("device", "device", "django_oauth_server.endpoints.device.device"),)
    settings_name = "device"
    settings_group = DeviceSettings
    throttles = {"device_code": "10/h", "device_code_by_session": "10/h", "device_code_by_address": "60/h"}

    def located(self, settings: IssuerSettings) -> tuple[Endpoint, ...]:
        return tuple(replace(one, route=settings.group(DeviceSettings).path) for one in self.endpoints)

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DeviceSettings).enabled

    def checks(self, settings: IssuerSettings) -> Iterator[CheckMessage]:
        path = f"{urlsplit(settings.issuer).path}/{settings.group(DeviceSettings).path}"
        with suppress(Resolver404):
            match = resolve(path)
            if APP_NAME not in match.app_names:
                yield Warning(
                    f"Another view is at {path}, where people enter the code of a device: {match._func_path}.",
                    hint='Choose another path, for example "device": {"path": "activate"}, or put path("", include("django_oauth_server.urls")) '
                    "before that route.",
                    id="oauth_server.W015",
                )
        if all(settings.throttles[name] is None for name in self.throttles):
            yield Warning(
                f"Guesses at device codes are not limited at {settings.issuer} (RFC 8628 section 5.1).",
                hint='Set one of "device_code", "device_code_by_session" and "device_code_by_address" in "throttles".',
                id="oauth_server.W016",
            )


@unreported
@patient
@csrf_exempt  # typing a code changes nothing: the person is asked on the next page
@require_http_methods(["GET", "POST"])
def device(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """Who types a code signs in first, so that guesses have an account; then the request is asked for, as every other."""
    return visited(http, issuer, issuer.components.of(Channel)[DeviceChannel.name], _device)


def _device(visit: Visit) -> HttpResponse:
    http, issuer = visit.http, visit.issuer
    try:
        said = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return error_page(http, issuer, exc)
    if not http.user.is_authenticated:
        return _to_sign_in(visit, said)
    if USER_CODE not in said and http.method == "GET":
        return respond(http, code_page(issuer))
    return _typed(visit, said)


def _to_sign_in(visit: Visit, said: Parameters) -> HttpResponse:
    """Signing in counts for the request: who does it now is not asked again. A code is not looked at before."""
    code = read_user_code(said.get(USER_CODE, ""))
    turn = replace(NOTHING_DONE, asked_at=timezone.now())
    back = visit.way.to(_reference(code), turn) if code else visit.issuer.url_path(DeviceChannel.endpoint)
    return respond(visit.http, to_sign_in(back, _reference(code), visit.issuer))


def _typed(visit: Visit, said: Parameters) -> HttpResponse:
    """What could be a code counts as a guess before it is looked at, so that guesses that come at once are no more than others."""
    http, issuer, now, typed = visit.http, visit.issuer, timezone.now(), said.get(USER_CODE, "")
    guesses = tuple(_guesses(http, issuer)) if read_user_code(typed) else ()
    if wait := note_failure(guesses, now):
        return _held_back(visit, typed, wait)
    is_guess = False
    try:
        row, code = find_request(typed, issuer)
    except CodeRefused as exc:
        is_guess = True
        return _refused(visit, typed, exc)
    finally:
        if not is_guess:
            take_back(guesses, now)
    try:
        check_waiting(row, now)
    except CodeRefused as exc:
        return _refused(visit, typed, exc)
    turn = [(PARAMETER, said[PARAMETER])] if PARAMETER in said else []
    return come_back(visit, Parameters([*_reference(code).pairs(), *turn]), frozenset({USER_CODE}))


def _refused(visit: Visit, typed: str, exc: CodeRefused) -> HttpResponse:
    return respond(visit.http, code_page(visit.issuer, typed=typed, error=exc.words))


def _held_back(visit: Visit, typed: str, wait: int) -> HttpResponse:
    page = code_page(visit.issuer, typed=typed, error=_("Too many wrong codes. Wait a while, then try again."))
    response = render_page(visit.http, page.template, page.context, status=429)
    response["Retry-After"] = str(wait)
    return response


def _reference(code: str) -> Parameters:
    return Parameters([(USER_CODE, code)])


def _guesses(http: HttpRequest, issuer: Issuer) -> Iterator[Limit]:
    """The account first: once it is over its limit, it uses up nothing of what others have who share its address."""
    yield from limit("device_code", issuer, str(http.user.pk))
    if session := http.session.session_key:
        yield from limit("device_code_by_session", issuer, digest(session))
    yield from limit("device_code_by_address", issuer, source_of(http, issuer))
