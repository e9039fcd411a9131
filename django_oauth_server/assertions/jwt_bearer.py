"""The JWT bearer grant (RFC 7523 section 2.1), and with it the Identity Assertion JWT Authorization Grant: an issuer elsewhere allows a client to act
for one of its people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from textwrap import shorten
from typing import ClassVar, Final
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.assertions.judge import Assertion, NotAccepted, judged, trusted_issuer_of
from django_oauth_server.assertions.people import Meant, person_meant
from django_oauth_server.assertions.workloads import acts_for_itself
from django_oauth_server.clients.facts import client_facts
from django_oauth_server.component import Document, Words
from django_oauth_server.conf import IssuerSettings, People
from django_oauth_server.conf.trusted_issuers import ID_JAG, TrustedIssuersSettings
from django_oauth_server.engine import judge_scopes
from django_oauth_server.errors import InvalidGrant, InvalidScope, InvalidTarget
from django_oauth_server.grants.allow import record_consent
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.models import Authorization
from django_oauth_server.models.authorization import VOUCHED_BY
from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.storage.linked_identities import end_if_unlinked, facts_of, has_email
from django_oauth_server.storage.presented import spend
from django_oauth_server.storage.transaction import after_commit
from django_oauth_server.tokens.narrow import known_resources

PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"
_ID_JAG_RULE: Final = "draft-ietf-oauth-identity-assertion-authz-grant section 4.4.1"
_OF_THE_ISSUER: Final = "trusted_issuers: people.scopes"
_OF_THE_ASSERTION: Final = "trusted_issuers: {} of the assertion"
_MOST_TOLD: Final = 200


class JWTBearer(GrantType):
    """Proves that an issuer which is trusted vouches for a person, and lets this client act for them; or for the client itself, a workload.

    The assertion is verified before the transaction, since its issuer may have to be asked for its keys. What it allows is kept as an
    authorization of its own, beside what the person themselves allowed: it never widens that.
    """

    name = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    label = gettext_lazy("Assertion of a trusted issuer (no person is asked)")
    parameters = frozenset({"grant_type", "assertion", "client_assertion", "scope", "resource"})
    repeatable = frozenset({"resource"})
    client_auth = "required"
    operator_only = True
    writes = True
    settings_name = "trusted_issuers"
    settings_group = TrustedIssuersSettings
    fact: ClassVar[str] = VOUCHED_BY

    def enabled(self, settings: IssuerSettings) -> bool:
        return any(one.people or one.workloads for one in settings.group(TrustedIssuersSettings).issuers)

    def in_words(self, value: object, user: AbstractBaseUser) -> Words:
        return _("Allowed by %(issuer)s") % {"issuer": urlsplit(str(value)).netloc or value}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        takes_id_jag = any(ID_JAG in people.types for people in _people(settings))
        profiles = {"authorization_grant_profiles_supported": [PROFILE]} if takes_id_jag else {}
        return {**super().metadata(endpoint, settings), **profiles}

    def prepare(self, request: TokenRequest) -> TokenRequest:
        token = request.params.require("assertion")
        if acts_for_itself(request):
            return request
        try:
            trusted = trusted_issuer_of(token, request.issuer)
            if trusted.people is None:
                raise NotAccepted(
                    "The issuer of the assertion is not trusted with people.",
                    rule="trusted_issuers",
                    detail=f"{trusted.issuer}: people",
                )
            algs = request.policy.algorithms(ALGORITHMS)
            assertion = judged(token, trusted, request.issuer, algs, trusted.people.types, request.now)
            _check_profile(assertion, request)
        except NotAccepted as exc:
            raise _invalid_grant(exc) from exc
        return replace(request, prepared=assertion)

    def redeem(self, request: TokenRequest) -> Issuance:
        assertion = request.prepared
        if assertion is None:
            return _for_itself(request)
        assert isinstance(assertion, Assertion)
        people = assertion.trusted.people
        assert people is not None
        try:
            meant = person_meant(assertion, people, request.now)
            scopes = _scopes(assertion, people, request, meant.user)
            resources = _resources(assertion, request)
            authorization = _recorded(assertion, meant, scopes, resources, request)
            _use(assertion, people, request)
        except NotAccepted as exc:
            raise _invalid_grant(exc) from exc
        return Issuance(client=request.client, authorization=authorization, scopes=scopes, resources=resources)

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        for one in settings.group(TrustedIssuersSettings).issuers:
            if one.people:
                for words, hint in _mistakes(one.issuer, one.people, settings):
                    yield Error(f"trusted_issuers of {settings.issuer}: {words}", hint=hint, id="oauth_server.E020")


def _for_itself(request: TokenRequest) -> Issuance:
    """As the client credentials grant: a workload has proven to be this client, and nothing about anybody else."""
    facts = client_facts(request.client, request.issuer, (JWTBearer.name,))
    scopes = judge_scopes(request.params, replace(facts, default_scopes=tuple(facts.scopes)))
    return Issuance(client=request.client, scopes=frozenset(scopes), resources=None)


def _people(settings: IssuerSettings) -> Iterator[People]:
    return (one.people for one in settings.group(TrustedIssuersSettings).issuers if one.people)


def _mistakes(name: str, people: People, settings: IssuerSettings) -> Iterator[tuple[str, str]]:
    if name == settings.issuer:
        yield (
            f"{name} trusts itself, so an assertion could widen what its own tokens allow.",
            "Remove it: an issuer never accepts an ID-JAG that it issued (section 7.3 of the draft).",
        )
    if unknown := sorted({*people.scopes} - settings.scopes.keys()):
        yield (
            f"{name} may bring scopes that are not offered: {', '.join(unknown)}.",
            'Correct "scopes" of its people, or add them to "scopes" of the issuer.',
        )
    if people.by_email and not has_email():
        yield f"by_email of {name} needs a user model with an email address.", "Set by_email to False."
    try:
        if people.find:
            import_string(people.find)
    except ImportError as exc:
        yield f"find of {name} names {people.find!r}, which cannot be imported: {exc}", "Correct the dotted path."


def _check_profile(assertion: Assertion, request: TokenRequest) -> None:
    """What an assertion says of the client, and of the key that it is for, holds in every profile; an ID-JAG has to say more of it."""
    claims, is_id_jag = assertion.claims, assertion.typ == ID_JAG
    for reason in (*(_why_no_id_jag(claims, request) if is_id_jag else ()), *_faults(claims, request)):
        rule = _ID_JAG_RULE if is_id_jag else "RFC 7523 section 3"
        raise NotAccepted(f"The assertion is not valid: {reason}.", rule=rule, detail=assertion.trusted.issuer)


def _why_no_id_jag(claims: Mapping[str, object], request: TokenRequest) -> Iterator[str]:
    for name in ("client_id", "jti", "iat"):
        if name not in claims:
            yield f"an ID-JAG must have {name}"
    if claims.get("aud") not in (request.issuer.settings.issuer, [request.issuer.settings.issuer]):
        yield "the aud of an ID-JAG must be the issuer identifier of this server"


def _faults(claims: Mapping[str, object], request: TokenRequest) -> Iterator[str]:
    if claims.get("client_id", request.client.client_id) != request.client.client_id:
        yield "its client_id is not the client that authenticated"
    if claims.get("authorization_details"):
        yield "it has authorization_details, which this server does not support"
    bound_to = claims.get("cnf", {})
    if not isinstance(bound_to, Mapping) or not bound_to.items() <= request.confirmation.items():
        yield "it is bound to a key, and the request does not prove possession of that key"


def _scopes(assertion: Assertion, people: People, request: TokenRequest, user: AbstractBaseUser) -> frozenset[str]:
    """What is asked for, within what the assertion, its issuer and the client may bring. Where nothing is asked for: what the assertion says."""
    said, issuer = _said_scopes(assertion), assertion.trusted.issuer
    facts = client_facts(request.client, request.issuer, (JWTBearer.name,), user)
    allowed = frozenset(facts.scopes).intersection(people.scopes, people.scopes if said is None else said)
    asked = parse_scope(request.params.get("scope", ""))
    for bound, rule, why in (
        (said, _OF_THE_ASSERTION.format("scope"), "which the assertion does not allow"),
        (people.scopes, _OF_THE_ISSUER, "which assertions of its issuer cannot bring"),
    ):
        if bound is not None and (beyond := _listed(scope for scope in asked if scope not in bound)):
            raise InvalidScope(
                f"The parameter scope asks for {beyond}, {why}.",
                detail=f"{issuer}: beyond {_listed(sorted(bound))!r}: {beyond}",
                rule=rule,
            )
    if said is not None and not allowed:
        raise InvalidScope(
            "None of the scopes of the assertion can be granted to this client.",
            detail=f"{issuer}: scope {_listed(sorted(said))!r}; its people may bring {_listed(people.scopes)!r}",
            parameter="assertion",
            rule=_OF_THE_ISSUER if said.isdisjoint(people.scopes) else "",
        )
    default = facts.default_scopes if said is None else sorted(allowed)
    bounded = replace(facts, scopes=allowed, default_scopes=tuple(one for one in default if one in allowed))
    return frozenset(judge_scopes(request.params, bounded))


def _listed(scopes: Iterable[str]) -> str:
    return shorten(" ".join(scopes), _MOST_TOLD, placeholder="...")


def _said_scopes(assertion: Assertion) -> frozenset[str] | None:
    """RFC 6749 section 3.3. None: the assertion does not limit them."""
    scope = assertion.claims.get("scope")
    if scope is None:
        return None
    if not isinstance(scope, str):
        raise NotAccepted(
            "The assertion is not valid: its scope is not a string.", rule=_ID_JAG_RULE, detail=assertion.trusted.issuer
        )
    return frozenset(parse_scope(scope))


def _resources(assertion: Assertion, request: TokenRequest) -> tuple[str, ...]:
    """Those that the assertion is for (RFC 8707 section 2), of those that are known here; else what the client asks for."""
    said = assertion.claims.get("resource")
    if said is None:
        return known_resources(request.params.every("resource"), request.issuer)
    named = said if isinstance(said, list) else [said]
    known = [request.issuer.settings.resource_named(one) for one in named if isinstance(one, str)]
    if not any(known):
        raise InvalidTarget(
            "The assertion is for a resource that this server does not know.",
            detail=f"{assertion.trusted.issuer}: resource {repr(said)[:_MOST_TOLD]}",
            parameter="assertion",
            rule=_OF_THE_ASSERTION.format("resource"),
        )
    return tuple(dict.fromkeys(filter(None, known)))


def _recorded(
    assertion: Assertion,
    meant: Meant,
    scopes: frozenset[str],
    resources: tuple[str, ...],
    request: TokenRequest,
) -> Authorization:
    """What the issuer allows the client, for the person to see and to end. The next assertion allows it anew."""
    facts, issuer = facts_of(assertion.trusted.issuer), request.issuer
    found = live_authorization(request.client, meant.user, facts)
    audience = resources or (issuer.settings.default_resource,)
    recorded = record_consent(found, request.client, meant.user, scopes, audience, issuer, request.now, facts=facts)
    if meant.identity and recorded is not found:
        after_commit(partial(end_if_unlinked, meant.identity, recorded, request.now))
    return recorded


def _use(assertion: Assertion, people: People, request: TokenRequest) -> None:
    """RFC 7523 section 3, item 7: last, so that what is refused can be presented again."""
    of = ("trusted_issuer", str(request.issuer), assertion.trusted.issuer, assertion.jti)
    if people.single_use and assertion.jti and not spend(*of, expires_at=assertion.expires_at):
        raise NotAccepted(
            "The assertion was used before.", rule="RFC 7523 section 3, item 7", detail=assertion.trusted.issuer
        )


def _invalid_grant(exc: NotAccepted) -> InvalidGrant:
    return InvalidGrant(exc.reason, detail=f"{exc.reason} {exc.detail}".strip(), parameter="assertion", rule=exc.rule)
