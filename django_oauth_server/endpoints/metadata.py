"""Authorization server metadata (RFC 8414), derived from the components that are switched on."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from django_oauth_server.adoption.former_addresses import advertised
from django_oauth_server.component import WELL_KNOWN, Component, Endpoint
from django_oauth_server.conf import Policy
from django_oauth_server.endpoints.http import protocol_endpoint
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer

_VIEW: Final = "django_oauth_server.endpoints.metadata.metadata"


class MetadataEndpoint(Component):
    """What is advertised is what is accepted.

    Clients look for it before an issuer's path (RFC 8414 section 3.1). It is behind the path as well, the only place that a project can serve
    where it is mounted there.
    """

    name = "metadata"
    endpoints = (
        Endpoint("metadata_behind_path", f"{WELL_KNOWN}oauth-authorization-server", _VIEW),
        Endpoint("metadata", "oauth-authorization-server", _VIEW, well_known=True),
    )


@protocol_endpoint(cors=True, methods=("GET", "HEAD"))
def metadata(http: HttpRequest, issuer: Issuer) -> Answer:
    """The document of RFC 8414 section 2."""
    return Answer(document(issuer), headers={"Cache-Control": "public, max-age=300"})


def document(issuer: Issuer) -> dict[str, object]:
    """Every component's members; lists are joined, in the order of the components."""
    joined: dict[str, object] = {"issuer": issuer.settings.issuer}
    url = advertised(issuer)
    for component in issuer.components:
        for name, offered in component.metadata(url, issuer.settings).items():
            value = _permitted(name, offered, issuer.policy)
            before = joined.get(name)
            joined[name] = (
                [*before, *(one for one in value if one not in before)]
                if isinstance(before, list) and isinstance(value, list)
                else value
            )
    return joined | {"scopes_supported": list(issuer.settings.scopes)}


def _permitted(name: str, offered: object, policy: Policy) -> object:
    """Of the algorithms of signatures, those that the policy permits."""
    if name.endswith("_signing_alg_values_supported") and isinstance(offered, list):
        return list(policy.algorithms(offered))
    return offered
