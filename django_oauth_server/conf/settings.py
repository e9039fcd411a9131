"""What a deployment may set for an issuer. Imports no Django, so that a settings.py may import it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar

from django_oauth_server.conf.profiles import OAUTH2_1, Policy, profiles, tighten
from django_oauth_server.protocol.uris import comparable

G = TypeVar("G")

Registration = Literal["off", "protected", "open"]
RegistrationScopes = Literal["offered", "default"]
LogoutDelivery = Literal["thread", "task", "command"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scope lets an app do, in the words that a person reads when asked to allow it."""

    description: str
    """The end of the sentence "This app will be able to …", for example *see your notes*."""
    sensitive: bool = False
    """Whether the scope is marked as sensitive and shown first."""
    optional: bool = False
    """Whether people may clear its checkbox and grant the rest (RFC 6749 section 3.3)."""
    resource: str = ""
    """The resource (RFC 8707) this scope is listed under."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected API that tokens can be asked for by its identifier (RFC 8707)."""

    name: str
    """Name shown to people."""
    scopes: tuple[str, ...] | None = None
    """Scopes of this resource. Tokens for it carry no others. None: all scopes."""
    access_token_format: str | None = None
    """The format of its tokens. None: the issuer's."""
    access_token_lifetime: timedelta | None = None
    """Maximum lifetime of its tokens. None: the issuer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSettings:
    """One authorization server. Every name may stand in the `OAUTH_SERVER` setting."""

    issuer: str
    """The issuer identifier (RFC 8414 section 2): https, no query, no fragment. Never derived from the Host header."""
    name: str = ""
    """Name of this site, shown on the consent page. Default: the issuer's host."""
    profile: str = OAUTH2_1.name
    """The security profile: `oauth2_1`, `openid_connect` or `legacy`, or the name of one of `policies`."""
    policy: Policy | None = None
    """A policy of your own. It can only tighten the profile."""
    policies: tuple[Policy, ...] = ()
    """Policies of your own. Each is a profile under its name, for `profile` and for clients."""
    scopes: Mapping[str, Scope | str] = field(default_factory=dict)
    """The scopes offered, each with the words that a person reads. With `openid` among them (`OPENID_SCOPES`) the issuer is an OpenID Provider."""
    default_scopes: tuple[str, ...] = ()
    """Scopes of requests and registrations that name none. If empty, such requests are refused."""
    allowed_scopes: str = ""
    """Which scopes a client may get by a grant type for a person: a [function](../extending.md#scopes-by-grant-type-and-person), by dotted path."""
    resources: Mapping[str, Resource | str] = field(default_factory=dict)
    """Resources (RFC 8707) that tokens can be requested for, by identifier. A trailing slash after the host makes no difference."""
    default_resource: str = ""
    """Audience of tokens requested without a resource; its entry in `resources` applies. Default: the issuer identifier."""
    access_token_format: str = "opaque"
    """`opaque`, or `at+jwt` (RFC 9068). The choice of a client or resource takes precedence."""
    access_token_lifetime: timedelta = timedelta(minutes=15)
    """How long access tokens are valid. The lifetime of a client or resource takes precedence."""
    refresh_token_lifetime: timedelta = timedelta(days=30)
    """How long a refresh token may stay unused. Each rotation restarts the period; without rotation, each use once 1/32 of it has passed."""
    sign_out_ends_refresh_tokens: bool = True
    """Refresh tokens of OpenID requests (`openid`) without `offline_access` end when the person signs out, or the session would have expired."""
    refresh_token_replay_window: timedelta = timedelta(seconds=30)
    """How long a rotated refresh token is answered with what it bought, unless that was refreshed; later use revokes the family. Zero: at once."""
    id_token_lifetime: timedelta = timedelta(hours=1)
    """How long ID tokens are valid."""
    code_lifetime: timedelta = timedelta(seconds=60)
    """How long authorization codes are valid, at most ten minutes (RFC 6749 section 4.1.2)."""
    interaction_lifetime: timedelta = timedelta(hours=1)
    """How long a person may take over a consent page."""
    client_secret_overlap: timedelta = timedelta(days=7)
    """How long the previous secret keeps working after a new one was generated."""
    claims: str = "django_oauth_server.tokens.claims.UserClaims"
    """Dotted path of your own `UserClaims`, which say what the issuer tells about a person."""
    subject: str = "django_oauth_server.tokens.subject.primary_key"
    """Dotted path of a function from a user and an `Issuer` to the person's `sub`. The result must never change, nor name anybody else later."""
    authentication: str = "django_oauth_server.authorization.session.authentication"
    """When and how the person signed in: a function from a request to an `Authentication`, by dotted path."""
    acr_values: tuple[str, ...] = ()
    """The authentication context classes (`acr`) that sign-in can reach here, as `authentication` names them."""
    registration: Registration = "off"
    """Who may register clients (RFC 7591) beside operators: `off`, nobody; `protected`, who has an initial access token; `open`, anybody."""
    registration_scopes: RegistrationScopes = "offered"
    """What a client that registers itself may ask people for: `offered`, every scope; `default`, those it registered, else the default ones."""
    private_use_schemes: tuple[str, ...] = ()
    """Schemes without a dot that redirect URIs of apps may have, such as `cursor`. Those with a dot always may (RFC 8252 section 7.1)."""
    any_port_of_localhost: bool = False
    """Whether the port of `http://localhost` may differ from the registered one for every client. For native apps, and without a port, it may."""
    software_statement_issuers: Mapping[str, Mapping[str, object] | str] = field(default_factory=dict)
    """Who vouches for software by signed statements (RFC 7591 section 2.3): from their `iss` to their JWK Set, or to its https address."""
    require_software_statement: bool = False
    """Whether clients that register themselves need a software statement."""
    pairwise_salt: str = ""
    """Secret that pairwise subject identifiers, which sites cannot compare, are derived from. Never change it. If empty, they are not offered."""
    reauthentication_url: str = ""
    """URL or URL name of the page where signed-in people authenticate again. Default: Django's LOGIN_URL."""
    account_creation_url: str = ""
    """URL or URL name of the sign-up page, which enables `prompt=create`. If empty, `prompt=create` is not offered."""
    password_change_revokes: bool = True
    """Whether changing a password revokes what the person has allowed. Apps then have to ask again."""
    signing_alg: str = "ES256"
    """The algorithm that access tokens are signed with: `ES256`, `RS256`, `PS256`, `EdDSA`, or `Ed25519`, a newer name for the same (RFC 9864)."""
    signing_algs: tuple[str, ...] = ("RS256", "ES256")
    """The algorithms among which clients choose that of their ID tokens. Each has keys of its own, which are published before they are needed."""
    signing_key_files: tuple[str, ...] = ()
    """Private keys as PEM or JWK files, in place of keys in the database. The first signs, all are published."""
    key_encryption_key: str = ""
    """The secret that encrypts signing keys and some client secrets in the database and derives refresh tokens. Empty: Django's SECRET_KEY."""
    key_encryption_key_fallbacks: tuple[str, ...] = ()
    """Previous values of `key_encryption_key`, used for decryption only. With an empty `key_encryption_key`: Django's SECRET_KEY_FALLBACKS."""
    key_publication_lead: timedelta = timedelta(hours=2)
    """How long a new signing key is published before it signs. Others may keep the JWKS for half as long, whatever its cache headers say."""
    client_cache_lifetime: timedelta = timedelta(seconds=5)
    """How long another process may act on a client as it was, where no statement is made (client_credentials with `at+jwt`)."""
    throttles: Mapping[str, str | None] = field(default_factory=dict)
    """How often what may fail, or register: `{"redemption": "60/m"}`. [Limits](#throttles) not named here keep their defaults; None: no limit."""
    trusted_proxies: int = 0
    """How many proxies before this server add to `X-Forwarded-For`. Zero: the header is not looked at, and who connects is the sender."""
    outbound_timeout: timedelta = timedelta(seconds=5)
    """How long an address that a client named (`jwks_uri`, for one) may take to answer, from the look-up of its host to the last byte."""
    outbound_private_hosts: tuple[str, ...] = ()
    """Hosts of clients that may be asked although they are not on the internet: `host`, `host:port`, or a network such as `10.1.0.0/16`."""
    outbound_ca_bundle: str = ""
    """A PEM file of certificate authorities that are trusted for clients' addresses beside the system's."""
    logout_delivery: LogoutDelivery = "thread"
    """Who tells apps that somebody signed out: `thread` of each process, `task` (Django 6.0), or `command`, `manage.py deliverlogouts` alone."""
    revocation_delay: timedelta = timedelta(seconds=5)
    """How long a JWT may still open views of this project after it was revoked. Opaque tokens end at once."""
    revocation_cache: str = ""
    """A cache that all processes share, by its alias in `CACHES`: with it, revoked JWTs end at once."""
    components: tuple[str, ...] = ()
    """Components of your own, by dotted path: grant types, client authentication methods, response modes …"""
    groups: tuple[object, ...] = ()
    """Settings of components, as values. Only in an `IssuerSettings`: in a dict, each group has a name of its own."""

    def group(self, kind: type[G]) -> G:
        """The settings of the component whose `settings_group` is *kind*."""
        for one in self.groups:
            if isinstance(one, kind):
                return one
        return kind()

    @property
    def profiles(self) -> Mapping[str, Policy]:
        """Those that the issuer and its clients can be bound to, by name."""
        return profiles(self.policies)

    @property
    def tightened(self) -> Policy:
        """The rules that hold for every client: the profile's, and the policy's."""
        return tighten(self.profiles[self.profile], *filter(None, [self.policy]))

    @property
    def is_openid(self) -> bool:
        """Whether it is an OpenID Provider."""
        return "openid" in self.scopes

    @property
    def optional_scopes(self) -> frozenset[str]:
        """Those that a person may clear."""
        return frozenset(name for name, one in self.scopes.items() if isinstance(one, Scope) and one.optional)

    def resource_named(self, identifier: str) -> str | None:
        """The resource that *identifier* names, as it is written here. None: it is not known."""
        if identifier in self.resources or identifier == self.default_resource:
            return identifier
        written = (*self.resources, self.default_resource)
        return next((one for one in written if comparable(one) == comparable(identifier)), None)

    def declared(self, audience: Collection[str]) -> list[Resource]:
        """What is said of each resource of *audience*; of the default one, where there is none."""
        if not self.resources:
            return []
        named = (self.resource_named(identifier) for identifier in audience or (self.default_resource,))
        return [one for name in named if name and isinstance(one := self.resources.get(name), Resource)]
