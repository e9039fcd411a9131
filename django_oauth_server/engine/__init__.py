"""The only room that speaks to oauthlib: facts in, verdict out.

oauthlib judges the grammar of the requests that RFC 6749 defines, from facts that were loaded before the call. It does not dispatch, authenticate
clients, mint, store or render. Where it is overruled, `corrections.CORRECTIONS` says so, with the section.
"""

from django_oauth_server.engine.facts import AuthorizationFacts, ClientFacts, CodeFacts, RefreshFacts
from django_oauth_server.engine.judge import (
    judge_authorization_request,
    judge_client_credentials,
    judge_code,
    judge_password,
    judge_refresh,
    judge_scopes,
)

__all__ = [
    "AuthorizationFacts",
    "ClientFacts",
    "CodeFacts",
    "RefreshFacts",
    "judge_authorization_request",
    "judge_client_credentials",
    "judge_code",
    "judge_password",
    "judge_refresh",
    "judge_scopes",
]
