"""Sites that know a person by the same identifier, which no others know (OpenID Connect Core section 8.1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from django.core.checks import CheckMessage, Warning
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.metadata import check_https_uri
from django_oauth_server.component import Component, Document, Member, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.outbound import Crowded, Errand, Unreachable, fetch, run
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.uris import site

_MEMBER: Final = "sector_identifier_uri"
_MOST_BYTES: Final = 64 * 1024
_SHORTEST_SALT: Final = 32

logger = get_log(__name__)


class PairwiseSubjects(Component):
    """Subject identifiers of which no two sectors can tell whether they are one person's."""

    name = "pairwise_subjects"
    client_metadata = (
        Member(
            name=_MEMBER,
            kind="uri",
            purpose="tokens",
            label=gettext_lazy("Sector identifier URL"),
            help=gettext_lazy(
                "URL of a JSON array with the redirect URIs of all apps that get the same identifier for a "
                "person. If its host changes, people have to allow the client again."
            ),
            check=check_https_uri,
        ),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid and bool(settings.pairwise_salt)

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if len(settings.pairwise_salt) < _SHORTEST_SALT:
            yield Warning(
                f"pairwise_salt of {settings.issuer} is shorter than {_SHORTEST_SALT} characters: anyone who guesses it can "
                "match pairwise identifiers to people (OpenID Connect Core section 8.1).",
                hint="Generate a longer one before the first client uses it: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
                id="oauth_server.W008",
            )


def check_sector(metadata: Document, terms: Terms, before: Document) -> Iterator[tuple[str, str]]:
    """The member that is wrong, and the rule. Asks the address that the client names, so it comes last, for a document that is sound otherwise.

    The address has answered for what the client registered *before*, and is not asked for that again. Raises `TemporarilyUnavailable`
    where it is not waited for.
    """
    redirect_uris = _strings(metadata.get("redirect_uris"))
    if _MEMBER in metadata:
        known = _strings(before.get("redirect_uris")) if before.get(_MEMBER) == metadata[_MEMBER] else []
        if new := [uri for uri in redirect_uris if uri not in known]:
            yield from _faults(str(metadata[_MEMBER]), new, terms.settings)
    elif metadata.get("subject_type") == "pairwise" and len({site(uri) for uri in redirect_uris}) > 1:
        yield (
            _MEMBER,
            _(
                "This is required for pairwise identifiers if the redirect URIs are on several hosts (OpenID "
                "Connect Core section 8.1)."
            ),
        )


def _faults(url: str, redirect_uris: list[str], settings: IssuerSettings) -> Iterator[tuple[str, str]]:
    try:
        errand = Errand(f"sector {settings.issuer} {url}", f"sector of {site(url)}", lambda: _listed(url, settings))
        listed = run(errand, settings.outbound_timeout.total_seconds() + 1)
    except Crowded as exc:
        raise TemporarilyUnavailable("The sector_identifier_uri cannot be fetched right now.", detail=str(exc)) from exc
    except (Unreachable, ValueError, RecursionError) as exc:
        logger.warning("the sector_identifier_uri of a client cannot be used: %s", exc)
        yield _MEMBER, _("The URL must return a JSON array of redirect URIs (OpenID Connect Registration section 5).")
        return
    if missing := [uri for uri in redirect_uris if uri not in listed]:
        yield (
            _MEMBER,
            _("The document at this URL does not list %(uri)s (OpenID Connect Registration section 5).")
            % {"uri": missing[0]},
        )


def _listed(url: str, settings: IssuerSettings) -> list[str]:
    found = json.loads(fetch(url, settings, accept="application/json", most_bytes=_MOST_BYTES).body)
    if not isinstance(found, list):
        raise ValueError("no JSON array")
    return _strings(found)


def _strings(values: object) -> list[str]:
    return [one for one in values if isinstance(one, str)] if isinstance(values, list) else []
