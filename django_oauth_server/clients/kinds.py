"""What kinds of clients there are: what each means, and which metadata (RFC 7591) follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext_lazy

from django_oauth_server.clients.metadata import choices_of, members_of
from django_oauth_server.clients.methods.base import ClientAuthMethod, is_public
from django_oauth_server.component import Member, Terms, Words
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client

_KEYS: Final = ("jwks_uri", "jwks")
_SECRET: Final = "client_secret_basic"
_PUBLIC: Final = "none"
WORKLOAD: Final = "federated_jwt"
"""The authentication method of workloads, which no other client has."""
_CODE: Final = ("authorization_code", "refresh_token")
_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Answers one question: what is the client that somebody adds?"""

    name: str
    """The value in forms and addresses."""
    label: Words
    sentence: Words
    """What it means, for whoever chooses."""
    token_endpoint_auth_method: str
    grant_types: tuple[str, ...]
    """The first is what makes the kind; it may do without the others."""
    application_type: str = ""
    asked: tuple[str, ...]
    """The members that a form asks for, in order."""
    required: frozenset[str]
    """Those of `asked` without which the client would be of no use."""
    by_method: bool = False
    """Whether its authentication method makes the kind, so that no other will do."""

    @property
    def follows(self) -> dict[str, object]:
        """The metadata that a client of this kind has without being asked."""
        application_type = {"application_type": self.application_type} if self.application_type else {}
        return {
            "token_endpoint_auth_method": self.token_endpoint_auth_method,
            "grant_types": [*self.grant_types],
            **application_type,
        }


KINDS: Final = (
    Kind(
        name="web",
        label=gettext_lazy("Web app with a server"),
        sentence=gettext_lazy(
            "The app runs on a server, which can keep a secret. People sign in with their browser. Most websites are "
            "of this kind."
        ),
        token_endpoint_auth_method=_SECRET,
        grant_types=_CODE,
        application_type="web",
        asked=("client_name", "redirect_uris", "scope", "client_uri", "logo_uri", "post_logout_redirect_uris"),
        required=frozenset({"client_name", "redirect_uris"}),
    ),
    Kind(
        name="spa",
        label=gettext_lazy("Single-page app"),
        sentence=gettext_lazy(
            "The app runs in the browser and can't keep a secret, so it has none and uses PKCE instead. If your app "
            "has a server, choose a web app: it is safer."
        ),
        token_endpoint_auth_method=_PUBLIC,
        grant_types=_CODE,
        application_type="web",
        asked=("client_name", "redirect_uris", "scope", "client_uri", "logo_uri", "post_logout_redirect_uris"),
        required=frozenset({"client_name", "redirect_uris"}),
    ),
    Kind(
        name="native",
        label=gettext_lazy("Phone or desktop app"),
        sentence=gettext_lazy(
            "The app is installed on people's own devices and can't keep a secret, so it has none and uses PKCE "
            "instead. People sign in with the browser of their device."
        ),
        token_endpoint_auth_method=_PUBLIC,
        grant_types=_CODE,
        application_type="native",
        asked=("client_name", "redirect_uris", "scope", "client_uri", "logo_uri", "policy_uri"),
        required=frozenset({"client_name", "redirect_uris"}),
    ),
    Kind(
        name="device",
        label=gettext_lazy("Device without a browser"),
        sentence=gettext_lazy(
            "A TV, a printer or a command-line tool shows a code, and people enter it in a browser on another "
            "device. It has no secret and no redirect URI."
        ),
        token_endpoint_auth_method=_PUBLIC,
        grant_types=(_DEVICE, "refresh_token"),
        application_type="native",
        asked=("client_name", "scope", "client_uri", "logo_uri", "policy_uri"),
        required=frozenset({"client_name"}),
    ),
    Kind(
        name="service",
        label=gettext_lazy("Service acting for itself"),
        sentence=gettext_lazy(
            "A server or a script gets tokens with its own secret. No person is asked: it may use the selected "
            "scopes at any time."
        ),
        token_endpoint_auth_method=_SECRET,
        grant_types=("client_credentials",),
        asked=("client_name", "scope", "contacts"),
        required=frozenset({"client_name", "scope"}),
    ),
    Kind(
        name="workload",
        label=gettext_lazy("Workload with an identity from its platform"),
        sentence=gettext_lazy(
            "A job or a pod gets tokens with the token that its platform gives it, such as GitHub Actions or "
            "Kubernetes. It has no secret. The setting trusted_issuers says which workloads are this client."
        ),
        token_endpoint_auth_method=WORKLOAD,
        grant_types=("client_credentials",),
        asked=("client_name", "scope", "contacts"),
        required=frozenset({"client_name", "scope"}),
        by_method=True,
    ),
    Kind(
        name="api",
        label=gettext_lazy("API that only checks tokens"),
        sentence=gettext_lazy(
            "A resource server asks this server whether a token is valid (introspection). It can't get tokens itself."
        ),
        token_endpoint_auth_method=_SECRET,
        grant_types=(),
        asked=("client_name", "resource_identifiers", "contacts"),
        required=frozenset({"client_name", "resource_identifiers"}),
    ),
)
"""Every kind, the most usual first."""


def kinds_for(terms: Terms) -> tuple[Kind, ...]:
    """The kinds that may be registered by *terms*, each with what follows there."""
    return tuple(settled for kind in KINDS if (settled := _settled(kind, terms)))


def kind_named(name: str, terms: Terms) -> Kind | None:
    """The kind that *name* says. None: there is none, or not by *terms*."""
    return next((kind for kind in kinds_for(terms) if kind.name == name), None)


def kind_of(client: Client, issuer: Issuer) -> Kind | None:
    """What *client* is by what it registered. None: something that cannot be added by kind."""
    name = _name(client, public=is_public(client, issuer))
    return next((kind for kind in KINDS if kind.name == name), None)


def _name(client: Client, *, public: bool) -> str:
    grant_types = {*client.grant_types}
    if not grant_types:
        return "api"
    if "authorization_code" in grant_types or "implicit" in grant_types:
        app = "native" if client.metadata.get("application_type") == "native" else "spa"
        return app if public else "web"
    if _DEVICE in grant_types:
        return "device"
    if "client_credentials" in grant_types:
        return "workload" if client.token_endpoint_auth_method == WORKLOAD else "service"
    return ""


def _settled(kind: Kind, terms: Terms) -> Kind | None:
    """*kind* with what *terms* offer. None where they do not offer what it needs."""
    members = members_of(terms)
    method = _method(kind, terms)
    offered = choices_of(members["grant_types"], terms)
    if method is None or any(name not in offered for name in kind.grant_types[:1]):
        return None
    asked = [name for name in kind.asked if name in members and _can_be_answered(members[name], terms)]
    if terms.held is not None and any(members[name].operator_only for name in asked):
        return None
    needs_scope = "scope" in asked and not terms.settings.default_scopes
    return replace(
        kind,
        token_endpoint_auth_method=method.name,
        grant_types=tuple(name for name in kind.grant_types if name in offered),
        asked=(*asked, *(_KEYS if method.needs_keys else ())),
        required=kind.required.intersection(asked) | ({"scope"} if needs_scope else frozenset()),
    )


def _method(kind: Kind, terms: Terms) -> ClientAuthMethod | None:
    """The authentication method of *kind*, or another by which a client proves as much."""
    known = terms.components.of(ClientAuthMethod)
    offered = [known[name] for name in choices_of(members_of(terms)["token_endpoint_auth_method"], terms)]
    fitting = [one for one in offered if one.confidential == (kind.token_endpoint_auth_method != _PUBLIC)]
    others = [one for one in fitting if not kind.by_method and one.name != WORKLOAD]
    return next((one for one in fitting if one.name == kind.token_endpoint_auth_method), next(iter(others), None))


def _can_be_answered(member: Member, terms: Terms) -> bool:
    """Whether there is anything to choose, where *member* is a choice."""
    return member.kind not in {"choice", "choices", "scope"} or bool(choices_of(member, terms))
