"""What a client may say of itself (RFC 7591 section 2): a table, from which forms, flags and registration are derived."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.component import Component, Member, Terms, Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import InvalidScope
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.jose import is_costly
from django_oauth_server.protocol.response_types import in_order
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.protocol.text import is_visible, unseen
from django_oauth_server.protocol.uris import RESPONSE_PARAMETERS, check_has_none_of, check_redirect_uri, check_web_uri

SIGNATURES: Final = ("_signing_alg", "_signed_response_alg")
"""How the names of members end that say how something is signed (RFC 7591 and its kin)."""
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")  # BCP 47
_LARGEST_NUMBER: Final = 2**31 - 1
_LONGEST_TEXT: Final = 200
_LONGEST_URI: Final = 2000
_MOST_ITEMS: Final = 100
_APPLICATION_TYPES: Final[Mapping[str, Words]] = {
    "web": gettext_lazy("Web application"),
    "native": gettext_lazy("Native application"),
}
_PRIVATE_JWK_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def terms_of(issuer: Issuer, profile: str = "") -> Terms:
    """By what the metadata of a client at *issuer* is judged, bound to *profile* where one is named."""
    return Terms(issuer.settings, issuer.components, issuer.policy_for(profile))


def members_of(terms: Terms) -> Mapping[str, Member]:
    """Every member that a client may have, by name."""
    return {member.name: member for component in terms.components for member in component.client_metadata}


def member_named(name: str, members: Mapping[str, Member]) -> Member | None:
    """The one of *members* that *name* says, in a language or not: `client_name#de` (RFC 7591 section 2.2)."""
    plain, tagged, tag = name.partition("#")
    member = members.get(plain)
    fits = not tagged or (member is not None and member.localized and _LANGUAGE.fullmatch(tag))
    return member if fits else None


def choices_of(member: Member, terms: Terms) -> Mapping[str, Words]:
    """What may be chosen for *member*, and the words for it."""
    if member.choices:
        return _permitted(member.name, member.choices(terms), terms)
    offered: dict[str, Words] = {}
    for component in terms.components:
        for value in component.offers().get(member.name, ()) if component.allowed(terms.policy) else ():
            if not component.operator_only or _may_have(value, member, terms):
                offered.setdefault(value, component.label or component.name)
    return offered


def _permitted(name: str, choices: Mapping[str, Words], terms: Terms) -> Mapping[str, Words]:
    """Of the algorithms of signatures, those that the policy permits."""
    if not name.endswith(SIGNATURES):
        return choices
    return {alg: choices[alg] for alg in terms.policy.algorithms(choices)}


def _may_have(privilege: str, member: Member, terms: Terms) -> bool:
    if terms.held is None:
        return True
    held = terms.held.get(member.name, ())
    return isinstance(held, Sequence) and privilege in held


def check_member(member: Member, value: object, terms: Terms) -> None:
    """Raise ValueError, with the rule and what would pass, unless *value* may stand for *member*."""
    _SHAPES[member.kind](value)
    items = value if isinstance(value, list) else [value]
    if member.kind in {"choice", "choices", "scope"}:
        _check_choices(parse_scope(str(value)) if member.kind == "scope" else items, member, terms)
    if member.check:
        for item in items:
            member.check(item, terms)


def _check_choices(values: Iterable[object], member: Member, terms: Terms) -> None:
    choices = choices_of(member, terms)
    for value in values:
        if value not in choices:
            offered = ", ".join(choices) or _("nothing")
            raise ValueError(
                _("%(value)r is not offered here. Offered: %(offered)s.") % {"value": value, "offered": offered}
            )


def check_text(value: object) -> None:
    """Raise ValueError, with the rule, unless *value* is a text that is safe to show and to log."""
    if not isinstance(value, str):
        raise ValueError(_("It must be a string."))
    if char := unseen(value):
        raise ValueError(
            _(
                "It must not contain invisible characters or more than four combining marks on one letter. Remove "
                "U+%(code)s."
            )
            % {"code": f"{ord(char):04X}"}
        )
    if len(value) > _LONGEST_URI:
        raise ValueError(_("It must have at most %(most)d characters.") % {"most": _LONGEST_URI})


def _is_texts(value: object) -> None:
    if not isinstance(value, list):
        raise ValueError(_("It must be a list of strings."))
    if len(value) > _MOST_ITEMS:
        raise ValueError(_("It must have at most %(most)d items.") % {"most": _MOST_ITEMS})
    if len({str(item) for item in value}) < len(value):
        raise ValueError(_("It must not contain duplicates."))
    for item in value:
        check_text(item)


def _is_scope(value: object) -> None:
    check_text(value)
    try:
        parse_scope(str(value))
    except InvalidScope as exc:
        raise ValueError(exc.description) from exc


def _is_flag(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(_("It must be true or false."))


def _is_number(value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(_("It must be a whole number greater than or equal to 0."))
    if value > _LARGEST_NUMBER:
        raise ValueError(_("It must be at most %(most)d.") % {"most": _LARGEST_NUMBER})


def _is_json(value: object) -> None:
    if not isinstance(value, dict):
        raise ValueError(_("It must be a JSON object."))


_SHAPES: Final[Mapping[str, Callable[[object], None]]] = {
    "text": check_text,
    "uri": check_text,
    "choice": check_text,
    "scope": _is_scope,
    "uris": _is_texts,
    "choices": _is_texts,
    "texts": _is_texts,
    "flag": _is_flag,
    "number": _is_number,
    "json": _is_json,
}


def _check_short(value: object, terms: Terms) -> None:
    if len(str(value)) > _LONGEST_TEXT:
        raise ValueError(_("It must have at most %(most)d characters.") % {"most": _LONGEST_TEXT})


def _check_name(value: object, terms: Terms) -> None:
    """People are to see who asks them."""
    _check_short(value, terms)
    if not is_visible(str(value)):
        raise ValueError(_("It must contain at least one visible character."))


def check_redirection(uri: str, terms: Terms) -> None:
    """Raise ValueError, with the rule, unless a client may send people to *uri*, by its policy and the settings."""
    check_redirect_uri(
        uri,
        allow_http=terms.policy.allow_http_redirect_uris,
        private_schemes=terms.settings.private_use_schemes,
    )


def _check_redirect_uri(value: object, terms: Terms) -> None:
    if "*" in str(value):
        raise ValueError(
            _("%(uri)s: redirect URIs must match exactly, so they can't contain a *. Enter each one in full.")
            % {"uri": value}
        )
    try:
        check_redirection(str(value), terms)
        check_has_none_of(RESPONSE_PARAMETERS, str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


def _check_web_uri(value: object, terms: Terms) -> None:
    try:
        check_web_uri(str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


def check_https_uri(value: object, terms: Terms) -> None:
    """Raise ValueError, with the rule, unless *value* is an https address, on loopback as anywhere."""
    _check_web_uri(value, terms)
    if urlsplit(str(value)).scheme != "https":
        raise ValueError(_("It must be an https URL."))


def _check_jwks(value: object, terms: Terms) -> None:
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) and "kty" in key for key in keys):
        raise ValueError(_('It must be a JWK Set, {"keys": [...]} (RFC 7517 section 5).'))
    if any(_PRIVATE_JWK_MEMBERS.intersection(key) for key in keys):
        raise ValueError(_("It contains a private or symmetric key. Register public keys only, and replace this key."))
    if any(is_costly(key) for key in keys):
        raise ValueError(
            _(
                "It contains an RSA key that is too large. The modulus may have at most 8192 bits, the exponent at "
                "most 32."
            )
        )


def _scopes(terms: Terms) -> Mapping[str, Words]:
    return {name: one if isinstance(one, str) else one.description for name, one in terms.settings.scopes.items()}


def _resources(terms: Terms) -> Mapping[str, Words]:
    named = {name: one if isinstance(one, str) else one.name for name, one in terms.settings.resources.items()}
    return {terms.settings.default_resource: terms.settings.name, **named}


class ClientMetadata(Component):
    """The members of RFC 7591 section 2; what kind of application it is (OpenID Connect Dynamic Client Registration section 2), which OAuth
    clients say too; and one of our own for resource servers."""

    name = "client_metadata"
    client_metadata = (
        Member(
            name="client_name",
            kind="text",
            purpose="identity",
            label=gettext_lazy("Name"),
            help=gettext_lazy("Name that people see when they are asked to allow the app."),
            localized=True,
            check=_check_name,
        ),
        Member(
            name="redirect_uris",
            kind="uris",
            purpose="redirects",
            label=gettext_lazy("Redirect URIs"),
            help=gettext_lazy(
                "Allowed redirect URIs, one per line. They must match exactly. Use https, http on a loopback "
                "address, or a private-use scheme."
            ),
            check=_check_redirect_uri,
        ),
        Member(
            name="token_endpoint_auth_method",
            kind="choice",
            purpose="keys",
            required=True,
            label=gettext_lazy("Authentication"),
            help=gettext_lazy(
                "How the client authenticates. Apps in a browser, on a phone or on a desktop cannot keep a "
                "secret: choose none."
            ),
        ),
        Member(
            name="grant_types",
            kind="choices",
            purpose="tokens",
            label=gettext_lazy("Grant types"),
            help=gettext_lazy("Grant types this client may use. Select none for an API that only introspects tokens."),
        ),
        Member(
            name="response_types",
            kind="choices",
            purpose="tokens",
            label=gettext_lazy("Response types"),
            help=gettext_lazy(
                "Response types this client may request. Leave blank for those that match its grant types."
            ),
            spelling=in_order,
        ),
        Member(
            name="scope",
            kind="scope",
            purpose="tokens",
            label=gettext_lazy("Scope"),
            help=gettext_lazy(
                "Scopes this client may request. Leave blank for the default scopes. If the issuer has no "
                "default scopes, the client can't request a token."
            ),
            choices=_scopes,
        ),
        Member(
            name="application_type",
            kind="choice",
            purpose="redirects",
            label=gettext_lazy("Application type"),
            help=gettext_lazy("Web applications run on a server, native applications on a person's own device."),
            choices=lambda terms: _APPLICATION_TYPES,
        ),
        Member(
            name="client_uri",
            kind="uri",
            purpose="identity",
            label=gettext_lazy("Home page"),
            help=gettext_lazy("URL of a page about the app. It is linked from the consent page."),
            localized=True,
            check=_check_web_uri,
        ),
        Member(
            name="logo_uri",
            kind="uri",
            purpose="identity",
            label=gettext_lazy("Logo"),
            help=gettext_lazy("URL of the app's logo."),
            localized=True,
            check=_check_web_uri,
        ),
        Member(
            name="tos_uri",
            kind="uri",
            purpose="identity",
            label=gettext_lazy("Terms of service"),
            help=gettext_lazy("URL of the app's terms of service. It is linked from the consent page."),
            localized=True,
            check=_check_web_uri,
        ),
        Member(
            name="policy_uri",
            kind="uri",
            purpose="identity",
            label=gettext_lazy("Privacy policy"),
            help=gettext_lazy("URL of the app's privacy policy. It is linked from the consent page."),
            localized=True,
            check=_check_web_uri,
        ),
        Member(
            name="contacts",
            kind="texts",
            purpose="identity",
            label=gettext_lazy("Contacts"),
            help=gettext_lazy(
                "Who is responsible for the app, usually email addresses. They are shown on the consent page."
            ),
            check=_check_short,
        ),
        Member(
            name="jwks_uri",
            kind="uri",
            purpose="keys",
            label=gettext_lazy("JWK Set URL"),
            help=gettext_lazy("URL of the client's public keys (RFC 7517). Enter either this or the JWK Set itself."),
            check=_check_web_uri,
        ),
        Member(
            name="jwks",
            kind="json",
            purpose="keys",
            label=gettext_lazy("JWK Set"),
            help=gettext_lazy(
                "The client's public keys as a JWK Set, "
                '{"keys": [...]} (RFC 7517), if it cannot publish them at a URL.'
            ),
            check=_check_jwks,
        ),
        Member(
            name="software_id",
            kind="text",
            purpose="identity",
            label=gettext_lazy("Software ID"),
            help=gettext_lazy("Identifier shared by all installations of the same software."),
            check=_check_short,
        ),
        Member(
            name="software_version",
            kind="text",
            purpose="identity",
            label=gettext_lazy("Software version"),
            help=gettext_lazy("Version of the software."),
            check=_check_short,
        ),
        Member(
            name="resource_identifiers",
            kind="choices",
            purpose="tokens",
            label=gettext_lazy("Resources"),
            help=gettext_lazy("Resources this client serves. It may introspect tokens issued for them."),
            choices=_resources,
            operator_only=True,
        ),
    )

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if settings.tightened.allow_http_redirect_uris:
            yield Warning(
                f"{settings.issuer} lets clients register http redirect URIs, so codes are sent unencrypted (RFC 9700 section 2.6).",
                id="oauth_server.W005",
            )
