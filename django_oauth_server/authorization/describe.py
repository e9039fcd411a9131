"""An app and what it asks for, in words for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.utils.text import Truncator
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from django_oauth_server.clients.presentation import UNKNOWN, VOUCHED
from django_oauth_server.component import Document, Words
from django_oauth_server.conf import Scope
from django_oauth_server.conf.files import is_file
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.protocol.text import readable
from django_oauth_server.protocol.uris import destination
from django_oauth_server.tokens.claims import claims_class

_NOBODY_VOUCHES: Final[Mapping[str, str]] = {
    Client.RegisteredBy.ITSELF: "self_registered",
    Client.RegisteredBy.PERSON: "self_registered",
    Client.RegisteredBy.DOCUMENT: "document",
}
"""What the pages call it, by how the client came."""
_LONGEST_CLAIM: Final = 60
SHOWN_OF_A_GROUP: Final = 5
"""What is beyond is folded, so that the buttons of consent stay near."""
_CHANGED: Final[Mapping[str, Words]] = {
    UNKNOWN: gettext_lazy("its registration"),
    VOUCHED: gettext_lazy("whether it has been verified"),
    "client_name": gettext_lazy("its name"),
    "redirect_uris": gettext_lazy("where you can be sent back to"),
    "logo_uri": gettext_lazy("its logo"),
    "client_uri": gettext_lazy("its website"),
    "policy_uri": gettext_lazy("its privacy policy"),
    "tos_uri": gettext_lazy("its terms of service"),
    "contacts": gettext_lazy("its contacts"),
    "grant_types": gettext_lazy("how long its access lasts"),
}
"""What people are told has changed, by the member of the client's metadata."""


def describe_changes(members: Collection[str]) -> list[Words]:
    """What an app has changed since the person allowed it."""
    return [words for member, words in _CHANGED.items() if member in members]


def describe_client(client: Client, issuer: Issuer) -> dict[str, object]:
    """Who an app says it is; of one that is described by a document first the host that the document is at. Where nobody vouches for that host, the
    app has no other name, and leads to no other host: what it is called, and its logo, are what it `claims`."""
    said, host = client.metadata, client.document_host
    own_name = readable(_in_language(said, "client_name")) or client.name
    logo_url = _logo_url(client, _in_language(said, "logo_uri"), issuer)
    only_host = "" if client.is_vouched_for else host
    name = only_host or own_name
    home, policy, terms = (
        _on_host(only_host, _in_language(said, one)) for one in ("client_uri", "policy_uri", "tos_uri")
    )
    return {
        "client_id": client.client_id,
        "name": name,
        "host": host,
        "claims": _claims(client, own_name, logo_url) if only_host else None,
        "initial": name[:1].upper(),
        "logo_url": "" if only_host else logo_url,
        "home_url": home,
        "home_host": urlsplit(home).netloc,
        "policy_url": policy,
        "terms_url": terms,
        "contacts": [readable(str(contact)) for contact in said.get("contacts", ())],
    }


def _claims(client: Client, name: str, logo_url: str) -> dict[str, str] | None:
    """No longer than a name is: what follows tells people not to believe it, and has to be in view."""
    return {"name": Truncator(name).chars(_LONGEST_CLAIM), "logo_url": logo_url} if name != client.client_id else None


def _on_host(host: str, address: str) -> str:
    """*address*; empty where it is at another host than *host*, if one is named: a link would make the other one's name believed."""
    return address if not host or destination(address) == host else ""


def describe_access(
    scopes: Collection[str], claims: Iterable[str], issuer: Issuer, *, known: Authorization | None = None
) -> list[dict[str, object]]:
    """What an app may do and is told, in the order of every page: what is sensitive first, then by resource, as the settings name them.

    *known*: what the person allowed before. The rest is marked as new.
    """
    places = {resource: place for place, resource in enumerate(("", *issuer.settings.resources))}
    described = [
        *_describe_scopes(scopes, issuer, known.scopes if known else None),
        *_describe_claims(claims, issuer, known.claims if known else None),
    ]
    return sorted(described, key=lambda one: (not one["sensitive"], places.get(str(one["resource"]), len(places))))


def _describe_scopes(
    names: Collection[str], issuer: Issuer, known: Collection[str] | None
) -> Iterator[dict[str, object]]:
    """What each scope lets an app do."""
    for name, scope in issuer.settings.scopes.items():
        if name in names and isinstance(scope, Scope):
            yield {
                "name": name,
                "description": scope.description,
                "sensitive": scope.sensitive,
                "optional": scope.optional,
                "new": known is not None and name not in known,
                "resource": scope.resource,
                "about": resource_name(scope.resource, issuer) if scope.resource else "",
            }


def _describe_claims(
    names: Iterable[str], issuer: Issuer, known: Collection[str] | None
) -> Iterator[dict[str, object]]:
    """What each claim tells an app, where it asks for claims one by one."""
    words = claims_class(issuer.settings).words
    for name in sorted(names):
        yield {
            "name": name,
            "description": words.get(name, name),
            "sensitive": False,
            "optional": False,
            "new": known is not None and name not in known,
            "resource": "",
            "about": "",
        }


def in_groups(access: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """*access* as consent lists it: a group for each resource. Of several resources, what is sensitive is a group of its own, before them all."""
    resources = {one["resource"] for one in access}
    first = [one for one in access if one["sensitive"] and len(resources) > 1]
    others = groupby(access[len(first) :], key=itemgetter("resource"))
    groups = [("", first), *((str(some[0]["about"]), some) for some in (list(each) for _, each in others))]
    return [_fold(heading, some) for heading, some in groups if some]


def _fold(heading: str, some: Sequence[dict[str, object]]) -> dict[str, object]:
    """Nothing that is sensitive is folded away."""
    shown = max(SHOWN_OF_A_GROUP, sum(bool(one["sensitive"]) for one in some))
    return {"heading": heading, "scopes": some[:shown], "more": some[shown:]}


def resource_name(identifier: str, issuer: Issuer) -> str:
    """What people call the resource."""
    declared = issuer.settings.declared([identifier])
    return declared[0].name if declared else issuer.settings.name


def describe_duration(client: Client, issuer: Issuer) -> str:
    """For how long an app is let in."""
    if "refresh_token" in client.grant_types:
        unused = client.refresh_token_lifetime or issuer.settings.refresh_token_lifetime
        return _("Access ends when you remove it, or after %(time)s without use.") % {"time": _words(unused)}
    lifetime = client.access_token_lifetime or issuer.settings.access_token_lifetime
    return _("Access ends after %(time)s.") % {"time": _words(lifetime)}


def _words(time: timedelta) -> str:
    minutes = max(round(time.total_seconds() / 60), 1)
    if minutes % (24 * 60) == 0:
        return ngettext("%(count)d day", "%(count)d days", minutes // (24 * 60)) % {"count": minutes // (24 * 60)}
    if minutes % 60 == 0:
        return ngettext("%(count)d hour", "%(count)d hours", minutes // 60) % {"count": minutes // 60}
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def why_unproven(client: Client, *, proves_itself: bool) -> str:
    """Why nobody vouches for the app; empty where an operator does, and it *proves_itself* where the answer goes."""
    unvouched = "" if client.is_vouched_for else _NOBODY_VOUCHES.get(client.registered_by, "")
    return unvouched or ("" if proves_itself else "unproven")


def _in_language(said: Document, member: str) -> str:
    """*member* in the language of the page, where the app says it so (RFC 7591 section 2.2)."""
    language = (get_language() or "").lower()
    tagged = {name.partition("#")[2].lower(): value for name, value in said.items() if name.startswith(f"{member}#")}
    return str(tagged.get(language) or tagged.get(language.partition("-")[0]) or said.get(member) or "")


def _logo_url(client: Client, uri: str, issuer: Issuer) -> str:
    """Where this site draws it: no address that a client chose is loaded by whoever looks, neither another site's, which would learn of them before
    they agreed to anything, nor one of this site's own, which their browser would ask with their cookies, unless that is but a file. Empty where the
    client has none."""
    if not uri or (uri.startswith(f"{issuer.origin}/") and is_file(urlsplit(uri).path)):
        return uri
    return f"{issuer.url_path('logo')}?{urlencode({'client_id': client.client_id, 'logo_uri': uri})}"
