"""Where oauthlib is overruled, and which text says so. Each row has a test of its name in tests/engine."""

from __future__ import annotations

from typing import Final, NamedTuple


class Correction(NamedTuple):
    """One thing that oauthlib does, what is done instead, and the section that says so."""

    name: str
    oauthlib: str
    instead: str
    section: str


CORRECTIONS: Final = (
    Correction(
        "verifier_without_challenge",
        "ignores a code_verifier for a code that was asked for without a challenge",
        "invalid_grant",
        "OAuth 2.1 section 4.1.3, RFC 9700 section 4.8.2",
    ),
    Correction(
        "plain_is_not_the_default",
        "takes a challenge without a method as plain, and offers plain to everybody",
        "plain only where the policy allows it; else invalid_request",
        "RFC 7636 section 4.2, RFC 9700 section 2.1.1",
    ),
    Correction(
        "challenge_and_verifier_syntax",
        "compares whatever is sent; a non-ASCII plain verifier ends in a TypeError",
        "invalid_request for what is not 43 to 128 unreserved characters",
        "RFC 7636 sections 4.1 and 4.2",
    ),
    Correction(
        "method_without_challenge",
        "ignores a code_challenge_method that has no code_challenge",
        "invalid_request: the client meant to use PKCE and would go unprotected",
        "RFC 7636 section 4.3",
    ),
    Correction(
        "redirect_uri_mismatch_is_invalid_grant",
        "answers invalid_request to another redirect_uri at the token endpoint, and takes a missing one for the default",
        "invalid_grant where it differs from what was sent; needed only if it was sent",
        "RFC 6749 sections 4.1.3 and 5.2, OAuth 2.1 section 10.2",
    ),
    Correction(
        "response_type_by_substring",
        "takes every response_type that contains the letters `code`",
        "only response types that are switched on and registered, matched as a whole; it is told whether a code is among what they return",
        "RFC 6749 section 3.1.1, OAuth 2.0 Multiple Response Type Encoding Practices section 3",
    ),
    Correction(
        "no_scope_at_all",
        "lets a request without a scope pass where there is no default",
        "invalid_scope",
        "RFC 6749 section 3.3, OAuth 2.1 section 1.4.1",
    ),
    Correction(
        "server_state_from_the_wire",
        "lets a posted `user=` or `client=` become request.user and request.client",
        "a request object that holds the parameters of RFC 6749 only",
        "RFC 6749 section 3.2: unrecognised parameters are ignored",
    ),
    Correction(
        "secrets_in_the_log",
        "writes refresh tokens to its log at DEBUG",
        "it is shown a placeholder; it never needs the value",
        "OAuth 2.1 section 1.4",
    ),
)
