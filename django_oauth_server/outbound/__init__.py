"""The one client for addresses that somebody else named: a client's `jwks_uri`, its `request_uri`, where it is told that a person signed out."""

from django_oauth_server.outbound.errands import Crowded, Errand, forget, is_silent, is_under_way, run
from django_oauth_server.outbound.exchange import Fetched, Unreachable, fetch, post_form

__all__ = [
    "Crowded",
    "Errand",
    "Fetched",
    "Unreachable",
    "fetch",
    "forget",
    "is_silent",
    "is_under_way",
    "post_form",
    "run",
]
