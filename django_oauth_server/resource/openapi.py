"""What an API schema (OpenAPI 3) says of protection, the same for every framework that makes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.resource.conf import bindings, load, verifier
from django_oauth_server.resource.requirement import Requirement, scopes_of
from django_oauth_server.resource.scopes import fewest

SCHEME: Final = "oauth2"
"""The name of the security scheme in a schema's components."""


def scope_words() -> dict[str, str]:
    """The words for every scope that is known: the authorization servers' own, and above them those of the settings."""
    words: dict[str, str] = {}
    for server in verifier().authorization_servers():
        words |= server.scopes
    return words | {name: str(text) for name, text in load().scopes.items()}


def security_scheme(requirements: Iterable[Requirement] = ()) -> dict[str, object]:
    """The Security Scheme Object: the code flow at the first authorization server that says where, for the scopes that *requirements* name.

    Where they name none, for every scope that has words. One that no operation needs would be asked for in vain, and may be refused.
    Where no server says where, a bearer token of unknown origin.
    """
    server = next((one for one in verifier().authorization_servers() if one.token_endpoint), None)
    if server is None:
        return {"type": "http", "scheme": "bearer"}
    words = scope_words()
    flow = {
        "authorizationUrl": server.authorization_endpoint,
        "tokenUrl": server.token_endpoint,
        "refreshUrl": server.token_endpoint,
        "scopes": {name: words.get(name, name) for name in sorted(scopes_of(requirements) or words)},
    }
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}


def proof_schemes() -> dict[str, Mapping[str, object]]:
    """The Security Scheme Objects of what clients send beside tokens that are bound to a key, by name."""
    return {one.name: one.security_scheme() for one in bindings().values()}


def security_requirements(requirement: Requirement) -> list[dict[str, list[str]]]:
    """The Security Requirement Objects of an operation, one for each alternative. Where only bound tokens will do, each with a proof."""
    proofs: list[dict[str, list[str]]] = [{name: []} for name in proof_schemes()] if requirement.bound else [{}]
    asked = [format_scope(fewest(scopes)).split() for scopes in requirement.alternatives]
    return [{SCHEME: scopes} | proof for scopes in asked for proof in proofs]
