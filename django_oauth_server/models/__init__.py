"""Columns and constraints. Questions to the database live in `storage`.

A model is one file of this folder, and its file is all that is needed: every file is imported here, so that Django finds its model. The names
are those that projects use; here in the package the others are imported from their files.
"""

from importlib import import_module
from pkgutil import iter_modules

from django_oauth_server.models.authorization import Authorization
from django_oauth_server.models.client import Client
from django_oauth_server.models.signing_key import SigningKey
from django_oauth_server.models.ticket import Ticket
from django_oauth_server.models.token import Token

__all__ = ["Authorization", "Client", "SigningKey", "Ticket", "Token"]

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")
