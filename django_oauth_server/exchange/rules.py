"""Does a rule allow this exchange? Whatever no rule allows is refused, by the rule that came closest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

from django.utils.module_loading import import_string

from django_oauth_server.conf import IDJAG
from django_oauth_server.conf.token_exchange import Exchange
from django_oauth_server.errors import InvalidScope, InvalidTarget, OAuthError, UnauthorizedClient
from django_oauth_server.exchange.base import Unacceptable
from django_oauth_server.exchange.presented import Presented
from django_oauth_server.models import Client
from django_oauth_server.protocol.delegation import ACT, SERVICE, SUB_PROFILE, actor_claim
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.protocol.uris import comparable

logger = get_log("django_oauth_server")

R = TypeVar("R", Exchange, IDJAG)
SETTING: Final = "token_exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An exchange that a client asks for."""

    client: Client
    """Who exchanges."""
    subject: Presented
    actor: Presented | None
    """Who is to act, where a token says so. None: the client itself."""
    targets: tuple[str, ...]
    """The resources that are asked for, as the issuer writes them. Empty: those of the rule, if it names one."""
    scopes: frozenset[str]
    """Those that are asked for. Empty: all that can be had."""
    allowed: frozenset[str]
    """Those that the client and the person allow, whatever a rule says."""
    confirmation: Mapping[str, str]
    """The keys that the client proves to hold."""
    issuer: str
    most_actors: int

    def act(self, rule: Exchange) -> dict[str, object] | None:
        """The claim `act` of the new token (section 4.1). A client that passes a token on to itself does not act twice."""
        if rule.kind == "impersonation":
            return None
        before = self.subject.act
        if self.actor:
            return self.actor.actor(before)
        myself = actor_claim(self.client.client_id)
        if before and {name: value for name, value in before.items() if name != ACT} == myself:
            return dict(before)
        return actor_claim(self.client.client_id, before=before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """An exchange that a rule allows."""

    rule: Exchange | IDJAG
    targets: tuple[str, ...]
    scopes: frozenset[str]
    act: dict[str, object] | None
    """Who acts, as a claim. None: the new token does not say."""


Hook: TypeAlias = Callable[[Asked, Allowed], Collection[str]]
"""The scopes that the new token may have, of those that the rule allows. Raises an `OAuthError` to refuse."""

_NOTHING_LEFT: Final = "This exchange leaves no scope that the new token could have."


def rules_for(client: Client, rules: Iterable[R]) -> list[R]:
    """Those of *rules* that are about *client*. Raises `UnauthorizedClient` where there are none."""
    if own := [rule for rule in rules if rule.client == client.client_id]:
        return own
    raise UnauthorizedClient("No rule allows this client to exchange tokens.", parameter="grant_type", rule=SETTING)


def judged(asked: Asked, rules: Iterable[Exchange]) -> Allowed:
    """What the first rule that allows *asked* gives. Raises the `OAuthError` of the rule that came closest, which it names."""
    refused = []
    for rule in rules:
        fault = next(_faults(rule, asked), None)
        if fault is None:
            return _allowed(rule, asked)
        refused.append((rule, *fault))
    rule, _, error = max(refused, key=lambda one: one[1])
    raise _by(rule, error)


def settled(asked: Asked, allowed: Allowed, hook: str) -> Allowed:
    """*allowed*, noted in the log, with the scopes that the deployment's function at *hook* leaves. A hook never adds one.

    Raises `InvalidScope` where it leaves none.
    """
    if hook:
        left = allowed.scopes & _kept(asked, allowed, hook)
        if not left:
            error = InvalidScope(_NOTHING_LEFT, detail=f"hook leaves none of {format_scope(allowed.scopes)}")
            raise _by(allowed.rule, error)
        allowed = replace(allowed, scopes=left)
    logger.info(
        "token exchange: %r may exchange a token that was issued to %r, by %s",
        asked.client.client_id,
        asked.subject.client.client_id,
        allowed.rule,
    )
    return allowed


def _kept(asked: Asked, allowed: Allowed, path: str) -> frozenset[str]:
    hook: Hook = import_string(path)
    try:
        kept = hook(asked, allowed)
    except OAuthError as exc:
        exc.rule = f"{SETTING}: hook {path}"
        raise
    if isinstance(kept, str) or not isinstance(kept, Collection):
        raise TypeError(f"{SETTING}: hook {path} returned {kept!r}, which is no collection of scopes.")
    return frozenset(kept)


def named(rule: Exchange | IDJAG) -> str:
    """What a refusal calls *rule*."""
    return f"{SETTING}: {rule}"


def of_another_kind(subject: Presented) -> Unacceptable:
    """The refusal of a subject token of a type, or about a subject, that the rule does not cover."""
    return Unacceptable(
        "The parameter subject_token is of a kind that this client may not exchange.",
        detail=f"the {subject.type} of a {subject.kind}, issued to {subject.client.client_id!r}",
        parameter="subject_token",
    )


def meant_for_another(subject: Presented, client: Client) -> Unacceptable:
    """The refusal of a subject token that was issued neither to *client* nor for it."""
    return Unacceptable(
        "The parameter subject_token was not issued for this client.",
        detail=f"issued to {subject.client.client_id!r} for {', '.join(subject.audience)}; "
        f"resource_identifiers of the client: {', '.join(client.resource_identifiers) or 'none'}",
        parameter="subject_token",
    )


def _by(rule: Exchange | IDJAG, error: OAuthError) -> OAuthError:
    """*error*, which says that it was *rule* that refused."""
    error.rule = named(rule)
    return error


def _faults(rule: Exchange, asked: Asked) -> Iterator[tuple[int, OAuthError]]:
    for step, check in enumerate(_CHECKS):
        if error := check(rule, asked):
            yield step, error


def _allowed(rule: Exchange, asked: Asked) -> Allowed:
    scopes = _permitted(rule, asked)
    return Allowed(
        rule=rule, targets=_targets(rule, asked), scopes=scopes & (asked.scopes or scopes), act=asked.act(rule)
    )


def _targets(rule: Exchange, asked: Asked) -> tuple[str, ...]:
    return asked.targets or (rule.resources if len(rule.resources) == 1 else ())


def _permitted(rule: Exchange, asked: Asked) -> frozenset[str]:
    """Never wider than the subject token, the rule, and what the client and the person allow."""
    return asked.subject.scopes.intersection(rule.scopes, asked.allowed)


def _check_subject(rule: Exchange, asked: Asked) -> OAuthError | None:
    subject = asked.subject
    if rule.subject == subject.kind and subject.type in rule.subject_tokens:
        return None
    return of_another_kind(subject)


def _check_meant(rule: Exchange, asked: Asked) -> OAuthError | None:
    """An ID token is for one client alone, so a rule has to name that client before another one may exchange it."""
    subject, to = asked.subject, asked.subject.client.client_id
    is_named = rule.issued_to is not None and to in rule.issued_to
    is_meant = subject.is_for(asked.client) or (subject.type == "id_token" and is_named)
    if is_meant and (rule.issued_to is None or is_named):
        return None
    return meant_for_another(subject, asked.client)


def _check_told_apart(rule: Exchange, asked: Asked) -> OAuthError | None:
    """RFC 9068 section 5: where `sub` equals `client_id`, the client acts for itself."""
    subject = asked.subject
    if subject.authorization is None or subject.subject != asked.client.client_id:
        return None
    return Unacceptable("The person's identifier is the same as the client_id.", parameter="subject_token")


def _check_actor(rule: Exchange, asked: Asked) -> OAuthError | None:
    if (rule.actor == "actor_token") == (asked.actor is not None):
        return None
    words = "is not accepted: the client itself acts" if asked.actor else "is missing"
    return Unacceptable(f"The parameter actor_token {words}.")


def _check_actors_own(rule: Exchange, asked: Asked) -> OAuthError | None:
    actor = asked.actor
    if actor is None or (actor.is_for(asked.client) and actor.act is None):
        return None
    return Unacceptable(
        "The parameter actor_token was not issued for this client, or somebody else acts by it.",
        detail=f"issued to {actor.client.client_id!r} for {', '.join(actor.audience)}; "
        f"resource_identifiers of the client: {', '.join(asked.client.resource_identifiers) or 'none'}",
        parameter="actor_token",
    )


def _check_may_act(rule: Exchange, asked: Asked) -> OAuthError | None:
    """Section 4.4. Who is named must be who acts; by impersonation that is the client."""
    named = asked.subject.may_act
    if named is None and not rule.require_may_act:
        return None
    actor = asked.actor.actor(None) if asked.actor else actor_claim(asked.client.client_id)
    if isinstance(named, dict) and "sub" in named:
        expected = {"iss": asked.issuer, SUB_PROFILE: SERVICE, **named}
        if expected.items() <= {"iss": asked.issuer, **actor}.items():
            return None
    return Unacceptable(
        "The parameter subject_token does not name this actor in may_act.",
        detail=f"actor {actor['sub']!r}",
        parameter="subject_token",
    )


def _check_chain(rule: Exchange, asked: Asked) -> OAuthError | None:
    if rule.kind == "impersonation" and asked.subject.act is not None:
        return Unacceptable(
            "The parameter subject_token names an actor, whom impersonation would conceal.", parameter="subject_token"
        )
    if _length(asked.act(rule)) <= asked.most_actors:
        return None
    return Unacceptable("The parameter subject_token names too many actors.", parameter="subject_token")


def _length(act: object) -> int:
    length = 0
    while isinstance(act, dict):
        act, length = act.get(ACT), length + 1
    return length


def _check_keys(rule: Exchange, asked: Asked) -> OAuthError | None:
    """Whoever presents a token that is bound to a key proves to hold that key; or another one, if the rule says so, but never none."""
    for role, token in (("subject_token", asked.subject), ("actor_token", asked.actor)):
        if token is None or token.confirmation.items() <= asked.confirmation.items():
            continue
        if not (rule.other_key and asked.confirmation.keys() >= token.confirmation.keys()):
            return Unacceptable(
                f"The parameter {role} is bound to a key, and the request does not prove possession of that key.",
                parameter=role,
            )
    return None


def _check_targets(rule: Exchange, asked: Asked) -> OAuthError | None:
    targets = _targets(rule, asked)
    if not targets:
        return InvalidTarget("The parameter resource is missing: this client may exchange tokens for several APIs.")
    if {*map(comparable, targets)} <= {*map(comparable, rule.resources)}:
        return None
    return InvalidTarget(
        "The parameter resource or audience names an API that this client may not exchange tokens for.",
        detail=f"for {', '.join(targets)}",
    )


def _check_scopes(rule: Exchange, asked: Asked) -> OAuthError | None:
    permitted = _permitted(rule, asked)
    beyond = asked.scopes - permitted
    if permitted and not beyond:
        return None
    had, left = format_scope(asked.subject.scopes) or "none", format_scope(asked.allowed) or "none"
    if beyond:
        return InvalidScope(
            "The parameter scope asks for more than this exchange allows.",
            detail=f"beyond it: {format_scope(beyond)}; subject_token has {had}; the client and the person allow {left}",
        )
    return InvalidScope(_NOTHING_LEFT, detail=f"subject_token has {had}; the client and the person allow {left}")


_Check: TypeAlias = Callable[[Exchange, Asked], OAuthError | None]
_CHECKS: Final[tuple[_Check, ...]] = (
    _check_subject,
    _check_meant,
    _check_told_apart,
    _check_actor,
    _check_actors_own,
    _check_may_act,
    _check_chain,
    _check_keys,
    _check_targets,
    _check_scopes,
)
"""In the order in which a rule is compared with what is asked. The further a rule gets, the closer it came."""
