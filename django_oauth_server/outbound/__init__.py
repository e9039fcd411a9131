"""The one client for addresses that somebody else named: a client's `jwks_uri`, its `request_uri`, where it is told that a person signed out."""

from django.core.signals import setting_changed

from django_oauth_server.conf.loader import SETTING
from django_oauth_server.outbound import allowances, errands, kept
from django_oauth_server.outbound.allowances import spend
from django_oauth_server.outbound.errands import Crowded, Errand, is_silent, is_under_way, run
from django_oauth_server.outbound.exchange import Fetched, Forbidden, Unreachable, fetch, post_form
from django_oauth_server.outbound.kept import Address, Addresses, Answer, Bounds, Refused

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
    "run",
    "spend",
]


def forget() -> None:
    """Ask every address anew, as a process that has just begun: forget what each said, who was silent, what it cost, and who asked how often."""
    kept.forget()
    errands.forget()
    allowances.forget()


def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        forget()


setting_changed.connect(_forget)
