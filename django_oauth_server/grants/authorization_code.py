"""The authorization code grant (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.engine import ClientFacts, CodeFacts, judge_code
from django_oauth_server.errors import InvalidGrant
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.grants.confirmation import check_promise
from django_oauth_server.grants.predecessor import Predecessor
from django_oauth_server.models import Ticket
from django_oauth_server.protocol.opaque import is_one
from django_oauth_server.storage.tickets import find_ticket, redeemed
from django_oauth_server.storage.tokens import revoke_family


class AuthorizationCode(GrantType):
    """Proves that the person who allowed it handed this client a code."""

    name = "authorization_code"
    asks_person = True
    label = _("Authorization code")
    parameters = frozenset({"grant_type", "code", "redirect_uri", "code_verifier"})
    refreshes = True

    def redeem(self, request: TokenRequest) -> Issuance:
        """A code is spent by what is stored for it, so a failed attempt leaves it to its owner; a replay that proves everything takes back
        what the code bought (OAuth 2.1 section 7.5.2)."""
        ticket = _find(request.params.require("code"), request)
        request = request.beside(ticket)
        facts = _facts(ticket, _refusal(ticket, request))
        person = ticket.authorization.user if ticket and ticket.authorization else None
        client = client_facts(request.client, request.issuer, (self.name,), person)
        judge_code(request.params, client, facts)
        assert ticket is not None
        check_promise(ticket.payload, request.confirmation)
        if ticket.redeemed_at:
            take_back = partial(revoke_family, ticket, request.now)
            raise InvalidGrant("The code was redeemed before.", aftermath=take_back)
        return _issuance(ticket, request, client)


def _find(code: str, request: TokenRequest) -> Ticket | None:
    """The code; one that a predecessor handed out is one of ours from now on."""
    if ticket := find_ticket(Ticket.Kind.AUTHORIZATION_CODE, code):
        return ticket
    predecessors = () if is_one(code) else request.issuer.components.of(Predecessor).values()
    if any(one.adopt_code(code, request.issuer, request.now) for one in predecessors):
        return find_ticket(Ticket.Kind.AUTHORIZATION_CODE, code)
    return None


def _refusal(ticket: Ticket | None, request: TokenRequest) -> str:
    if ticket is None:
        return "unknown code"
    if not request.is_of_its_client(ticket):
        return "another client's code"
    if is_public(request.client, request.issuer) and not ticket.payload.get("code_challenge"):
        return "a code that nothing proves: handed out when the client had a secret"
    return "expired code" if _has_lapsed(ticket, request.now) else ""


def _has_lapsed(ticket: Ticket, now: datetime) -> bool:
    """Whether nobody redeemed it in time. One that was redeemed still tells of a replay, however late."""
    return ticket.redeemed_at is None and now >= ticket.expires_at


def _facts(ticket: Ticket | None, refusal: str) -> CodeFacts:
    asked: Mapping[str, str] = ticket.payload if ticket else {}
    return CodeFacts(
        refusal=refusal,
        redirect_uri=asked.get("redirect_uri", ""),
        redirect_uri_was_sent=bool(asked.get("redirect_uri_was_sent")),
        code_challenge=asked.get("code_challenge", ""),
        code_challenge_method=asked.get("code_challenge_method", ""),
    )


def _issuance(ticket: Ticket, request: TokenRequest, client: ClientFacts) -> Issuance:
    """Of the scopes that were allowed those that the client has still, and the person has not taken back meanwhile."""
    authorization = ticket.authorization
    assert authorization is not None
    if reason := authorization.ended_by(password_change_revokes=request.issuer.settings.password_change_revokes):
        raise InvalidGrant("The code is no longer valid.", detail=reason)
    return Issuance(
        client=request.client,
        authorization=authorization,
        scopes=frozenset(ticket.payload["scopes"]).intersection(client.scopes, authorization.scopes),
        allowed=client.scopes,
        resources=tuple(ticket.payload["resources"]),
        facts=ticket.payload.get("facts", {}),
        nonce=ticket.payload.get("nonce", ""),
        family=ticket.family,
        spends=redeemed(ticket, request.now),
    )
