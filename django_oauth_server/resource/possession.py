"""Whether a token is presented by whoever it was issued to: a bearer token by anybody, a bound one with a proof of its key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.http import HttpRequest

from django_oauth_server.resource.bindings.base import Call, TokenBinding, Unproven
from django_oauth_server.resource.challenge import BEARER, Offered
from django_oauth_server.resource.conf import bindings
from django_oauth_server.resource.token import Presented, VerifiedToken


@dataclass(frozen=True, slots=True)
class Telling:
    """What an answer says because of what proves possession."""

    vary: tuple[str, ...] = ("Authorization",)
    """The headers on which it depends (RFC 9110 section 12.5.5)."""
    headers: Mapping[str, str] = field(default_factory=dict)


WITHOUT_PROOF: Final = Telling()

_TELLING: Final = "_oauth_telling"
"""Where a request keeps it."""
_PROVEN: Final = "_oauth_proven"
"""Where it keeps what was proven."""


def prove(
    request: HttpRequest,
    presented: Presented,
    token: VerifiedToken,
    resources: Sequence[str],
    algs: Collection[str] | None = None,
) -> VerifiedToken:
    """*token*, if possession of whatever it is bound to is proven. Raises `Unproven`, or `CannotVerify` where that cannot be told.

    A proof may be good for one request only: it is judged once for each. *resources*: the identifiers of what is protected here.
    *algs*: those with which a proof may be signed, where the caller allows fewer than the settings do.
    """
    if presented.scheme == BEARER and not token.confirmation:
        return token
    call = Call(request, presented, token, resources, algs)
    try:
        for one in _judges(call):
            _note(request, one.judge(call), one.request_headers)
    except Unproven as exc:
        _note(request, exc.headers)
        raise
    return _proven(call)


async def aprove(
    request: HttpRequest, presented: Presented, token: VerifiedToken, resources: Sequence[str]
) -> VerifiedToken:
    """`prove` for async views."""
    if presented.scheme == BEARER and not token.confirmation:
        return token
    call = Call(request, presented, token, resources)
    try:
        for one in _judges(call):
            _note(request, await one.ajudge(call), one.request_headers)
    except Unproven as exc:
        _note(request, exc.headers)
        raise
    return _proven(call)


def telling(request: HttpRequest) -> Telling:
    """What the answer to *request* says because of the proof that came with it."""
    found: Telling = getattr(request, _TELLING, WITHOUT_PROOF)
    return found


def offered() -> Offered:
    """The authentication schemes that are known here, for challenges. Bearer stands first, where clients that know no other look."""
    with_proof = {one.scheme: one.challenge() for one in bindings().values() if one.scheme != BEARER}
    return {BEARER: {}, **with_proof}


def _judges(call: Call) -> list[TokenBinding]:
    """Those that judge the token; nobody, where they did so for the same request, which is done anew where other writers were in the way.

    A member of `cnf` that nobody knows is a key that nobody asks for: whoever stole the token would have no less (RFC 9449 section 7.2, RFC 8705
    section 3).
    """
    known, presented, token = bindings(), call.presented, call.token
    if getattr(call.request, _PROVEN, None) == presented:
        return []
    if unknown := sorted(token.confirmation.keys() - known.keys()):
        raise Unproven(f"bound by {', '.join(unknown)}, and no binding here checks proofs of that")
    judges = [known[member] for member in token.confirmation]
    if ({one.scheme for one in judges} - {BEARER} or {BEARER}) != {presented.scheme}:
        bound = f"bound by {', '.join(token.confirmation)}" if judges else "not bound to a key"
        raise Unproven(f"{bound}, but presented as {presented.scheme}")
    return judges


def _proven(call: Call) -> VerifiedToken:
    setattr(call.request, _PROVEN, call.presented)
    return replace(call.token, scheme=call.presented.scheme)


def _note(request: HttpRequest, headers: Mapping[str, str], read: Iterable[str] = ()) -> None:
    """A proof is part of what opens: no cache gives the answer to somebody who has only the token."""
    known = telling(request)
    said = Telling((*known.vary, *sorted(read)), {**known.headers, **headers})
    setattr(request, _TELLING, said)
