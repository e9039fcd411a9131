"""How clients came to be known here, and what limits each way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.documents import BY_ADDRESS, BY_HOST
from django_oauth_server.clients.kinds import WORKLOAD
from django_oauth_server.component import Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.apps import AppsSettings
from django_oauth_server.conf.client_id_metadata_documents import DocumentSettings
from django_oauth_server.conf.trusted_issuers import TrustedIssuersSettings
from django_oauth_server.models import Client

_By: Final = Client.RegisteredBy
_IS_WORKLOAD: Final = Q(metadata__token_endpoint_auth_method=WORKLOAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Answers one question: how did a client come to be known here?"""

    name: str
    label: Words
    sentence: Words
    clients: Q
    """Which clients came so."""
    limits: Callable[[IssuerSettings], Mapping[str, object]]
    """The settings that say whether clients may come so, and how many, with their values."""


ORIGINS: Final = (
    Origin(
        name=_By.OPERATOR,
        label=_By.OPERATOR.label,
        sentence=gettext_lazy("Added in the admin or with createclient. People are not warned about these apps."),
        clients=Q(registered_by=_By.OPERATOR) & ~_IS_WORKLOAD,
        limits=lambda settings: {},
    ),
    Origin(
        name="workload",
        label=gettext_lazy("by an operator, for a workload"),
        sentence=gettext_lazy(
            "Added by an operator, without a secret or a key: a trusted issuer, such as Kubernetes or GitHub Actions, "
            "says who the client is."
        ),
        clients=Q(registered_by=_By.OPERATOR) & _IS_WORKLOAD,
        limits=lambda settings: {
            f"trusted_issuers: {one.issuer}": tuple(dict.fromkeys(each.client_id for each in one.workloads))
            for one in settings.group(TrustedIssuersSettings).issuers
            if one.workloads
        },
    ),
    Origin(
        name=_By.PERSON,
        label=_By.PERSON.label,
        sentence=gettext_lazy("Registered by one of your users under “Your apps”."),
        clients=Q(registered_by=_By.PERSON),
        limits=lambda settings: _fields("apps", settings.group(AppsSettings)),
    ),
    Origin(
        name=_By.INITIAL_ACCESS_TOKEN,
        label=_By.INITIAL_ACCESS_TOKEN.label,
        sentence=gettext_lazy(
            "Registered by the client itself with a token that you created. Each token has its own number of uses "
            "and its own expiry."
        ),
        clients=Q(registered_by=_By.INITIAL_ACCESS_TOKEN),
        limits=lambda settings: _registration(settings),
    ),
    Origin(
        name=_By.ITSELF,
        label=_By.ITSELF.label,
        sentence=gettext_lazy("Registered by the client itself, without a token. People are warned about these apps."),
        clients=Q(registered_by=_By.ITSELF),
        limits=lambda settings: _registration(settings),
    ),
    Origin(
        name=_By.DOCUMENT,
        label=_By.DOCUMENT.label,
        sentence=gettext_lazy(
            "Described by a document at its client ID, and added when somebody first allows it. People are warned "
            "unless you vouch for the document's host."
        ),
        clients=Q(registered_by=_By.DOCUMENT),
        limits=lambda settings: {
            **_fields("client_id_metadata_documents", settings.group(DocumentSettings)),
            **_throttles(settings, BY_HOST, BY_ADDRESS),
        },
    ),
)
"""Every way. A client came by exactly one."""


def origin_of(client: Client) -> Origin:
    """How *client* came."""
    by_operator = client.registered_by == _By.OPERATOR
    is_workload = by_operator and client.token_endpoint_auth_method == WORKLOAD
    name = "workload" if is_workload else client.registered_by
    return next(one for one in ORIGINS if one.name == name)


def _registration(settings: IssuerSettings) -> Mapping[str, object]:
    named = {"registration": settings.registration, "registration_scopes": settings.registration_scopes}
    return {**named, **_throttles(settings, "registration")}


def _throttles(settings: IssuerSettings, *names: str) -> Mapping[str, object]:
    """Of those of *names* that there are: what is switched off has none."""
    return {f"throttles: {name}": settings.throttles[name] for name in names if name in settings.throttles}


def _fields(name: str, group: AppsSettings | DocumentSettings) -> Mapping[str, object]:
    return {f"{name}: {field.name}": getattr(group, field.name) for field in fields(group)}
