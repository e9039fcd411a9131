"""What the issuer says of a person (OpenID Connect Core section 5.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from django.contrib.auth.models import AbstractBaseUser
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import SETTING
from django_oauth_server.models import Authorization, Client

RESERVED_CLAIMS: Final = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "cnf"),
        *("act", "may_act", "sub_profile", "subject_client_id", "ends_with"),
        *("auth_time", "acr", "amr", "azp", "nonce", "at_hash", "c_hash", "s_hash", "sid", "events", "sub_jwk"),
        *("active", "token_type", "username", "grant_id", "claims", "session_expires", "authorization_details"),
    }
)
"""What tokens say of themselves (RFC 7519, 7662, 7800, 8693, 9068 and 9396, OpenID Connect Core section 2): no claim of a deployment's own."""


def unreserved(claims: Mapping[str, object] | None) -> dict[str, object]:
    """Those of *claims* that no token says of itself."""
    return {name: value for name, value in claims.items() if name not in RESERVED_CLAIMS} if claims else {}


class UserClaims:
    """One person's claims, from Django's user model. Override the methods whose claims your project knows better.

    Each claim is a method of its name; None means that it is not known, and is left out. A claim of your own is a method more, its name in
    `scope_claims` or in `further_claims`, and its words in `words`. It is made once for each response.
    """

    scope_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "profile": (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
    """What each scope asks for (section 5.4)."""
    further_claims: ClassVar[tuple[str, ...]] = ()
    """Claims that no scope asks for, only the parameter `claims`."""
    words: ClassVar[Mapping[str, Words]] = {
        "name": _("see your name"),
        "family_name": _("see your family name"),
        "given_name": _("see your given name"),
        "middle_name": _("see your middle name"),
        "nickname": _("see your nickname"),
        "preferred_username": _("see your username"),
        "profile": _("see the address of your profile page"),
        "picture": _("see your picture"),
        "website": _("see the address of your website"),
        "gender": _("see your gender"),
        "birthdate": _("see your date of birth"),
        "zoneinfo": _("see your time zone"),
        "locale": _("see your language"),
        "updated_at": _("see when your profile was last changed"),
        "email": _("see your email address"),
        "email_verified": _("see whether your email address was verified"),
        "address": _("see your postal address"),
        "phone_number": _("see your phone number"),
        "phone_number_verified": _("see whether your phone number was verified"),
    }
    """What a person reads where a client asks for a claim by itself."""

    facts: Mapping[str, object] = MappingProxyType({})
    """What was settled when the person allowed it, such as for which team (`FactPrompt`)."""

    def __init__(self, user: AbstractBaseUser) -> None:
        self.user: Any = user

    @classmethod
    def behind(cls, authorization: Authorization) -> Self:
        """The claims of whose *authorization* it is."""
        made = cls(authorization.user)
        made.facts = authorization.facts or cls.facts
        return made

    @classmethod
    def supported(cls) -> tuple[str, ...]:
        """Every claim that may be asked for."""
        return tuple(
            dict.fromkeys([*(one for names in cls.scope_claims.values() for one in names), *cls.further_claims])
        )

    @classmethod
    def asked_by(cls, scopes: Collection[str]) -> frozenset[str]:
        """The claims that *scopes* ask for."""
        return frozenset(name for scope in scopes for name in cls.scope_claims.get(scope, ()))

    def claims(self, names: Collection[str]) -> dict[str, object]:
        """Those of *names* that are known."""
        found = {name: getattr(self, name)() for name in self.supported() if name in names}
        return {name: value for name, value in found.items() if value is not None}

    def access_token_claims(self, scopes: Collection[str], audience: Collection[str]) -> Mapping[str, object]:
        """Claims for access tokens with *scopes* for the resources of *audience*, as JSON has them. Whoever holds a JWT can read them.

        A JWT says what was so when it was issued. Of an opaque token they are asked whenever it is introspected or presented to a view beside
        this server. `may_act` among them says who may exchange the token to act for the person (RFC 8693 section 4.4).
        """
        return {}

    def name(self) -> str | None:
        """The full name, as it is shown."""
        full_name = getattr(self.user, "get_full_name", str)()
        return full_name or None

    def family_name(self) -> str | None:
        return getattr(self.user, "last_name", None) or None

    def given_name(self) -> str | None:
        return getattr(self.user, "first_name", None) or None

    def middle_name(self) -> str | None:
        return None

    def nickname(self) -> str | None:
        return None

    def preferred_username(self) -> str | None:
        """How the person wants to be called; not unique, and not to be relied on (section 5.7)."""
        return self.user.get_username() or None

    def profile(self) -> str | None:
        return None

    def picture(self) -> str | None:
        return None

    def website(self) -> str | None:
        return None

    def gender(self) -> str | None:
        return None

    def birthdate(self) -> str | None:
        """YYYY-MM-DD, 0000-MM-DD, or YYYY."""
        return None

    def zoneinfo(self) -> str | None:
        return None

    def locale(self) -> str | None:
        """A BCP 47 language tag."""
        return None

    def updated_at(self) -> int | None:
        """Seconds since 1970."""
        return None

    def email(self) -> str | None:
        return getattr(self.user, self.user.get_email_field_name(), None) or None

    def email_verified(self) -> bool | None:
        """Django does not know whether an address was verified, so nothing is said."""
        return None

    def address(self) -> Mapping[str, str] | None:
        """Section 5.1.1."""
        return None

    def phone_number(self) -> str | None:
        """E.164, as +44 20 7946 0000."""
        return None

    def phone_number_verified(self) -> bool | None:
        return None


def claims_class(settings: IssuerSettings) -> type[UserClaims]:
    """The class that the setting `claims` names."""
    return _imported(settings.claims)


def claimable(client: Client, settings: IssuerSettings) -> frozenset[str]:
    """The claims that *client* may ask for one by one: no more than its scopes could bring."""
    return claims_within(client.scopes.intersection(settings.scopes), settings)


def claims_within(scopes: Collection[str], settings: IssuerSettings) -> frozenset[str]:
    """The claims that whoever may have *scopes* may ask for one by one: no more than these could bring, and those that no scope brings."""
    kind = claims_class(settings)
    return kind.asked_by(scopes).union(kind.further_claims)


def tellable(authorization: Authorization, client: Client, settings: IssuerSettings) -> frozenset[str]:
    """The claims that *client* may be told: of those that the person allowed the ones that it may ask for still."""
    allowed = claims_class(settings).asked_by(authorization.scopes).union(authorization.claims)
    return claimable(client, settings) & allowed


@cache
def _imported(path: str) -> type[UserClaims]:
    found: type[UserClaims] = import_string(path)
    return found


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        _imported.cache_clear()


setting_changed.connect(_forget)
