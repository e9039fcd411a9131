"""Apps that people register for themselves: what they may say, by the rules of clients that register themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauth_server.clients.kinds import Kind, kind_of, kinds_for
from django_oauth_server.clients.metadata import choices_of, member_named, members_of, terms_of
from django_oauth_server.clients.presentation import presentation
from django_oauth_server.clients.registration import Refusals, new_client_id, review, revise_client
from django_oauth_server.clients.self_registration import check_own_change
from django_oauth_server.component import Document, Member, Terms, Words
from django_oauth_server.conf.apps import AppsSettings
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import add_client, revise


def new_app(owner: AbstractBaseUser, issuer: Issuer) -> Client:
    """An app of *owner*, of which nothing is known yet."""
    return Client(
        issuer=issuer.settings.issuer,
        client_id=new_client_id(),
        owner_id=owner.pk,
        registered_by=Client.RegisteredBy.PERSON,
    )


def kinds_offered(issuer: Issuer) -> tuple[Kind, ...]:
    """The kinds of apps that people may register."""
    chosen = issuer.settings.group(AppsSettings).kinds
    return tuple(kind for kind in kinds_for(_terms(Client(), issuer)) if kind.name in chosen)


def kind_of_app(app: Client, issuer: Issuer) -> Kind | None:
    """The kind of *app*, with what follows here. None: it is of none that people are offered."""
    found = kind_of(app, issuer)
    return next((kind for kind in kinds_offered(issuer) if found and kind.name == found.name), None)


def members_asked(kind: Kind, issuer: Issuer) -> Mapping[str, Member]:
    """The members that the owner of an app of this *kind* is asked for."""
    members = members_of(_terms(Client(), issuer))
    return {name: members[name] for name in kind.asked}


def scopes_offered(app: Client, issuer: Issuer) -> Mapping[str, Words]:
    """The scopes that *app* may be registered for: those that the setting names, and those that it has."""
    terms, named = _terms(app, issuer), issuer.settings.group(AppsSettings).scopes
    offered = choices_of(members_of(terms)["scope"], terms)
    return {name: words for name, words in offered.items() if not named or name in named or name in app.scopes}


def usual_scope(app: Client, issuer: Issuer) -> str:
    """What *app* is registered for where its owner leaves the scope blank: the default scopes, of those that it may have."""
    offered = scopes_offered(app, issuer)
    return " ".join(scope for scope in issuer.settings.default_scopes if scope in offered)


def review_app(app: Client, kind: Kind, entered: Document, issuer: Issuer) -> tuple[dict[str, object], Refusals]:
    """The metadata of *app* once *entered* stands in place of what its owner was asked for, and all that is wrong with it."""
    terms = _terms(app, issuer)
    known = members_of(terms)
    kept = {name: value for name, value in app.metadata.items() if name not in kind.asked and member_named(name, known)}
    usual = {"scope": usual_scope(app, issuer)} if "scope" in kind.asked else {}
    document = {**kind.follows, **kept, **usual, **entered}
    metadata, refusals = review(document, terms, operator=True, before=app.metadata)
    if refusals or app._state.adding:
        return metadata, refusals
    try:
        check_own_change(app, metadata, terms)
    except InvalidClientMetadata as exc:
        return metadata, {exc.member: exc.rule}
    return metadata, _vouched_for(app, metadata)


def store_app(app: Client, metadata: Document, issuer: Issuer) -> str:
    """Store *app* with *metadata*, which was reviewed. Returns its secret where it was given one.

    Raises `Conflict` where anything of it was changed since it was read.
    """
    secret = revise_client(app, metadata, issuer)
    if app._state.adding:
        add_client(app)
    else:
        revise(app, timezone.now())
    return secret


def _vouched_for(app: Client, metadata: Document) -> Refusals:
    """What people judge *app* by stays as it is where an operator vouches for it: nobody would be asked anew."""
    if app.registered_by != Client.RegisteredBy.OPERATOR:
        return {}
    before, after = _shown(app.metadata), _shown(metadata)
    said = _("This app can only be changed by an administrator of this site.")
    return {member: said for member in {*before, *after} if before.get(member) != after.get(member)}


def _shown(metadata: Document) -> Mapping[str, str]:
    return presentation(Client(registered_by=Client.RegisteredBy.PERSON, metadata=dict(metadata)))


def _terms(app: Client, issuer: Issuer) -> Terms:
    """No privilege but those that an operator gave *app*."""
    return replace(terms_of(issuer, app.profile), held=app.metadata)
