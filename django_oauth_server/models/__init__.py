"""Columns and constraints. Questions to the database live in `storage`.

A model is one file of this folder, and its file is all that is needed: every file is imported here, so that Django finds its model.
"""

from importlib import import_module
from pkgutil import iter_modules

from django_oauth_server.models.authorization import Authorization
from django_oauth_server.models.client import Client
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.models.logout_back_off import LogoutBackOff
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.models.signing_key import SigningKey
from django_oauth_server.models.ticket import Ticket
from django_oauth_server.models.token import Token
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.models.waiting_request import WaitingRequest

__all__ = [
    "Authorization",
    "Client",
    "InitialAccessToken",
    "LogoutBackOff",
    "LogoutDelivery",
    "Participation",
    "Revocation",
    "SigningKey",
    "Ticket",
    "Token",
    "UsedAssertion",
    "WaitingRequest",
]

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")
