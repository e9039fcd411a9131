"""A resource server alone: two resources, and their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.token import VerifiedToken
from tests.resource.verifiers import MAIL, NOTES


@dataclass(frozen=True)
class Tenant(Requirement):
    """A condition of a deployment's own, which has something to tell clients."""

    name: str

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return None

    def metadata(self) -> Mapping[str, object]:
        return {"tenants_supported": [self.name], "resource": "https://elsewhere.example", "empty": []}

    def __str__(self) -> str:
        return self.name


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def view(*demands: str | Requirement, **further: object) -> object:
    return protected_resource(*demands, **further)(plain)


urlpatterns = [
    path("", include("django_oauth_server.resource.urls")),
    path("notes", view("notes:read", "offline_access", audience=NOTES)),
    path("notes/write", view(requires("notes:write") | requires("admin"), Tenant("acme"), audience=NOTES)),
    path("notes/other", view(Tenant("emca"), Tenant("acme"), audience=NOTES)),
    path("mail", view("mail:read", audience=MAIL)),
    path("profile", view("profile")),
    path("open", plain),
]
