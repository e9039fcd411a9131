"""How tokens say who acts for whom (RFC 8693 section 4), and whether that is a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

ACT: Final = "act"
"""Who acts for the subject (RFC 8693 section 4.1)."""
MAY_ACT: Final = "may_act"
"""Who may act for the subject (RFC 8693 section 4.4)."""
SUB_PROFILE: Final = "sub_profile"
"""What `sub` is (draft-mora-oauth-entity-profiles): words between spaces, beside `sub` and in `act`."""
SUBJECT_CLIENT: Final = "subject_client_id"
"""The client that the first token of a chain of exchanges was issued to: a claim of this package's own. If `sub` is a client, it is this one."""
ENDS_WITH: Final = "ends_with"
"""What else a token ends with: the clients and the authorizations behind it that nothing else in it names, under `client_id` and `grant_id`. A claim
of this package's own, in JWTs."""
PERSON: Final = "user"
SERVICE: Final = "service"


def actor_claim(sub: str, *, profile: str = SERVICE, before: Mapping[str, object] | None = None) -> dict[str, object]:
    """The value of `act` for *sub*, who took over from *before*, the value of `act` until then."""
    said: dict[str, object] = {"sub": sub, SUB_PROFILE: profile}
    return said | {ACT: before} if before else said


def is_person(claims: Mapping[str, object], *, unless_said: bool) -> bool:
    """Whether the `sub` of *claims* is a person. *unless_said* holds where they do not say what it is; an unknown word is no person."""
    said = claims.get(SUB_PROFILE)
    return unless_said if said is None else isinstance(said, str) and PERSON in said.split()


def clients_behind(claims: Mapping[str, object]) -> Iterator[str]:
    """The clients through which a token with *claims* came to its own: the one that the first token was issued to, those that acted, and those
    that passed it on without saying so."""
    if SUBJECT_CLIENT in claims:
        yield str(claims[SUBJECT_CLIENT])
    act = claims.get(ACT)
    while isinstance(act, dict):
        if act.get(SUB_PROFILE) == SERVICE and "iss" not in act:
            yield str(act.get("sub"))
        act = act.get(ACT)
    yield from _ends_with(claims, "client_id")


def grants_behind(claims: Mapping[str, object]) -> Iterator[str]:
    """The authorizations by which people act in a token with *claims* (their `grant_id`)."""
    yield from _ends_with(claims, "grant_id")


def ends_with(clients: Iterable[str], grants: Iterable[str]) -> dict[str, object]:
    """What tells that a token ends with these as well: nothing where there are none."""
    said = {"client_id": list(clients), "grant_id": list(grants)}
    named = {name: values for name, values in said.items() if values}
    return {ENDS_WITH: named} if named else {}


def _ends_with(claims: Mapping[str, object], name: str) -> Iterator[str]:
    """Another issuer may mean anything by the claim."""
    said = claims.get(ENDS_WITH)
    values = said.get(name) if isinstance(said, dict) else None
    yield from (str(one) for one in values) if isinstance(values, list) else ()
