"""Settings as values. `from django_oauth_server.conf import IssuerSettings, Scope, Resource` is safe in a settings.py."""

from django_oauth_server.conf.profiles import LEGACY, OAUTH2_1, PROFILES, Policy, tighten
from django_oauth_server.conf.settings import IssuerSettings, Resource, Scope

__all__ = ["LEGACY", "OAUTH2_1", "PROFILES", "IssuerSettings", "Policy", "Resource", "Scope", "tighten"]
