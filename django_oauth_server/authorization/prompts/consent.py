"""Do you allow it?"""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import AbstractBaseUser
from django.http import QueryDict

from django_oauth_server.authorization.describe import (
    describe_access,
    describe_changes,
    describe_client,
    describe_duration,
    in_groups,
    resource_name,
    why_unproven,
)
from django_oauth_server.authorization.prompts.base import Place, Prompt, Situation, facts_in_words
from django_oauth_server.authorization.prompts.waiting import wait
from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.response_modes.base import Page
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.clients.presentation import changes, fingerprint, is_on_devices
from django_oauth_server.errors import AccessDenied, ConsentRequired
from django_oauth_server.grants.allow import declined


class Consent(Prompt):
    """Needed for what was not allowed yet, where the client asks for it, and where nothing proves who the client is. An operator may excuse a
    client from it, but not from a box that the person cleared."""

    name = "consent"
    place = Place.CONSENT
    value = "consent"
    refusal = ConsentRequired

    def needed(self, situation: Situation) -> bool:
        request, remembered = situation.request, situation.remembered
        if situation.turn.allowed is not None and situation.turn.shown == _shown(request):
            return False
        if "consent" in request.prompts or _is_unproven(situation):
            return True
        if request.client.skip_consent:
            return not declined(remembered, request.issuer).isdisjoint(request.scopes)
        return situation.covered is None or bool(changes(situation.covered, request.client))

    def ask(self, situation: Situation) -> Page:
        request, issuer = situation.request, situation.request.issuer
        assert isinstance(situation.user, AbstractBaseUser)
        remembered, (label, destination) = situation.remembered, situation.pending.destination
        asked = describe_access(request.scopes, request.further_claims, issuer, known=remembered)
        new = [one for one in asked if one["new"]]
        return Page(
            "oauth_server/consent.html",
            {
                "issuer_name": issuer.settings.name,
                "client": describe_client(request.client, issuer),
                "destination_label": label,
                "destination": destination,
                "unproven": why_unproven(request.client, proves_itself=situation.pending.proves_client),
                "warning": situation.pending.warning,
                "can_be_impersonated": is_on_devices(request.client) or not situation.pending.proves_client,
                "changes": describe_changes(changes(remembered, request.client)) if remembered else [],
                "account": situation.user.get_username(),
                "facts": facts_in_words(situation.facts, situation.user, issuer),
                "groups": in_groups(new or asked),
                "known": [one for one in asked if not one["new"]] if new else [],
                "nothing_new": remembered is not None and not new,
                "has_optional": any(one["optional"] for one in asked),
                "resources": [resource_name(identifier, issuer) for identifier in request.resources],
                "duration": describe_duration(request.client, issuer),
                "connected_apps_url": issuer.url_path("connected_apps"),
                "decision_url": issuer.url_path("decision"),
                "handle": wait(replace(situation, turn=situation.turn.showing(_shown(request))), self.name),
            },
            script=True,
            leads_away=True,
        )

    def answer(self, situation: Situation, form: QueryDict) -> Turn | None:
        """Raises `AccessDenied` where the person left no scope ticked."""
        if form.get("decision") != "allow":
            return None
        scopes = _chosen(situation.request, form.getlist("scope"))
        if not scopes:
            raise AccessDenied("The person did not allow any of the scopes.")
        assert isinstance(situation.user, AbstractBaseUser)
        return situation.turn.allowing(scopes, by=situation.user)


def _shown(request: AuthorizationRequest) -> str:
    """What the person judges by, as it is now."""
    return fingerprint(request.client, request.further_claims)


def _chosen(request: AuthorizationRequest, ticked: list[str]) -> tuple[str, ...]:
    """What the person left ticked; what is not optional was never a choice (RFC 6749 section 3.3)."""
    optional = request.issuer.settings.optional_scopes
    return tuple(name for name in request.scopes if name not in optional or name in ticked)


def _is_unproven(situation: Situation) -> bool:
    """OAuth 2.1 section 7.3.1: no silent approval for a public client that anybody on the device could pretend to be."""
    return situation.request.policy.require_consent_of_unproven_clients and not situation.pending.proves_client
