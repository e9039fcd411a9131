"""What django-oauth-toolkit's settings are called here: each with its new place, or with the reason why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django_oauth_server.adoption.proposal import Proposal
from django_oauth_server.component import Document
from django_oauth_server.conf import Policy
from django_oauth_server.protocol.uris import check_preview_host, is_loopback

_ALL: Final = "__all__"
_FOREVER: Final = timedelta(days=3650)
_LONGEST_CODE: Final = timedelta(minutes=10)
_DEFAULTS: Final[Mapping[str, Any]] = {
    "SCOPES": {"read": "Reading scope", "write": "Writing scope"},
    "DEFAULT_SCOPES": [_ALL],
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 36000,
    "ID_TOKEN_EXPIRE_SECONDS": 36000,
    "REFRESH_TOKEN_EXPIRE_SECONDS": None,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "ROTATE_REFRESH_TOKEN": True,
    "REQUEST_APPROVAL_PROMPT": "force",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
    "ALLOW_LOCALHOST_LOOPBACK": False,
    "ALLOW_URI_WILDCARDS": False,
    "OIDC_ENABLED": False,
    "OIDC_ISS_ENDPOINT": "",
    "OIDC_RP_INITIATED_REGISTRATION_ENABLED": False,
    "OIDC_RP_INITIATED_REGISTRATION_URL": None,
    "DCR_ENABLED": False,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": False,
    "DEVICE_FLOW_INTERVAL": 5,
}
"""As version 3.4 has them, of those that have a value of their own here."""

PLACES: Final[Mapping[str, str]] = {
    "SCOPES": '`scopes`. The words end the sentence "This app will be able to …".',
    "DEFAULT_SCOPES": '`default_scopes`. `["__all__"]` means every scope.',
    "SCOPES_BACKEND_CLASS": "`allowed_scopes`, a function that says which scopes a client may get by a grant type "
    "for a person. A client's own list is its `scope`.",
    "READ_SCOPE": "None: `requires_by_method(GET=…, POST=…)` names the scopes where the view is.",
    "WRITE_SCOPE": "None: `requires_by_method(GET=…, POST=…)` names the scopes where the view is.",
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": "`code_lifetime`, at most ten minutes (RFC 6749 section 4.1.2).",
    "ACCESS_TOKEN_EXPIRE_SECONDS": "`access_token_lifetime`. The default here is 15 minutes; clients and resources may "
    "have lifetimes of their own.",
    "ID_TOKEN_EXPIRE_SECONDS": "`id_token_lifetime`.",
    "REFRESH_TOKEN_EXPIRE_SECONDS": "`refresh_token_lifetime`, counted from the last use. Nothing lives forever here: "
    "None becomes ten years, and 30 days is the default.",
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": "`refresh_token_replay_window`, 30 seconds by default, in which a client that lost "
    "the answer is given the same tokens again.",
    "REFRESH_TOKEN_REUSE_PROTECTION": "None: always on. A refresh token that is used again after the replay window revokes "
    "its family (RFC 9700 section 4.14).",
    "ROTATE_REFRESH_TOKEN": "`require_refresh_token_rotation` of a `Policy`. Refresh tokens of public clients always rotate.",
    "PKCE_REQUIRED": "`require_pkce` of a `Policy`. Public clients always need PKCE (RFC 9700 section "
    "2.1.1). A function has no place: bind clients to a profile.",
    "REQUEST_APPROVAL_PROMPT": "None: people are asked once, and again when an app asks for more (`auto`). An app "
    "that wants it each time sends `prompt=consent`.",
    "ALLOWED_REDIRECT_URI_SCHEMES": "https, loopback http and private-use schemes with a dot are always allowed; others in "
    "`private_use_schemes`; http elsewhere by "
    "`allow_http_redirect_uris` of a `Policy`.",
    "ALLOWED_SCHEMES": "None: scripts of every origin may call the token endpoint, since no cookie is looked at there.",
    "ALLOW_URI_WILDCARDS": "`previews`, for hosts that the operator names. Clients' other redirect URIs match "
    "exactly (RFC 9700 section 2.1).",
    "ALLOW_LOCALHOST_LOOPBACK": "`any_port_of_localhost`.",
    "ERROR_RESPONSE_WITH_SCOPES": "None: the challenge always names the scopes that are needed (RFC 6750 section 3).",
    "ACCESS_TOKEN_GENERATOR": '`access_token_format`: `"opaque"`, or `"at+jwt"` for signed tokens (RFC 9068).',
    "REFRESH_TOKEN_GENERATOR": "None: refresh tokens are opaque, and only their digests are stored.",
    "CLIENT_ID_GENERATOR_CLASS": "None: `createclient --client-id` and the admin take an ID of your own.",
    "CLIENT_SECRET_GENERATOR_CLASS": "None: secrets have 256 random bits.",
    "CLIENT_SECRET_GENERATOR_LENGTH": "None: secrets have 256 random bits.",
    "CLIENT_SECRET_HASHER": "None: a digest is enough for 256 random bits. A hashed secret is accepted by its "
    "hasher once, and kept as a digest from then on.",
    "EXTRA_SERVER_KWARGS": "None: what it changes is a setting or a component here.",
    "OAUTH2_SERVER_CLASS": "`components`, for grant types of your own.",
    "OIDC_SERVER_CLASS": "`components`, for grant types of your own.",
    "OAUTH2_BACKEND_CLASS": "None: the endpoints read forms (RFC 6749 section 4). A client that sends JSON to the "
    "token endpoint has to send a form.",
    "OAUTH2_VALIDATOR_CLASS": "`claims` for `get_additional_claims`, `subject` for `sub`, `allowed_scopes` for "
    "scopes, `components` for the rest.",
    "OAUTH_PRE_TOKEN_VALIDATION": "`components`, for grant types of your own.",
    "OIDC_ENABLED": "The scope `openid` in `scopes`.",
    "OIDC_ISS_ENDPOINT": "`issuer`. It is never derived from a request.",
    "OIDC_USERINFO_ENDPOINT": "None: the metadata name where the endpoint is.",
    "OIDC_RSA_PRIVATE_KEY": "None: `adopt` takes the key over, with its `kid`. Keys are in the database, "
    "encrypted, or in `signing_key_files`.",
    "OIDC_RSA_PRIVATE_KEYS_INACTIVE": "None: `adopt` takes them over, and they stay published.",
    "OIDC_JWKS_MAX_AGE_SECONDS": "`key_publication_lead`: caches may keep the keys for a quarter of it.",
    "OIDC_RESPONSE_TYPES_SUPPORTED": "`allow_implicit` and `allow_hybrid` of a `Policy`.",
    "OIDC_SUBJECT_TYPES_SUPPORTED": "`pairwise_salt` adds pairwise identifiers.",
    "OIDC_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": "`permitted_client_auth_methods` of a `Policy`.",
    "OIDC_RP_INITIATED_REGISTRATION_ENABLED": "`account_creation_url`.",
    "OIDC_RP_INITIATED_REGISTRATION_URL": "`account_creation_url`.",
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": "None: the endpoint comes with the scope `openid`.",
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": "None: people are always asked (OpenID Connect RP-Initiated Logout 1.0 section 2).",
    "OIDC_RP_INITIATED_LOGOUT_STRICT_REDIRECT_URIS": "None: post-logout redirect URIs have to be registered and follow the rules of "
    "redirect URIs.",
    "OIDC_RP_INITIATED_LOGOUT_ACCEPT_EXPIRED_TOKENS": "None: expired ID tokens are accepted as a hint.",
    "OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS": "`sign_out_ends_refresh_tokens`. It also ends refresh tokens whose session has "
    "expired, so it is off at first.",
    "DEVICE_FLOW_INTERVAL": "`interval` in `device`.",
    "OAUTH_DEVICE_VERIFICATION_URI": "`path` in `device`; the address follows from the issuer.",
    "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": "None: always sent.",
    "OAUTH_DEVICE_USER_CODE_GENERATOR": "None: codes have eight consonants (RFC 8628 section 6.1).",
    "DCR_ENABLED": '`registration`: `"protected"` with initial access tokens, or `"open"`.',
    "DCR_REGISTRATION_PERMISSION_CLASSES": "`registration`, and `manage.py createinitialaccesstoken` for who may register.",
    "DCR_REGISTRATION_SCOPE": "None: registration access tokens are no access tokens.",
    "DCR_REGISTRATION_TOKEN_EXPIRE_SECONDS": "None: registration access tokens live as long as the client.",
    "DCR_ROTATE_REGISTRATION_TOKEN_ON_UPDATE": "None: always.",
    "RESOURCE_SERVER_INTROSPECTION_URL": "`OAUTH_RESOURCE_SERVER`: an `IntrospectionVerifier` as `verifier`.",
    "RESOURCE_SERVER_AUTH_TOKEN": "`client_id` and `client_secret` of the `IntrospectionVerifier`.",
    "RESOURCE_SERVER_INTROSPECTION_CREDENTIALS": "`client_id` and `client_secret` of the `IntrospectionVerifier`.",
    "RESOURCE_SERVER_TOKEN_CACHING_SECONDS": "`cache_for` of the `IntrospectionVerifier`, 30 seconds by default: a revocation is "
    "noticed no sooner.",
    "RESOURCE_SERVER_TOKEN_RESOURCE_VALIDATOR": "`resource` in `OAUTH_RESOURCE_SERVER`: a token must be meant for it.",
    "AUTHENTICATION_SERVER_EXP_TIME_ZONE": "None: `exp` counts seconds in UTC.",
    "OAUTH2_PROTECTED_RESOURCE_IDENTIFIER": "`resource` in `OAUTH_RESOURCE_SERVER`.",
    "OAUTH2_PROTECTED_RESOURCE_NAME": "`name` in `OAUTH_RESOURCE_SERVER`.",
    "OAUTH2_PROTECTED_RESOURCE_AUTHORIZATION_SERVERS": "None: the verifier says whose tokens are accepted.",
    "OAUTH2_PROTECTED_RESOURCE_BEARER_METHODS_SUPPORTED": "None: the metadata say what is accepted.",
    "OAUTH2_PROTECTED_RESOURCE_DOCUMENTATION": "None yet.",
    "OAUTH2_PROTECTED_RESOURCE_POLICY_URI": "None yet.",
    "OAUTH2_PROTECTED_RESOURCE_TOS_URI": "None yet.",
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": "None: metadata follow from what is switched on.",
    "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": "None: metadata follow from what is switched on.",
    "OAUTH2_GRANT_TYPES_SUPPORTED": "None: metadata follow from what is switched on.",
    "CLEAR_EXPIRED_TOKENS_BATCH_SIZE": "None: `cleartokens` works in batches of its own.",
    "CLEAR_EXPIRED_TOKENS_BATCH_INTERVAL": "None: `cleartokens` works in batches of its own.",
    "ALWAYS_RELOAD_OAUTHLIB_CORE": "None: `override_settings` is enough in tests.",
    "APPLICATION_MODEL": "None: models aren't swappable. What you added to a client becomes client metadata of a component.",
    "ACCESS_TOKEN_MODEL": "None: models aren't swappable. What you added to a token becomes claims.",
    "REFRESH_TOKEN_MODEL": "None: models aren't swappable.",
    "ID_TOKEN_MODEL": "None: ID tokens aren't stored.",
    "GRANT_MODEL": "None: models aren't swappable.",
    "DEVICE_GRANT_MODEL": "None: models aren't swappable.",
    "APPLICATION_ADMIN_CLASS": "None: unregister the admin class and register yours.",
    "ACCESS_TOKEN_ADMIN_CLASS": "None: unregister the admin class and register yours.",
    "REFRESH_TOKEN_ADMIN_CLASS": "None: unregister the admin class and register yours.",
    "ID_TOKEN_ADMIN_CLASS": "None: ID tokens aren't stored.",
    "GRANT_ADMIN_CLASS": "None: unregister the admin class and register yours.",
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": "`allow_implicit` of a `Policy`, off by default.",
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": "`allow_password` of a `Policy`, off by default.",
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": "`allow_plain_pkce` of a `Policy`, off by default.",
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": "None: access tokens in the query are never accepted.",
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": "None: `iss` is always sent (RFC 9207).",
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": "None: only digests are stored.",
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": "None: always.",
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": "`allow_http_redirect_uris` of a `Policy`, off by default.",
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": "None: redirect URIs match exactly.",
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": "`require_pkce` of a `Policy`, on by default.",
    "CIMD_ENABLED": '`"client_id_metadata_documents": {"policy": "open"}`, or `"listed"` with `hosts`.',
}
"""By the name in `OAUTH2_PROVIDER`."""
_CIMD: Final = "CIMD_"
_UNKNOWN: Final = "django-oauth-toolkit has no such setting."


def place_of(name: str) -> str:
    """Where the setting *name* is now, or why it has no place."""
    if name.startswith(_CIMD):
        return PLACES["CIMD_ENABLED"]
    return PLACES.get(name, _UNKNOWN)


def settings_for(provider: Mapping[str, object], issuer: str, clients: Iterable[Document] = ()) -> Proposal:
    """What follows from *provider*, which is `OAUTH2_PROVIDER`, so that the metadata of *clients* is accepted as before.

    *issuer* is the identifier where `OIDC_ISS_ENDPOINT` names none.
    """
    said = _Said(provider, issuer, tuple(clients))
    return Proposal(dict(said.server()), {name: place_of(name) for name in provider})


class _Said:
    """`OAUTH2_PROVIDER` and the clients, with questions."""

    def __init__(self, provider: Mapping[str, object], issuer: str, clients: tuple[Document, ...]) -> None:
        self._provider, self._issuer, self._clients = provider, issuer, clients

    def server(self) -> Iterator[tuple[str, object]]:
        scopes: Mapping[str, object] = self._get("SCOPES")
        usual = self._get("DEFAULT_SCOPES")
        yield "issuer", self._get("OIDC_ISS_ENDPOINT") or self._issuer
        yield "scopes", {name: str(words) for name, words in scopes.items()}
        yield "default_scopes", tuple(scopes) if _ALL in usual else tuple(usual)
        yield "policies", (self._policy(),)
        yield "profile", self._policy().name
        yield "code_lifetime", min(self._seconds("AUTHORIZATION_CODE_EXPIRE_SECONDS"), _LONGEST_CODE)
        yield "access_token_lifetime", self._seconds("ACCESS_TOKEN_EXPIRE_SECONDS")
        yield "refresh_token_lifetime", self._seconds("REFRESH_TOKEN_EXPIRE_SECONDS") or _FOREVER
        if window := self._seconds("REFRESH_TOKEN_GRACE_PERIOD_SECONDS"):
            yield "refresh_token_replay_window", window
        if self._get("OIDC_ENABLED"):
            yield "id_token_lifetime", self._seconds("ID_TOKEN_EXPIRE_SECONDS")
            yield "sign_out_ends_refresh_tokens", False
        if schemes := self._private_use_schemes():
            yield "private_use_schemes", schemes
        if hosts := self._preview_hosts():
            yield "previews", {"hosts": hosts}
        if self._get("ALLOW_LOCALHOST_LOOPBACK"):
            yield "any_port_of_localhost", True
        if self._get("OIDC_RP_INITIATED_REGISTRATION_ENABLED"):
            yield "account_creation_url", str(self._get("OIDC_RP_INITIATED_REGISTRATION_URL"))
        if self._get("DCR_ENABLED"):
            yield "registration", "protected"
        if self._seconds("DEVICE_FLOW_INTERVAL") != timedelta(seconds=5):
            yield "device", {"interval": self._seconds("DEVICE_FLOW_INTERVAL")}
        yield "adoption", {"source": "oauth_toolkit"}

    def _policy(self) -> Policy:
        types = {one for client in self._clients for one in _strings(client, "response_types")}
        fragments = {"token", "id_token", "id_token token"}
        return Policy(
            name="as_before",
            require_pkce=self._get("PKCE_REQUIRED") is True,
            require_consent_of_unproven_clients=self._get("REQUEST_APPROVAL_PROMPT") != "auto",
            require_refresh_token_rotation=bool(self._get("ROTATE_REFRESH_TOKEN")),
            allow_plain_pkce=not self._get("COMPLIANT_BCP_RFC9700_PKCE_METHOD"),
            allow_implicit=bool(types & fragments),
            allow_hybrid=any(one.startswith("code ") for one in types),
            allow_password=any("password" in _strings(client, "grant_types") for client in self._clients),
            allow_http_redirect_uris=any(map(_leaves_in_clear, self._redirect_uris())),
        )

    def _redirect_uris(self) -> Iterator[str]:
        for client in self._clients:
            yield from _strings(client, "redirect_uris")
            yield from _strings(client, "post_logout_redirect_uris")

    def _preview_hosts(self) -> tuple[str, ...]:
        """Those with a label that varies, as clients have registered them."""
        uris = [uri for client in self._clients for uri in _strings(client, "redirect_uris") if "*" in uri]
        hosts = dict.fromkeys(urlsplit(uri).netloc for uri in uris if self._get("ALLOW_URI_WILDCARDS"))
        return tuple(filter(_may_vary, hosts))

    def _private_use_schemes(self) -> tuple[str, ...]:
        """Those without a dot, which operators have to name."""
        allowed = (str(scheme).lower() for scheme in self._get("ALLOWED_REDIRECT_URI_SCHEMES"))
        return tuple(one for one in allowed if one not in {"http", "https"} and "." not in one)

    def _get(self, name: str) -> Any:
        return self._provider.get(name, _DEFAULTS[name])

    def _seconds(self, name: str) -> timedelta:
        """A number or a duration; the default in place of a function, which says something else for each request."""
        value = self._get(name)
        if isinstance(value, timedelta):
            return value
        return timedelta(seconds=int((_DEFAULTS[name] if callable(value) else value) or 0))


def _may_vary(host: str) -> bool:
    try:
        check_preview_host(host)
    except ValueError:
        return False
    return True


def _strings(document: Document, member: str) -> list[str]:
    value = document.get(member, ())
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _leaves_in_clear(uri: str) -> bool:
    return urlsplit(uri).scheme == "http" and not is_loopback(uri)
