"""Which components there are, and which issuers this project runs. Components are named by dotted string, so listing them costs no cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, lru_cache
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import Http404, HttpRequest
from django.utils.module_loading import import_string

from django_oauth_server.clients.methods.base import ClientAuthMethod
from django_oauth_server.component import Component, Components
from django_oauth_server.conf.declared import Declared, told_by
from django_oauth_server.conf.loader import NAMES, SETTING, load
from django_oauth_server.issuer import APP_NAME, Issuer, make_issuer
from django_oauth_server.protocol.uris import origin

_HOUSE = "django_oauth_server."
_MOST_HOSTS = 1024
"""For how many hosts it is remembered which issuer is there. Hosts with none are not."""

BUILT_IN = tuple(
    _HOUSE + name
    for name in (
        # First, as forms and commands ask for what is said of a client in this order: its name before its algorithms.
        "clients.metadata.ClientMetadata",
        "clients.openid_metadata.OpenIDMetadata",
        "clients.sectors.PairwiseSubjects",
        "clients.previews.PreviewRedirectURIs",
        # URLs are tried in this order: those that are asked most come first.
        "endpoints.token.TokenEndpoint",
        "endpoints.introspect.IntrospectionEndpoint",
        "endpoints.authorize.AuthorizationEndpoint",
        "endpoints.decision.DecisionEndpoint",
        "endpoints.revoke.RevocationEndpoint",
        "endpoints.device_authorization.DeviceAuthorizationEndpoint",
        "endpoints.device.DevicePage",
        "endpoints.pushed.PushedAuthorizationRequests",
        "endpoints.metadata.MetadataEndpoint",
        "endpoints.openid_configuration.OpenIDConfiguration",
        "endpoints.jwks.JWKSEndpoint",
        "endpoints.userinfo.UserInfoEndpoint",
        "endpoints.health.HealthEndpoint",
        "endpoints.refusal.Refusals",
        "endpoints.connected_apps.ConnectedApps",
        "endpoints.own_apps.OwnApps",
        "endpoints.logo.Logo",
        "endpoints.start_sign_in.StartSignIn",
        "endpoints.registration.RegistrationEndpoint",
        "endpoints.end_session.EndSessionEndpoint",
        "endpoints.check_session.SessionManagement",
        "logout.back_channel.BackChannelLogout",
        "logout.front_channel.FrontChannelLogout",
        "clients.sources.table.Table",
        "clients.sources.client_id_metadata_document.ClientIDMetadataDocuments",
        "clients.methods.client_secret_basic.ClientSecretBasic",
        "clients.methods.client_secret_post.ClientSecretPost",
        "clients.methods.client_secret.ClientSecret",
        "clients.methods.private_key_jwt.PrivateKeyJWT",
        "clients.methods.client_secret_jwt.ClientSecretJWT",
        "assertions.federated_jwt.FederatedJWT",
        "clients.methods.none.NoAuthentication",
        "grants.authorization_code.AuthorizationCode",
        "grants.client_credentials.ClientCredentials",
        "grants.refresh_token.RefreshToken",
        "grants.password.Password",
        "grants.device_code.DeviceCode",
        "exchange.grant.TokenExchange",
        "assertions.jwt_bearer.JWTBearer",
        "exchange.access_token.ExchangedAccessToken",
        "exchange.id_jag.IdentityAssertionGrant",
        "adoption.presented.Adopted",
        "authorization.promises.PromisedKeys",
        "authorization.sources.request.RequestByValue",
        "authorization.sources.request_uri.RequestByReference",
        "authorization.sources.pushed.PushedSource",
        "authorization.sources.pushed.RequirePushed",
        "authorization.sources.pushed.RequireRedirectUri",
        "authorization.channels.redirect.RedirectChannel",
        "authorization.channels.device.DeviceChannel",
        "authorization.response_types.code.CodeResponse",
        "authorization.response_types.token.TokenResponse",
        "authorization.response_types.id_token.IDTokenResponse",
        "authorization.response_types.hybrid.IDTokenToken",
        "authorization.response_types.hybrid.CodeIDToken",
        "authorization.response_types.hybrid.CodeToken",
        "authorization.response_types.hybrid.CodeIDTokenToken",
        "authorization.response_types.none.NoneResponse",
        "authorization.challenge_methods.S256",
        "authorization.challenge_methods.Plain",
        "authorization.response_modes.query.Query",
        "authorization.response_modes.fragment.Fragment",
        "authorization.response_modes.form_post.FormPost",
        "authorization.prompts.create_account.CreateAccount",
        "authorization.prompts.sign_in.SignIn",
        "authorization.prompts.select_account.ExpectedAccount",
        "authorization.prompts.select_account.SelectAccount",
        "authorization.prompts.reauthenticate.Reauthenticate",
        "authorization.prompts.consent.Consent",
        "authorization.channels.device.ConfirmDevice",
        "tokens.id_token.IDToken",
        "tokens.bindings.dpop.DPoP",
        "tokens.formats.opaque.Opaque",
        "tokens.formats.at_jwt.AccessTokenJWT",
        "adoption.former_addresses.FormerAddresses",
    )
)
"""What the package brings. A deployment adds its own with the setting `components`; one of the same kind and name takes the place."""


@cache
def issuers() -> tuple[Issuer, ...]:
    """Every issuer of this project, the default first."""
    made = tuple(
        make_issuer(
            settings,
            list(_components(settings.components)),
            APP_NAME if not number else f"{APP_NAME}_{number}",
        )
        for number, settings in enumerate(load())
    )
    for issuer in made:
        _check_policies(issuer)
    return made


def _check_policies(issuer: Issuer) -> None:
    """Raise ImproperlyConfigured where nothing would satisfy a policy, or nobody sees to what it demands. No client would be let in, or any."""
    seen_to = {name for one in issuer.components for name in one.demands}
    for profile in ("", *issuer.settings.profiles):
        policy = issuer.policy_for(profile)
        for member in ("permitted_algorithms", "permitted_client_auth_methods"):
            if getattr(policy, member) == frozenset():
                raise ImproperlyConfigured(f"{SETTING}: {issuer}: {member} of the policy {policy.name} is empty.")
        for name in sorted(policy.demands - seen_to):
            raise ImproperlyConfigured(
                f"{SETTING}: {issuer}: the policy {policy.name} demands {name!r}, which is switched off."
            )
    if not (issuer.settings.signing_key_files or issuer.policy.algorithms((issuer.settings.signing_alg,))):
        raise ImproperlyConfigured(
            f"{SETTING}: {issuer}: signing_alg {issuer.settings.signing_alg} is not permitted by the policy {issuer.policy.name}."
        )


def all_components() -> tuple[Component, ...]:
    """Every component that the package brings or an issuer names, whether it is switched on or not."""
    return tuple(_components(name for settings in load() for name in settings.components))


def _components(own: Iterable[str]) -> Iterator[Component]:
    """What the package brings, then what is at the dotted paths *own*."""
    return map(_component, dict.fromkeys((*BUILT_IN, *own)))


@told_by
def _declared(own: Iterable[str]) -> Declared:
    there = Components(_components(own))
    return Declared(
        groups=_groups(there),
        throttles=_throttles(there),
        demands=frozenset(name for one in there for name in one.demands),
        auth_methods=frozenset(there.of(ClientAuthMethod)),
    )


def _groups(there: Iterable[Component]) -> dict[str, type]:
    groups: dict[str, type] = {}
    for one in there:
        if one.settings_group is None:
            continue
        if not one.settings_name or one.settings_name in NAMES:
            raise ImproperlyConfigured(
                f"{SETTING}: {type(one).__name__} needs another name for its settings than {one.settings_name!r}."
            )
        if groups.setdefault(one.settings_name, one.settings_group) is not one.settings_group:
            raise ImproperlyConfigured(
                f"{SETTING}: {type(one).__name__} has other settings than another component under {one.settings_name!r}."
            )
        if not _has_defaults(one.settings_group):
            raise ImproperlyConfigured(
                f"{SETTING}: the settings of {type(one).__name__} must be a dataclass with a default for each."
            )
    return groups


def _has_defaults(group: type) -> bool:
    return is_dataclass(group) and not any(one.default is one.default_factory is MISSING for one in fields(group))


def _throttles(there: Iterable[Component]) -> dict[str, str]:
    throttles: dict[str, str] = {}
    for one in there:
        for name, rate in one.throttles.items():
            if throttles.setdefault(name, rate) != rate:
                raise ImproperlyConfigured(
                    f"{SETTING}: {type(one).__name__} has another default than another component for the limit {name!r}."
                )
    return throttles


def default_issuer() -> Issuer:
    return issuers()[0]


def issuer_meant(namespace: str, http: HttpRequest) -> Issuer:
    """The issuer whose URLs have this instance namespace; of several at the same URLs the one that has the host of *http*.

    The host is looked at where it decides, and nowhere else. Raises Http404 where no issuer has it.
    """
    same = _at_same_urls()[namespace]
    return same[0] if len(same) == 1 else _at_host(http.get_host(), same)


@cache
def _at_same_urls() -> Mapping[str, tuple[Issuer, ...]]:
    """By the instance namespace of one issuer, all that have its path."""
    return {one.namespace: tuple(other for other in issuers() if other.path == one.path) for one in issuers()}


@lru_cache(_MOST_HOSTS)
def _at_host(host: str, among: tuple[Issuer, ...]) -> Issuer:
    """By host and port; by the host alone where only one has it, since some proxies keep the port to themselves."""
    exact = [
        one
        for one in among
        if origin(one.settings.issuer) == origin(f"{urlsplit(one.settings.issuer).scheme}://{host}")
    ]
    named = [one for one in among if urlsplit(one.settings.issuer).hostname == urlsplit(f"//{host}").hostname]
    for found in (exact, named):
        if len(found) == 1:
            return found[0]
    raise Http404(f"No issuer of {SETTING} is at the host {host}. A proxy has to pass the Host header on.")


def issuer_named(identifier: str) -> Issuer:
    """The issuer with this identifier; raises LookupError where there is none."""
    if found := issuers_by_name().get(identifier):
        return found
    raise LookupError(f"no issuer {identifier!r} in {SETTING}")


@cache
def issuers_by_name() -> Mapping[str, Issuer]:
    """Every issuer of this project, by its identifier."""
    return {one.settings.issuer: one for one in issuers()}


def _component(path: str) -> Component:
    try:
        made = import_string(path)
    except ImportError as exc:
        raise ImproperlyConfigured(f"{SETTING}: components has {path!r}, which cannot be imported: {exc}") from exc
    if not (isinstance(made, type) and issubclass(made, Component)):
        raise ImproperlyConfigured(f"{SETTING}: components has {path!r}, which is no Component.")
    if not getattr(made, "name", ""):
        raise ImproperlyConfigured(f"{SETTING}: components has {path!r}, which has no name.")
    return made()


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        for remembered in (issuers, issuers_by_name, _at_same_urls, _at_host):
            remembered.cache_clear()


setting_changed.connect(_forget)
