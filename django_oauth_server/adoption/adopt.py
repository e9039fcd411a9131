"""Taking over what a source knows, a batch at a time, and again whenever it is asked: what is here already stays as it is."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from django_oauth_server.adoption.source import ForeignClient, ForeignToken, Source
from django_oauth_server.clients.metadata import check_member, members_of, terms_of
from django_oauth_server.clients.presentation import presentation
from django_oauth_server.clients.previews import MEMBER as PREVIEWS
from django_oauth_server.clients.registration import check_client_id, check_first_party, review
from django_oauth_server.clients.secrets import set_secret, signs_with_secret
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import Document, Terms
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.grants.rotation import refresh_until
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.encryption import encrypt
from django_oauth_server.keys.signing import forget
from django_oauth_server.models import Authorization, Client, SigningKey, Ticket, Token
from django_oauth_server.models.adoption import Adoption
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.storage.adoptions import (
    ADOPTED,
    Allowed,
    Pair,
    add_ticket,
    add_tokens,
    adopted_before,
    adopted_tokens,
    authorize,
    clients_by_id,
    end_adopted,
    ended_authorizations,
    find_adoption,
    known_digests,
    known_kids,
    note_adoption,
    people,
    unused,
    write_again,
)
from django_oauth_server.storage.batches import batches
from django_oauth_server.storage.clients import ClientExists, add_adopted
from django_oauth_server.storage.signing_keys import add_signing_keys
from django_oauth_server.storage.transaction import atomic, retry_conflicts

CLOCKS_DIFFER: Final = timedelta(minutes=1)
_LISTS: Final = ("redirect_uris", PREVIEWS, "post_logout_redirect_uris")
_NARROWED: Final = ("grant_types", "response_types", "scope")


@dataclass
class Report:
    """What a run did, or would do."""

    counts: Counter[str] = field(default_factory=Counter)
    """By the words that the command has for them (`WORDS` in `management/commands/adopt.py`)."""
    remarks: dict[str, list[str]] = field(default_factory=dict)
    """What an operator should know, by client id; empty: of all."""
    left_out: set[str] = field(default_factory=set)
    """The clients, by their ids, that cannot be adopted."""

    def remark(self, client_id: str, *words: str) -> None:
        if words:
            self.remarks.setdefault(client_id, []).extend(words)


Progress = Callable[[Report], None]


def adopt(source: Source, issuer: Issuer, now: datetime, *, write: bool, progress: Progress) -> Report:
    """Take over what *source* has and *issuer* does not; without *write*, only say what that would be.

    A second run brings what came since, and ends what has ended there since. What was adopted and has ended here stays ended: a token that the
    source issued before the last complete run, and that is not here, was here once.
    """
    report, before = Report(), find_adoption(issuer.settings.issuer, source.name)
    _adopt_keys(source, issuer, now, report, write=write)
    clients = _adopt_clients(source, issuer, report, write=write)
    progress(report)
    for some in batches(source.tokens(now)):
        fresh = [one for one in some if is_due(one, clients.get(one.client_id), before, issuer, now)]
        report.counts.update(_keep_or_count(fresh, clients, source, issuer, now, write=write))
        progress(report)
    if before and not source.is_empty():
        for batch in adopted_tokens(issuer.settings.issuer, source.name, now):
            report.counts["ended"] += _end_what_ended(batch, source, now, write=write)
            progress(report)
    if write:
        note_adoption(issuer.settings.issuer, source.name, now, report.left_out)
    return report


def adopt_code(value: str, source: Source, issuer: Issuer, now: datetime) -> bool:
    """Store the authorization code of *value*, with what the person allowed, as one of ours; *source* forgets it."""
    return retry_conflicts(partial(_adopt_code, value, source, issuer, now))


def _adopt_code(value: str, source: Source, issuer: Issuer, now: datetime) -> bool:
    with atomic():
        code = source.take_code(value, now)
        client = find_client(issuer, code.client_id) if code else None
        person = people([code.user]).get(code.user) if code else None
        if code is None or client is None or person is None:
            return False
        scopes, resources = frozenset(code.scope.split()), _audience(code.resources, issuer)
        allowed = Allowed(client, person, scopes, resources, code.issued_at, presentation(client))
        authorization = authorize({(client.pk, code.user): allowed}, now)[client.pk, code.user]
        add_ticket(
            Ticket(
                kind=Ticket.Kind.AUTHORIZATION_CODE,
                digest=digest(value),
                client=client,
                authorization=authorization,
                payload={
                    "redirect_uri": code.redirect_uri,
                    "redirect_uri_was_sent": True,
                    "code_challenge": code.code_challenge,
                    "code_challenge_method": code.code_challenge_method,
                    "scopes": sorted(scopes),
                    "resources": list(code.resources),
                    "nonce": code.nonce,
                },
                created_at=code.issued_at,
                expires_at=code.expires_at,
            )
        )
    return True


def is_due(token: ForeignToken, client: Client | None, before: Adoption | None, issuer: Issuer, now: datetime) -> bool:
    """Whether *token* can be new here. What the last run has seen is here, or was, and its row may have gone since."""
    if before is None or token.client_id in before.left_out:
        return True
    idle = (client and client.refresh_token_lifetime) or issuer.settings.refresh_token_lifetime
    return token.issued_at >= max(before.adopted_until - CLOCKS_DIFFER, now - idle)


def keep(
    tokens: Sequence[ForeignToken], clients: Mapping[str, Client], source: Source, issuer: Issuer, now: datetime
) -> Counter[str]:
    """Store those of *tokens* that are not here, and what people had allowed, in one transaction. Returns what became of them."""
    return retry_conflicts(partial(_keep, tokens, clients, source, issuer, now))


def _keep_or_count(
    tokens: Sequence[ForeignToken],
    clients: Mapping[str, Client],
    source: Source,
    issuer: Issuer,
    now: datetime,
    *,
    write: bool,
) -> Counter[str]:
    if write:
        return keep(tokens, clients, source, issuer, now)
    new, outcome = _unknown(tokens)
    left, refused = _sifted(new, clients)
    return outcome + refused + Counter(map(_kind, left))


def _keep(
    tokens: Sequence[ForeignToken], clients: Mapping[str, Client], source: Source, issuer: Issuer, now: datetime
) -> Counter[str]:
    new, outcome = _unknown(tokens)
    left, refused = _sifted(new, clients)
    outcome += refused
    if not left:
        return outcome
    found = people({one.user for one in left if one.user is not None})
    with atomic():
        allowed = _allowed(left, clients, found, issuer)
        authorizations = authorize(allowed, now)
        write_again([*{clients[one.client_id].pk: clients[one.client_id] for one in left if one.user is None}.values()])
        known = known_digests([one.digest for one in left])
        new = [one for one in left if one.digest not in known]
        rows = [_token(one, clients[one.client_id], authorizations, source, issuer, now) for one in new]
        add_tokens(rows)
        # Once the next one is used here, nobody asks the source any more whether the one before was rotated there.
        outcome["ended"] += _end_what_ended(adopted_before(rows, source.name), source, now, write=True)
    outcome["known"] += len(left) - len(new)
    return outcome + Counter(map(_kind, new))


def _unknown(tokens: Sequence[ForeignToken]) -> tuple[list[ForeignToken], Counter[str]]:
    """Those of *tokens* that are not here, and how many are: for these nothing is asked or written any more."""
    known = known_digests([one.digest for one in tokens])
    new = [one for one in tokens if one.digest not in known]
    return new, Counter(known=len(tokens) - len(new))


def _sifted(tokens: Sequence[ForeignToken], clients: Mapping[str, Client]) -> tuple[list[ForeignToken], Counter[str]]:
    """Those of *tokens* that can live here, and how many cannot."""
    found = people({one.user for one in tokens if one.user is not None})
    ended = ended_authorizations({(clients[one.client_id].pk, one.user) for one in tokens if one.client_id in clients})
    outcome: Counter[str] = Counter()
    left = []
    for one in tokens:
        client = clients.get(one.client_id)
        if client is None:
            outcome["of_left_out"] += 1
        elif one.user is not None and one.user not in found:
            outcome["of_disabled"] += 1
        elif one.user is not None and ended.get((client.pk, one.user), one.issued_at) > one.issued_at:
            outcome["withdrawn"] += 1
        else:
            left.append(one)
    return left, outcome


def _kind(token: ForeignToken) -> str:
    return "access_tokens" if token.kind == Token.Kind.ACCESS else "refresh_tokens"


def _allowed(
    tokens: Iterable[ForeignToken],
    clients: Mapping[str, Client],
    found: Mapping[object, AbstractBaseUser],
    issuer: Issuer,
) -> dict[Pair, Allowed]:
    allowed: dict[Pair, Allowed] = {}
    for one in tokens:
        if one.user is None:
            continue
        client = clients[one.client_id]
        said = Allowed(
            client,
            found[one.user],
            frozenset(one.scope.split()),
            _audience(one.resources, issuer),
            one.issued_at,
            presentation(client),
        )
        before = allowed.get((client.pk, one.user), said)
        allowed[client.pk, one.user] = said._replace(
            scopes=said.scopes | before.scopes,
            resources=said.resources | before.resources,
            since=min(said.since, before.since),
        )
    return allowed


def _audience(resources: Collection[str], issuer: Issuer) -> frozenset[str]:
    """The resources that somebody allowed: the default one where none is named."""
    return frozenset(resources) or frozenset({issuer.settings.default_resource})


def _token(
    one: ForeignToken,
    client: Client,
    authorizations: Mapping[Pair, Authorization],
    source: Source,
    issuer: Issuer,
    now: datetime,
) -> Token:
    is_access = one.kind == Token.Kind.ACCESS
    idle = refresh_until(client, {}, issuer, now)
    return Token(
        kind=one.kind,
        digest=one.digest,
        client=client,
        authorization=authorizations[client.pk, one.user] if one.user is not None else None,
        family=one.family,
        scope=format_scope(frozenset(one.scope.split())),
        audience=list(one.resources),
        facts={ADOPTED: [source.name, one.key, int(now.timestamp())]},
        salt="" if is_access else secrets.token_hex(16),
        self_contained=False if is_access else None,
        issued_at=one.issued_at,
        expires_at=one.expires_at if is_access and one.expires_at else min(idle, one.expires_at or idle),
    )


def _end_what_ended(tokens: Collection[Token], source: Source, now: datetime, *, write: bool) -> int:
    """What was used here since is ours to end, and not looked at: the source may have tidied up."""
    left = unused(tokens)
    keys = {kind: [one.facts[ADOPTED][1] for one in left if one.kind == kind] for kind in Token.Kind}
    living = source.living(keys, now)
    ended = [one for one in left if (one.kind, str(one.facts[ADOPTED][1]), one.digest) not in living]
    return end_adopted(ended, now) if write else len(ended)


def _adopt_keys(source: Source, issuer: Issuer, now: datetime, report: Report, *, write: bool) -> None:
    if issuer.settings.signing_key_files:
        report.remark("", _("Signing keys come from signing_key_files: put the former private keys into files there."))
        return
    rows: list[SigningKey] = []
    for one in source.signing_keys():
        try:
            pair = SigningKeyPair.load(one.pem.encode())
        except ValueError as exc:
            report.remark("", _("A signing key can't be adopted: %(reason)s.") % {"reason": exc})
            continue
        rows.append(
            SigningKey(
                issuer=issuer.settings.issuer,
                kid=pair.kid,
                alg=pair.alg,
                public_jwk=pair.public_jwk(),
                encrypted_private_jwk=encrypt(pair.dump(), issuer.settings),
                created_at=now,
                signs_from=now if one.signs else now - timedelta(days=1),
            )
        )
    known = known_kids([row.kid for row in rows])
    for kid in (kid for kid, of in known.items() if of != issuer.settings.issuer):
        report.remark("", _("The signing key %(kid)s is another issuer's already.") % {"kid": kid})
    new = [row for row in rows if row.kid not in known]
    report.counts["keys"] += len(new)
    report.counts["known_keys"] += len(rows) - len(new)
    if write and new:
        add_signing_keys(new)
        forget()


def _adopt_clients(source: Source, issuer: Issuer, report: Report, *, write: bool) -> Mapping[str, Client]:
    """The clients that *source* and *issuer* have both, by id."""
    there, clients = clients_by_id(issuer.settings.issuer), {}
    for one in source.clients():
        if one.client_id in there:
            clients[one.client_id] = there[one.client_id]
            report.counts["known_clients"] += 1
            continue
        try:
            client = _client(one, issuer, report)
            if write:
                add_adopted(client, one.hashed_secret)
        except (InvalidClientMetadata, ClientExists) as exc:
            reason = f"{exc.member}: {exc.rule}" if isinstance(exc, InvalidClientMetadata) else _("This ID is taken.")
            report.left_out.add(one.client_id)
            report.remark(one.client_id, _("Can't be adopted. %(reason)s") % {"reason": reason})
            report.counts["left_out"] += 1
            continue
        clients[one.client_id] = client
        report.counts["clients"] += 1
        report.counts["foreign_secrets"] += bool(one.hashed_secret)
    return clients


def _client(one: ForeignClient, issuer: Issuer, report: Report) -> Client:
    """A new client as *one* was. Raises `InvalidClientMetadata` where it could not be registered here."""
    terms = terms_of(issuer)
    check_client_id(one.client_id)
    metadata, refusals = review(_fitting(one, terms, report), terms, operator=True)
    for member, rule in refusals.items():
        raise InvalidClientMetadata(member, rule)
    client = Client(
        issuer=issuer.settings.issuer,
        client_id=one.client_id,
        metadata=metadata,
        skip_consent=one.skip_consent,
        registered_by=Client.RegisteredBy.ITSELF if one.by_itself else Client.RegisteredBy.OPERATOR,
        created_at=one.created_at,
        owner_id=one.owner,  # type: ignore[misc]
    )
    report.remark(one.client_id, *one.remarks)
    if one.skip_consent:
        _check_first_party(client, terms, report)
    if one.secret:
        set_secret(client, one.secret, issuer.settings, in_clear=signs_with_secret(metadata))
    return client


def _check_first_party(client: Client, terms: Terms, report: Report) -> None:
    try:
        check_first_party(client.metadata, terms)
    except InvalidClientMetadata as exc:
        client.skip_consent = False
        report.remark(client.client_id, exc.rule)


def _fitting(one: ForeignClient, terms: Terms, report: Report) -> Document:
    """What *one* registered, without what this issuer does not offer: URIs one by one, grant types, response types and scopes together. A source
    that knows no scopes of a client let it ask for each."""
    members = members_of(terms)
    known = {name: value for name, value in one.metadata.items() if value and name in members}
    said = {"scope": format_scope(terms.settings.scopes), **known}
    if PREVIEWS in members:
        uris = _strings(said, "redirect_uris")
        said["redirect_uris"] = [uri for uri in uris if "*" not in uri]
        said[PREVIEWS] = [uri for uri in uris if "*" in uri]
    for name in _LISTS:
        if name in said:
            said[name] = list(_passing(one.client_id, name, said, terms, report))
    narrowed, _refusals = review(said, terms, operator=False)
    for name in _NARROWED:
        kept = _strings(narrowed, name)
        if gone := [value for value in _strings(said, name) if value not in kept]:
            said[name] = narrowed.get(name, [])
            words = {"name": name, "values": ", ".join(gone)}
            report.remark(one.client_id, _("Not offered here: %(name)s %(values)s.") % words)
    return said


def _strings(document: Document, name: str) -> list[str]:
    value = document.get(name, [])
    return [str(one) for one in value] if isinstance(value, list) else str(value).split()


def _passing(client_id: str, name: str, said: Document, terms: Terms, report: Report) -> Iterator[str]:
    for value in _strings(said, name):
        try:
            check_member(members_of(terms)[name], [value], terms)
        except ValueError as exc:
            report.remark(client_id, _("%(name)s: %(reason)s") % {"name": name, "reason": exc})
        else:
            yield value
