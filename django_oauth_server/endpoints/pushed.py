"""Pushed authorization requests (RFC 9126 section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.checks import Draft, choose_redirect_uri, judge
from django_oauth_server.authorization.sources.base import Arrival
from django_oauth_server.authorization.sources.gather import gather
from django_oauth_server.authorization.sources.pushed import (
    DEMAND,
    MEMBER,
    is_required,
    keep,
)
from django_oauth_server.authorization.turn import NOTHING_DONE
from django_oauth_server.clients.authentication import authenticate_client
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import PUSHED, Component, Document, Endpoint, Member, Sweep
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.pushed_requests import PushedRequestSettings
from django_oauth_server.endpoints.http import form_parameters, protocol_endpoint, refused_to
from django_oauth_server.endpoints.throttling import count
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.pushed_requests import expired_pushed
from django_oauth_server.storage.transaction import atomic
from django_oauth_server.tokens.bindings.base import Call, Possession, promises, shown_possession
from django_oauth_server.tokens.faults import check_row

_ALONE: Final = frozenset({"client_id", "request"})
"""What counts beside a request object: nothing else (RFC 9126 section 3)."""


class PushedAuthorizationRequests(Component):
    """A client leaves its request here, and sends the person with a reference to it."""

    name = "pushed_authorization_request_endpoint"
    endpoints = (Endpoint(PUSHED, "oauth/par", "django_oauth_server.endpoints.pushed.pushed"),)
    settings_name = "pushed_requests"
    settings_group = PushedRequestSettings
    throttles = {"pushed_requests": "120/m"}
    demands = {DEMAND: _("Clients push their authorization requests (RFC 9126).")}
    client_metadata = (
        Member(
            name=MEMBER,
            kind="flag",
            label=_("Require pushed requests"),
            help=_(
                "Whether the client must push its authorization requests to this server before sending people to it (RFC 9126)."
            ),
        ),
    )

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"pushed_authorization_request_endpoint": endpoint(PUSHED), MEMBER: is_required(settings)}

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(_("expired pushed requests"), expired_pushed(expired), by="expires_at")


@protocol_endpoint(cors=True)
def pushed(http: HttpRequest, issuer: Issuer) -> Answer:
    """Which client, does it ask for what it may, and which key does it say that it has."""
    params = form_parameters(http)
    params.refuse_repeated(but=issuer.components.read_at(PUSHED).repeatable)
    if "request_uri" in params:
        raise InvalidRequest("The parameter request_uri cannot be pushed (RFC 9126 section 2.1).")
    now = timezone.now()
    client = authenticate_client(http, params, issuer, find_client, now)
    with refused_to(client):
        check_row(client, issuer)
        if is_public(client, issuer):  # anybody can push in its name
            count("pushed_requests", "pushed requests", client, http, issuer, now)
        possession = shown_possession(Call(http, client, issuer, PUSHED, now))
        draft, signed = _draft(params, client, issuer, possession)
        asked = judge(draft)
        with atomic():
            possession.spend()
            reference = keep(draft, asked, signed=signed, now=now)
    lifetime = issuer.settings.group(PushedRequestSettings).lifetime
    told = {"request_uri": reference, "expires_in": int(lifetime.total_seconds())}
    return Answer(told, status=201, headers=possession.headers)


def _draft(params: Parameters, client: Client, issuer: Issuer, possession: Possession) -> tuple[Draft, bool]:
    """The request as it is to be judged, and whether the client signed it."""
    named = [pair for pair in params.pairs() if pair[0] != "client_id"]  # the header may have said it
    sent = Parameters([*named, ("client_id", client.client_id)]).only(
        _ALONE if "request" in params else issuer.components.read_at(PUSHED).parameters
    )
    gathered = gather(Arrival(sent, client, issuer, PUSHED), NOTHING_DONE)
    complete = _promising(gathered.params, promises(possession.confirmation, issuer))
    redirect_uri = choose_redirect_uri(complete, client, issuer)
    return Draft(complete, client, issuer, redirect_uri, PUSHED, gathered.came_from), gathered.turn.taken_up


def _promising(params: Parameters, proven: dict[str, str]) -> Parameters:
    """*params*, which say what was *proven*: the code will be bound to that (RFC 9449 section 10.1)."""
    for name, value in proven.items():
        if params.get(name, value) != value:
            raise InvalidRequest(f"The parameter {name} does not match the key that the request proves.")
    others = [(name, value) for name, value in params.pairs() if name not in proven]
    return Parameters([*others, *proven.items()])
