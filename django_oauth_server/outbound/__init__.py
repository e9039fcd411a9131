"""The one client for addresses that somebody else named: a client's `jwks_uri`, its `request_uri`, where it is told that a person signed out."""

from django_oauth_server.outbound.allowances import spend
from django_oauth_server.outbound.errands import Crowded, Errand, is_silent, is_under_way, run
from django_oauth_server.outbound.exchange import Fetched, Forbidden, Unreachable, fetch, post_form
from django_oauth_server.outbound.kept import Address, Addresses, Answer, Bounds, Refused
from django_oauth_server.outbound.memory import forget, remembered

__all__ = [
    "Address",
    "Addresses",
    "Answer",
    "Bounds",
    "Crowded",
    "Errand",
    "Fetched",
    "Forbidden",
    "Refused",
    "Unreachable",
    "fetch",
    "forget",
    "is_silent",
    "is_under_way",
    "post_form",
    "remembered",
    "run",
    "spend",
]
