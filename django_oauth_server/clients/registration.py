"""Registering a client (RFC 7591): is what it says of itself sound, and what is it given?"""

from __future__ import annotations

import unicodedata
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from django_oauth_server.clients.grant_types import RegistrableGrant
from django_oauth_server.clients.metadata import (
    check_member,
    check_text,
    choices_of,
    member_named,
    members_of,
    terms_of,
)
from django_oauth_server.clients.methods.assertion import AssertionMethod
from django_oauth_server.clients.methods.base import ClientAuthMethod, registered_method
from django_oauth_server.clients.previews import MEMBER as PREVIEWS
from django_oauth_server.clients.secrets import (
    forget_clear_secrets,
    forget_former_secret,
    forget_secrets,
    set_secret,
    signs_with_secret,
    supersede_secret,
)
from django_oauth_server.clients.sectors import check_sector
from django_oauth_server.component import Document, Member, Terms
from django_oauth_server.errors import InvalidClientMetadata, InvalidRedirectUri
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.jose import CONTENT_ENCRYPTION, EncryptionKeySet, encrypt
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.opaque import CLIENT_SECRET, generate
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.protocol.uris import is_loopback, origin, proves_identity
from django_oauth_server.storage.clients import ClientExists, add_client, foreign_secret_of, replace_secret
from django_oauth_server.storage.people import find_person

logger = get_log("django_oauth_server")

_LONGEST_CLIENT_ID: Final = 255
_SHORTEST_KEY: Final = 32
_MOST_LANGUAGES: Final = 50
_NARROWED: Final = frozenset({"grant_types", "response_types", "scope"})
"""Members of which a client that registers itself is given what there is."""

Refusals = Mapping[str, str]
"""From the name of a member to the rule that it breaks, and what would pass."""


def validate(
    document: Document, terms: Terms, *, operator: bool = False, before: Document = MappingProxyType({})
) -> dict[str, object]:
    """*document* with its defaults written out. Raises `InvalidClientMetadata` or `InvalidRedirectUri` for the first member that is refused."""
    metadata, refusals = review(document, terms, operator=operator, before=before)
    for member, rule in refusals.items():
        raise (InvalidRedirectUri if member == "redirect_uris" else InvalidClientMetadata)(member, rule)
    return metadata


def review(
    document: Document, terms: Terms, *, operator: bool, before: Document = MappingProxyType({})
) -> tuple[dict[str, object], Refusals]:
    """*document*, which replaces what was registered *before*, with its defaults written out, and all that is wrong with it.

    Members that nobody knows, and privileges, are left out in silence (RFC 7591 section 2), and so are grant types, response types and scopes that
    are not to be had, as long as others are left (section 3.2.1: the answer says what was registered), and items of a list that are empty or there
    already. An *operator* is told.
    """
    members = members_of(terms)
    said = document if operator else {name: _each_once(value) for name, value in document.items()}
    given = {name: value for name, value in said.items() if not _is_absent(name, value)}
    known = {name: member for name in given if (member := member_named(name, members))}
    refusals = {name: _unknown(name, members) for name in given if name not in known} if operator else {}
    given = {
        name: _spelled(member, given[name]) for name, member in known.items() if operator or not member.operator_only
    }
    if not operator:
        given = {name: _offered(known[name], value, terms) for name, value in given.items()}
        given |= _usable(given, terms)
    for name, value in given.items():
        try:
            check_member(known[name], value, terms)
        except ValueError as exc:
            refusals[name] = str(exc)
    given |= {name: value for name, value in (terms.held or {}).items() if _is_privilege(name, members)}
    if refusals:
        return given, refusals
    metadata = _complete(given, terms)
    broken = {member: rule for check in RULES for member, rule in check(metadata, terms)}
    return metadata, broken or dict(check_sector(metadata, terms, before))


def check_first_party(metadata: Document, terms: Terms) -> None:
    """Raise `InvalidClientMetadata` where nothing would prove who gets what a person was not asked to allow (OAuth 2.1 section 7.3.1)."""
    unproven = [uri for uri in _strings(metadata, "redirect_uris") if not proves_identity(uri)]
    unproven += _strings(metadata, PREVIEWS)
    if terms.policy.require_consent_of_unproven_clients and unproven and not _method(metadata, terms).confidential:
        raise InvalidClientMetadata(
            "skip_consent",
            _(
                "People must be asked for consent, because another app could impersonate this one: it has no "
                "secret, and its redirect URI %(uri)s does not prove its identity (OAuth 2.1 section 7.3.1). Use "
                "https redirect URIs only."
            )
            % {"uri": unproven[0]},
        )


def create_client(
    document: Document,
    issuer: Issuer,
    *,
    client_id: str = "",
    client_secret: str = "",
    profile: str = "",
    skip_consent: bool = False,
    access_token_format: str = "",
    owner: AbstractBaseUser | None = None,
) -> tuple[Client, str]:
    """A new client as an operator describes it, and its secret: *client_secret*, or one that is made; empty where its method needs none."""
    terms = terms_of(issuer, profile)
    metadata = validate(document, terms, operator=True)
    if skip_consent:
        check_first_party(metadata, terms)
    client = Client(
        issuer=issuer.settings.issuer,
        client_id=client_id or new_client_id(),
        metadata=metadata,
        profile=profile,
        skip_consent=skip_consent,
        access_token_format=access_token_format,
        owner_id=owner.pk if owner else None,
    )
    check_chosen_client_id(client.client_id)
    secret = _first_secret(client, client_secret, terms)
    try:
        add_client(client)
    except ClientExists as exc:
        raise InvalidClientMetadata(
            "client_id", _("%(client_id)r is already registered.") % {"client_id": client_id}
        ) from exc
    return client, secret


def revise_client(client: Client, metadata: Document, issuer: Issuer, *, client_secret: str = "") -> str:
    """Put *metadata*, which was reviewed, in place of what *client* registered, and *client_secret*, where an operator chooses it, in place of
    its secret. It is not saved yet.

    Returns a secret where the method needs one and there is none; where the method needs none, the secret is gone.
    """
    terms = terms_of(issuer, client.profile)
    before = registered_method(client, issuer)
    client.metadata = dict(metadata)
    if not _needs_secret(metadata, terms):
        forget_secrets(client)
        return _first_secret(client, client_secret, terms)
    if not _needs_clear_secret(metadata, terms):
        forget_clear_secrets(client)
    elif not client.encrypted_secret:  # a digest is all that there is of the present one
        forget_secrets(client)
    may_stay = (
        before and before.uses_secret and not _needs_clear_secret(metadata, terms)
    )  # of an adopted one there is a hash
    has_one = client.secret_digest or (may_stay and foreign_secret_of(client))
    return "" if has_one and not client_secret else _first_secret(client, client_secret, terms)


def new_client_id() -> str:
    """One that no person's id can be (OAuth 2.1 section 7.4)."""
    return uuid.uuid4().hex


def check_chosen_client_id(client_id: str) -> None:
    """Raise `InvalidClientMetadata` where an operator may not choose it for a new client: also an address, of which others would expect a document
    there to say whose it is (draft-ietf-oauth-client-id-metadata-document section 7.1)."""
    if client_id.lower().startswith("https://"):
        raise InvalidClientMetadata(
            "client_id",
            _("It must not begin with https://: such an ID is the address of a client ID metadata document."),
        )
    check_client_id(client_id)


def check_client_id(client_id: str) -> None:
    """Raise `InvalidClientMetadata` where no client may have it."""
    try:
        check_text(client_id)
    except ValueError as exc:
        raise InvalidClientMetadata("client_id", str(exc)) from exc
    if not client_id.isascii():
        raise InvalidClientMetadata("client_id", _("It must contain only ASCII characters (RFC 6749 appendix A.1)."))
    if len(client_id) > _LONGEST_CLIENT_ID:
        raise InvalidClientMetadata(
            "client_id", _("It must have at most %(most)d characters.") % {"most": _LONGEST_CLIENT_ID}
        )
    if client_id.isdigit():
        raise InvalidClientMetadata(
            "client_id",
            _(
                "A client ID that consists of digits only could be mistaken for a user (OAuth 2.1 section 7.4). "
                "Add a letter."
            ),
        )
    if find_person(client_id):
        raise InvalidClientMetadata(
            "client_id", _("This is already the identifier of a user (OAuth 2.1 section 7.4). Choose another one.")
        )


def new_secret(client: Client, issuer: Issuer, now: datetime, *, at_once: bool = False) -> str:
    """A new secret, which is not stored and cannot be shown again.

    The old one works until the setting `client_secret_overlap` has passed; *at_once*: no former secret works any more, as one has leaked.
    """
    secret = generate(CLIENT_SECRET)
    in_clear = _needs_clear_secret(client.metadata, terms_of(issuer, client.profile))
    supersede_secret(client, now + issuer.settings.client_secret_overlap)
    set_secret(client, secret, issuer.settings, in_clear=in_clear)
    if at_once:
        forget_former_secret(client)
    replace_secret(client)
    logger.warning("The secret of the client %s was replaced%s", client.client_id, " at once." if at_once else ".")
    return secret


def client_information(client: Client, secret: str = "") -> dict[str, object]:
    """The client information response (RFC 7591 section 3.2.1)."""
    issued: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
    }
    credentials = {"client_secret": secret, "client_secret_expires_at": 0} if secret else {}
    return issued | credentials | dict(client.metadata)


def uses_secret(client: Client, issuer: Issuer) -> bool:
    """Whether it has any use for a secret."""
    terms = terms_of(issuer, client.profile)
    known = client.token_endpoint_auth_method in terms.components.of(ClientAuthMethod)
    return known and _needs_secret(client.metadata, terms)


def _is_absent(name: str, value: object) -> bool:
    """Empty is absent, except that a client may have no grant types at all."""
    is_blank = isinstance(value, str) and not value.strip(" ")
    return value is None or is_blank or value == {} or (value == [] and name != "grant_types")


def _each_once(value: object) -> object:
    """*value*; of a list of texts, those that say something, each once."""
    if not isinstance(value, list) or not all(isinstance(one, str | None) for one in value):
        return value
    return [one for one in dict.fromkeys(value) if one]


def _spelled(member: Member, value: object) -> object:
    if member.kind == "scope" and isinstance(value, str):
        return " ".join(dict.fromkeys(one for one in value.split(" ") if one))
    if member.spelling is None or not isinstance(value, list):
        return value
    return [member.spelling(one) if isinstance(one, str) else one for one in value]


def _offered(member: Member, value: object, terms: Terms) -> object:
    """*value* without what is not offered. Where nothing would be left, or it is of another kind, it is judged as it is."""
    choices = choices_of(member, terms) if member.name in _NARROWED else {}
    if member.kind == "scope" and isinstance(value, str):
        return " ".join(one for one in value.split(" ") if one in choices) or value
    if choices and member.kind == "choices" and isinstance(value, list):
        return [one for one in value if not isinstance(one, str) or one in choices] or value
    return value


def _usable(given: Document, terms: Terms) -> dict[str, object]:
    """The grant types and response types of *given* without those for which it lacks what they need. Where none would be left, all are judged."""
    grant_types, response_types = _strings(given, "grant_types"), _strings(given, "response_types")
    needed = _response_types(terms)
    kept = [one for one in response_types if not grant_types or needed.get(one, frozenset()) <= {*grant_types}]
    usable = {
        "grant_types": [one for one in grant_types if _has_a_use(one, grant_types, kept, given, terms)],
        "response_types": kept,
    }
    return {name: values for name, values in usable.items() if values and _strings(given, name) == given[name]}


def _has_a_use(name: str, beside: list[str], response_types: list[str], given: Document, terms: Terms) -> bool:
    known = terms.components.of(RegistrableGrant)
    needs = {response_type for response_type, its in _response_types(terms).items() if name in its}
    if response_types and needs and needs.isdisjoint(response_types):
        return False
    if name == "refresh_token":
        return any(known[one].refreshes for one in beside if one in known)
    method = terms.components.of(ClientAuthMethod).get(str(given.get("token_endpoint_auth_method")))
    return not (method and not method.confidential and name in known and known[name].client_auth == "required")


def _is_privilege(name: str, members: Mapping[str, Member]) -> bool:
    return name in members and members[name].operator_only


def _unknown(name: str, members: Mapping[str, object]) -> str:
    close = get_close_matches(name, members, n=1)
    known = (
        _("Did you mean %(name)s?") % {"name": close[0]}
        if close
        else _("Known: %(names)s.") % {"names": ", ".join(members)}
    )
    return _("This is not a client metadata field.") + " " + known


def _complete(given: Document, terms: Terms) -> dict[str, object]:
    """RFC 7591 section 2 has the defaults; response types are those that fit the grant types (section 2.1)."""
    methods = choices_of(members_of(terms)["token_endpoint_auth_method"], terms)
    usual = "client_secret_basic" if "client_secret_basic" in methods else next(iter(methods), "")
    needed = [_response_types(terms).get(name, frozenset()) for name in _strings(given, "response_types")]
    defaults: dict[str, object] = {
        "token_endpoint_auth_method": usual,
        "grant_types": sorted(frozenset[str]().union(*needed)) or ["authorization_code"],
        "scope": format_scope(terms.settings.default_scopes),
    }
    metadata = defaults | dict(given)
    chosen = _strings(metadata, "grant_types")
    fitting = [name for name, needed in _response_types(terms).items() if needed and needed <= set(chosen)]
    return {"response_types": fitting} | metadata


def _response_types(terms: Terms) -> Mapping[str, frozenset[str]]:
    """Response types, with the grant types that each needs (RFC 7591 section 2.1)."""
    offers = [component.offers() for component in terms.components if component.allowed(terms.policy)]
    return {name: frozenset(offer["grant_types"]) for offer in offers for name in offer.get("response_types", ())}


def _grant_types(metadata: Document, terms: Terms) -> list[RegistrableGrant]:
    known = terms.components.of(RegistrableGrant)
    return [known[name] for name in _strings(metadata, "grant_types") if name in known]


def _method(metadata: Document, terms: Terms) -> ClientAuthMethod:
    return terms.components.of(ClientAuthMethod)[str(metadata["token_endpoint_auth_method"])]


def _needs_secret(metadata: Document, terms: Terms) -> bool:
    return _method(metadata, terms).uses_secret or signs_with_secret(metadata)


def _needs_clear_secret(metadata: Document, terms: Terms) -> bool:
    return _method(metadata, terms).needs_clear_secret or signs_with_secret(metadata)


def _strings(metadata: Document, name: str) -> list[str]:
    values = metadata.get(name, [])
    return [str(value) for value in values] if isinstance(values, list) else []


def _response_types_fit(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    chosen, grant_types = _strings(metadata, "response_types"), _strings(metadata, "grant_types")
    belongs = _response_types(terms)
    for response_type in chosen:
        if missing := belongs[response_type].difference(grant_types):
            words = {"response": response_type, "grant": ", ".join(sorted(missing))}
            yield "response_types", _("%(response)s requires the grant type %(grant)s (RFC 7591 section 2.1).") % words
    for grant_type in grant_types:
        needed = [response_type for response_type, its in belongs.items() if grant_type in its]
        if needed and not set(needed).intersection(chosen):
            words = {"response": " / ".join(needed), "grant": grant_type}
            yield "grant_types", _("%(grant)s requires the response type %(response)s (RFC 7591 section 2.1).") % words


def _redirect_uris_where_needed(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    registered = _strings(metadata, "redirect_uris") or _strings(metadata, PREVIEWS)
    if _strings(metadata, "response_types") and not registered:
        yield (
            "redirect_uris",
            _("At least one redirect URI is required (OAuth 2.1 section 2.3)."),
        )


def _redirect_uris_fit_the_application(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    """OpenID Connect Dynamic Client Registration section 2; without a type, it is one on the web. A native application may be answered at an https
    address that it claims (RFC 8252 section 7.2), which proves more than the others do."""
    is_native = metadata.get("application_type") == "native"
    is_web = terms.settings.is_openid and not is_native and "implicit" in _strings(metadata, "grant_types")
    for uri in _strings(metadata, "redirect_uris"):
        if is_native and uri.startswith("http:") and not is_loopback(uri):
            yield (
                "redirect_uris",
                _("%(uri)s: a native application must use https, a private-use scheme, or http on a loopback address.")
                % {"uri": uri},
            )
        if is_web and not proves_identity(uri):
            yield (
                "redirect_uris",
                _("%(uri)s: the implicit grant requires an https URI that is not on localhost.") % {"uri": uri},
            )


def _public_clients_prove_nothing(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if _method(metadata, terms).confidential:
        return
    for grant_type in _grant_types(metadata, terms):
        if grant_type.client_auth == "required":
            yield (
                "grant_types",
                _("A public client cannot use %(grant)s (OAuth 2.1 section 4.2).") % {"grant": grant_type.name},
            )
    if _strings(metadata, "resource_identifiers"):
        yield "resource_identifiers", _("A public client cannot introspect tokens (RFC 7662 section 2.1).")


def _refreshing_follows_something(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    refreshing = [
        name
        for name, one in terms.components.of(RegistrableGrant).items()
        if one.refreshes and one.allowed(terms.policy)
    ]
    if "refresh_token" in _strings(metadata, "grant_types") and not set(refreshing).intersection(
        _strings(metadata, "grant_types")
    ):
        yield (
            "grant_types",
            _("refresh_token requires another grant type that issues refresh tokens: %(names)s.")
            % {"names": ", ".join(refreshing)},
        )


def _it_may_do_something(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if not _strings(metadata, "grant_types") and not _strings(metadata, "resource_identifiers"):
        yield "grant_types", _("At least one grant type is required, unless the client serves a resource.")


def _keys_are_told_once(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if "jwks" in metadata and "jwks_uri" in metadata:
        yield "jwks", _("Use either jwks or jwks_uri, not both (RFC 7591 section 2).")


def _keys_where_needed(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if _method(metadata, terms).needs_keys and not {"jwks", "jwks_uri"} & metadata.keys():
        words = {"method": metadata["token_endpoint_auth_method"]}
        yield "jwks", _("%(method)s requires the client's public keys in jwks or at jwks_uri.") % words


def _signed_requests_need_keys(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if metadata.get("require_signed_request_object") and not {"jwks", "jwks_uri"} & metadata.keys():
        yield "jwks", _("Signed requests require the client's public keys in jwks or at jwks_uri.")


def _assertions_fit_their_method(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    method, alg = _method(metadata, terms), metadata.get("token_endpoint_auth_signing_alg")
    if alg and isinstance(method, AssertionMethod) and alg not in method.algorithms:
        words = {"method": method.name, "algs": ", ".join(method.algorithms)}
        yield "token_endpoint_auth_signing_alg", _("%(method)s requires one of these algorithms: %(algs)s.") % words


def _public_clients_have_no_secret(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    if _method(metadata, terms).confidential:
        return
    for name, alg in metadata.items():
        if signs_with_secret({name: alg}):
            words = {"alg": alg}
            yield name, _("%(alg)s requires a client secret, which a public client does not have.") % words


def _encrypted_for_somebody(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    for name in [name for name in metadata if name.endswith("_encrypted_response_enc")]:
        alg = name.removesuffix("enc") + "alg"
        if alg not in metadata:
            yield name, _("This requires %(alg)s (OpenID Connect Registration section 2).") % {"alg": alg}
    for name, value in metadata.items():
        if name.endswith("_encrypted_response_alg") and not _may_be_encrypted_for(metadata, str(value)):
            yield name, _("This requires a matching public key of the client in jwks or at jwks_uri.")


def _may_be_encrypted_for(metadata: Document, alg: str) -> bool:
    """A key is tried: it may fit by its kind, and yet be none that anything can be encrypted for."""
    if "jwks_uri" in metadata:
        return True
    try:
        return bool(encrypt("", EncryptionKeySet.parse(metadata.get("jwks")), alg=alg, enc=CONTENT_ENCRYPTION[0]))
    except (ValueError, LookupError):
        return False


def _front_channel_logout_is_at_home(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    """OpenID Connect Front-Channel Logout section 2: scheme, host and port are those of a redirect URI."""
    uri = str(metadata.get("frontchannel_logout_uri") or "")
    if uri and origin(uri) not in map(origin, _strings(metadata, "redirect_uris")):
        yield "frontchannel_logout_uri", _("The scheme, host and port must match those of a redirect URI.")


def _languages_are_few(metadata: Document, terms: Terms) -> Iterator[tuple[str, str]]:
    for name, times in Counter(name.partition("#")[0] for name in metadata).items():
        if times > _MOST_LANGUAGES:
            yield name, _("It must have at most %(most)d items.") % {"most": _MOST_LANGUAGES}


RULES: Final[tuple[Callable[[Document, Terms], Iterator[tuple[str, str]]], ...]] = (
    _it_may_do_something,
    _response_types_fit,
    _redirect_uris_where_needed,
    _redirect_uris_fit_the_application,
    _public_clients_prove_nothing,
    _refreshing_follows_something,
    _keys_are_told_once,
    _keys_where_needed,
    _signed_requests_need_keys,
    _assertions_fit_their_method,
    _public_clients_have_no_secret,
    _encrypted_for_somebody,
    _front_channel_logout_is_at_home,
    _languages_are_few,
)
"""What must hold between the members of a complete document: each yields the member that is wrong, and the rule."""


def _first_secret(client: Client, chosen: str, terms: Terms) -> str:
    in_clear = _needs_clear_secret(client.metadata, terms)
    if not _needs_secret(client.metadata, terms):
        if chosen:
            raise InvalidClientMetadata(
                "client_secret",
                _("The authentication method %(method)s does not use a secret.")
                % {"method": client.token_endpoint_auth_method},
            )
        return ""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in chosen):
        raise InvalidClientMetadata("client_secret", _("It must not contain control characters."))
    if chosen and in_clear and len(chosen.encode()) < _SHORTEST_KEY:
        raise InvalidClientMetadata(
            "client_secret", _("It is used as an HS256 key and must have at least 32 bytes (RFC 7518 section 3.2).")
        )
    secret = chosen or generate(CLIENT_SECRET)
    set_secret(client, secret, terms.settings, in_clear=in_clear)
    return secret
