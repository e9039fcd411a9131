"""An issuer as the rest of the code is handed it: settings, policy, and the components that are switched on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from django.urls import reverse

from django_oauth_server.component import Component, Components
from django_oauth_server.conf import IssuerSettings, Policy, tighten
from django_oauth_server.conf.profiles import profiles

APP_NAME = "oauth_server"
"""The application namespace of the URLs: `reverse("oauth_server:token")`."""


@dataclass(frozen=True, slots=True, eq=False)
class Issuer:
    """One authorization server of this project."""

    settings: IssuerSettings
    policy: Policy
    components: Components
    namespace: str = APP_NAME
    """The instance namespace of its URLs."""

    def __str__(self) -> str:
        return self.settings.issuer

    @property
    def path(self) -> str:
        """The issuer identifier's path: empty, or with a slash before it and none behind."""
        return urlsplit(self.settings.issuer).path

    @property
    def origin(self) -> str:
        """Scheme and authority of the issuer identifier."""
        return self.settings.issuer.removesuffix(self.path) if self.path else self.settings.issuer

    def url_path(self, name: str, **kwargs: object) -> str:
        """The path of the endpoint *name*."""
        return reverse(f"{APP_NAME}:{name}", kwargs=kwargs or None, current_app=self.namespace)

    def url(self, name: str, **kwargs: object) -> str:
        """The absolute URL of the endpoint *name*; never derived from the Host header."""
        return self.origin + self.url_path(name, **kwargs)

    def policy_for(self, profile: str) -> Policy:
        """The policy for a client that is bound to *profile* as well. It can only be tighter: where no such profile is known, the tightest."""
        return _tightened(self.policy, profile, self.settings.policies) if profile else self.policy


def make_issuer(settings: IssuerSettings, components: list[Component], namespace: str) -> Issuer:
    """The issuer that *settings* describe, with those of *components* that its policy allows and that are switched on."""
    policy, there = settings.tightened, [*Components(components)]  # who took a place has it while switched off, too
    switched_on = [one for one in there if one.allowed(policy) and one.enabled(settings)]
    switched_off = [one for one in there if one not in switched_on]
    return Issuer(settings, policy, Components(switched_on, switched_off), namespace)


@cache
def _tightened(policy: Policy, profile: str, own: tuple[Policy, ...]) -> Policy:
    known = profiles(own)
    return tighten(policy, *([known[profile]] if profile in known else known.values()))
