"""To a device that polls for it (RFC 8628): the person reads a code on the device, and answers at a browser elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.authorization.channel import Channel, NothingWaits, PendingRequest
from django_oauth_server.authorization.checks import Draft, NotLetIn, judge
from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import wait
from django_oauth_server.authorization.request import AuthorizationRequest, Granted
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.authorization.way_back import WayBack
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.sources.base import ShutOut
from django_oauth_server.clients.sources.find import explain_unknown, find_client
from django_oauth_server.clients.throttling import source_of
from django_oauth_server.component import DEVICE, Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.device import DeviceSettings
from django_oauth_server.errors import AccessDenied, OAuthError, TemporarilyUnavailable, UnauthorizedClient
from django_oauth_server.grants.device_code import DeviceCode
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.user_code import read_user_code, show_user_code
from django_oauth_server.storage.device_requests import approve, deny, find_by_user_code
from django_oauth_server.tokens.faults import fault_of

USER_CODE: Final = "user_code"
"""The parameter of RFC 8628 section 3.3.1."""
_EXPIRED: Final = gettext_lazy("This code has expired. Get a new code on your device.")
_KINDS: Final[tuple[tuple[tuple[str, ...], Words], ...]] = (
    (
        (
            "smart-tv",
            "smarttv",
            "tizen",
            "web0s",
            "appletv",
            "googletv",
            "android tv",
            "bravia",
            "roku",
            "crkey",
            "hbbtv",
        ),
        gettext_lazy("TV or streaming device"),
    ),
    (("playstation", "xbox", "nintendo"), gettext_lazy("Game console")),
    (("iphone", "ipad", "android"), gettext_lazy("Phone or tablet")),
    (("windows", "macintosh", "x11", "cros"), gettext_lazy("Computer")),
    (("curl", "wget", "python", "httpx", "node", "go-http"), gettext_lazy("Program or script")),
)
"""What a `User-Agent` header says, roughly. Anybody can send any."""


class CodeRefused(NothingWaits):
    """A user code that leads to nothing, or to nothing any more: the person is told at its field, and the device not at all."""

    is_ordinary = True

    def __init__(self, words: Words) -> None:
        super().__init__("No request is waiting for this user code.")
        self.words = words


class DeviceChannel(Channel):
    """A request of a device, which waits for somebody to type its code."""

    name = "device"
    endpoint = "device"

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DeviceSettings).enabled

    def take_up(
        self, reference: Parameters, turn: Turn, http: HttpRequest, issuer: Issuer
    ) -> tuple[PendingRequest, Turn]:
        row, code = find_request(reference.get(USER_CODE, ""), issuer)
        client_id = row.request["client_id"]
        client = find_client(issuer, client_id, http.user)
        if client is None:
            raise _gone(client_id, issuer)
        return PendingDevice(client, row, code, issuer, http), turn


def find_request(typed: str, issuer: Issuer) -> tuple[DeviceRequest, str]:
    """The request whose code somebody *typed*, and the code. Raises `CodeRefused`."""
    code = read_user_code(typed)
    row = find_by_user_code(issuer.settings.issuer, code) if code else None
    if row is None:
        raise CodeRefused(_("This code isn't right. Check the code on your device and try again."))
    return row, code


def check_waiting(row: DeviceRequest, now: datetime) -> None:
    """Raise `CodeRefused` where the request needs no answer any more."""
    if row.decided_at is not None:
        raise _used()
    if now >= row.expires_at:
        raise CodeRefused(_EXPIRED)


def _gone(client_id: str, issuer: Issuer) -> OAuthError:
    """Why a code leads nowhere whose client is not known any more."""
    why = explain_unknown(issuer, client_id)
    if isinstance(why, ShutOut):
        refusal = NotLetIn(why, parameter="client_id", rule="RFC 8628 section 3.1", detail=why)
        refusal.client_id = client_id
        return refusal
    return CodeRefused(_EXPIRED)


def _used() -> CodeRefused:
    return CodeRefused(_("This code has already been used. If your device is still waiting, get a new code there."))


def code_page(issuer: Issuer, *, typed: str = "", error: Words = "") -> Page:
    """The page on which the code is typed, with what is wrong about the one that was *typed*."""
    context = {
        "issuer_name": issuer.settings.name,
        "page_url": issuer.url_path(DeviceChannel.endpoint),
        "typed": typed,
        "error": error,
    }
    return Page("oauth_server/device_code.html", context)


@dataclass(frozen=True, slots=True)
class PendingDevice(PendingRequest):
    """A device's request, whose code somebody typed."""

    in_session = False  # whoever signs out at this browser does not switch off the television

    found: Client
    row: DeviceRequest
    code: str
    issuer: Issuer
    http: HttpRequest

    @property
    def channel(self) -> str:
        return DeviceChannel.name

    @property
    def client(self) -> Client:
        return self.found

    @property
    def reference(self) -> Parameters:
        return Parameters([(USER_CODE, self.code)])

    @property
    def params(self) -> Parameters:
        return Parameters((name, value) for name, value in self.row.request["parameters"])

    @property
    def proves_client(self) -> bool:
        """RFC 8628 section 5.6: without a credential any program can ask in the client's name."""
        return not is_public(self.client, self.issuer)

    @property
    def warning(self) -> Words:
        return _(
            "Another device or program could use this app's name. Allow it only if you have just started it yourself."
        )

    @property
    def destination(self) -> tuple[Words, str]:
        unbroken = show_user_code(self.code).replace("-", "\N{NON-BREAKING HYPHEN}")
        return _("Access goes to"), _("the device that shows %(code)s") % {"code": unbroken}

    @property
    def kind(self) -> Words:
        """What the device says that it is; empty where it says nothing that is known."""
        said = str(self.row.request.get("user_agent", "")).lower()
        return next((words for names, words in _KINDS if any(name in said for name in names)), "")

    @property
    def address(self) -> str:
        """From where the device asked; empty where the browser is there, too."""
        address = str(self.row.request.get("address", ""))
        return "" if address == source_of(self.http, self.issuer) else address

    def judge(self) -> AuthorizationRequest:
        check_waiting(self.row, timezone.now())
        if (
            not self.client.is_active
            or fault_of(self.client, self.issuer)
            or DeviceCode.name not in self.client.grant_types
        ):
            raise UnauthorizedClient("The client may no longer use the device authorization grant.")
        return judge(Draft(self.params, self.client, self.issuer, endpoint=DEVICE, grant_type=DeviceCode.name))

    def prepare(self) -> None:
        """Nothing is made before the device comes for it."""

    def answer(self, granted: Granted) -> Page | Redirect:
        kept = {"scopes": granted.scopes, "resources": granted.request.resources, "facts": granted.facts}
        if not approve(self.row, granted.authorization, kept, granted.now):
            raise _used()
        return self._allowed()

    def refuse(self, exc: OAuthError, turn: Turn, way: WayBack) -> Page | Redirect:
        """The device learns that it has no access, and stops to ask, whatever the reason. Where the server is busy nothing is decided."""
        if isinstance(exc, TemporarilyUnavailable):
            raise exc
        if isinstance(exc, CodeRefused) or not deny(self.row, timezone.now()):
            return self._decided_before(exc)
        if isinstance(exc, AccessDenied):
            return self._denied()
        return self._answered(
            _("This app sent an invalid request"),
            _("The app on your device made a mistake, so nothing was shared with it. You can close this page."),
        )

    def _decided_before(self, exc: OAuthError) -> Page:
        """Who presses a button twice is told the same twice."""
        row = find_by_user_code(self.issuer.settings.issuer, self.code)
        if row and row.decided_at and row.authorization is None:
            return self._denied()
        if row and row.authorization and row.authorization.user_id == self.http.user.pk:
            return self._allowed()
        words = exc.words if isinstance(exc, CodeRefused) else _used().words
        return code_page(self.issuer, typed=show_user_code(self.code), error=words)

    def _allowed(self) -> Page:
        return self._answered(
            _("Go back to your device"),
            _("The app on your device now has access. It may take a few seconds to continue."),
            connected_apps_url=self.issuer.url_path("connected_apps"),
        )

    def _denied(self) -> Page:
        return self._answered(
            _("Access denied"), _("The device has no access to your account. You can close this page.")
        )

    def _answered(self, heading: str, explanation: str, *, connected_apps_url: str = "") -> Page:
        context = {
            "issuer_name": self.issuer.settings.name,
            "client": describe_client(self.client, self.issuer),
            "heading": heading,
            "explanation": explanation,
            "connected_apps_url": connected_apps_url,
            "page_url": self.issuer.url_path(DeviceChannel.endpoint),
        }
        return Page("oauth_server/device_answered.html", context)


class ConfirmDevice(Prompt):
    """Is it the device that you have before you? Asked first, and always, also where the code was in a link (RFC 8628 sections 3.3.1, 5.4)."""

    name = "confirm_device"
    place = Place.SIGN_IN + 50

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(DeviceSettings).enabled

    def needed(self, situation: Situation) -> bool:
        return isinstance(situation.pending, PendingDevice) and self.name not in situation.turn.done

    def ask(self, situation: Situation) -> Page:
        pending, issuer = situation.pending, situation.request.issuer
        assert isinstance(pending, PendingDevice) and isinstance(situation.user, AbstractBaseUser)
        return Page(
            "oauth_server/device_confirm.html",
            {
                "issuer_name": issuer.settings.name,
                "client": describe_client(pending.client, issuer),
                "account": situation.user.get_username(),
                "code": show_user_code(pending.code),
                "kind": pending.kind,
                "asked_at": pending.row.created_at,
                "asked_just_now": situation.now - pending.row.created_at < timedelta(minutes=1),
                "address": pending.address,
                "decision_url": issuer.url_path("decision"),
                "handle": wait(situation, self.name),
            },
            script=True,
            leads_away=True,
        )
