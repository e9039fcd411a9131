"""Settings as values. `from django_oauth_server.conf import IssuerSettings, OPENID_SCOPES, Resource, Scope …` is safe in a settings.py."""

from django_oauth_server.conf.id_jag import IDJAG
from django_oauth_server.conf.openid import OPENID_SCOPES
from django_oauth_server.conf.profiles import LEGACY, OAUTH2_1, OPENID_CONNECT, PROFILES, Policy, tighten
from django_oauth_server.conf.settings import IssuerSettings, Resource, Scope
from django_oauth_server.conf.token_exchange import Exchange
from django_oauth_server.conf.trusted_issuers import People, TrustedIssuer
from django_oauth_server.conf.workloads import Prefix, Workload

__all__ = [
    "IDJAG",
    "LEGACY",
    "OAUTH2_1",
    "OPENID_CONNECT",
    "OPENID_SCOPES",
    "PROFILES",
    "Exchange",
    "IssuerSettings",
    "People",
    "Policy",
    "Prefix",
    "Resource",
    "Scope",
    "TrustedIssuer",
    "Workload",
    "tighten",
]
