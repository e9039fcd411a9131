"""What is done to many rows costs a few statements, not some for each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory, UserFactory

ADMIN = "/admin/django_oauth_server/"
MANY = 60
MOST = 25
MOST_OF_HOSTS = 35


def authorizations() -> list[Any]:
    return [AuthorizationFactory() for _ in range(MANY)]


def tokens() -> list[Any]:
    return [TokenFactory(kind=kind, family=uuid.uuid4()) for kind in ("access", "refresh") for _ in range(MANY // 2)]


def jwts() -> list[Any]:
    return [TokenFactory(self_contained=True) for _ in range(MANY)]


def clients() -> list[Any]:
    return [ClientFactory() for _ in range(MANY)]


def disabled() -> list[Any]:
    return [ClientFactory(is_active=False) for _ in range(MANY)]


def participations() -> list[Any]:
    return [
        Participation.objects.create(
            client=ClientFactory(metadata__backchannel_logout_uri="https://rp.example/out"),
            user=UserFactory(),
            sid=f"sid{number}",
            session_digest=f"{number}",
        )
        for number in range(MANY)
    ]


def deliveries() -> list[Any]:
    return [
        LogoutDelivery.objects.create(
            client=ClientFactory(), sid="s", person="1", state="failed", created_at=timezone.now()
        )
        for _ in range(MANY)
    ]


def described() -> list[Any]:
    """Each by a document at a host of its own."""
    return [_described(f"https://app{number}.example/client.json") for number in range(MANY)]


def judged() -> list[Any]:
    """Hosts, one of which has many clients."""
    for number in range(MANY):
        _described(f"https://app0.example/{number}.json")
    described()
    return [
        DocumentHost.objects.create(issuer="https://as.example", host=f"app{number}.example", verdict="vouched")
        for number in range(MANY)
    ]


def blocked() -> list[Any]:
    hosts = judged()
    DocumentHost.objects.update(verdict="blocked")
    return hosts


def spared() -> list[Any]:
    """Vouched for, below what is blocked."""
    hosts = judged()
    DocumentHost.objects.create(issuer="https://as.example", host="example", verdict="blocked")
    return hosts


def _described(client_id: str) -> Any:
    client = ClientFactory(client_id=client_id, registered_by="document", source="client_id_metadata_document")
    AuthorizationFactory(client=client)
    return client


@pytest.mark.parametrize(
    ("make", "page", "action"),
    [
        (authorizations, "authorization", "revoke"),
        (tokens, "token", "revoke"),
        (jwts, "token", "revoke"),
        (clients, "client", "disable"),
        (disabled, "client", "enable"),
        (participations, "participation", "sign_out"),
        (deliveries, "logoutdelivery", "retry"),
        (described, "client", "block_hosts"),
        (described, "client", "vouch_for_hosts"),
        (judged, "documenthost", "block"),
        (blocked, "documenthost", "vouch"),
        (judged, "documenthost", "forget"),
        (spared, "documenthost", "forget"),
    ],
)
def test_a_few_statements(
    admin: Browser,
    settings: Any,
    django_assert_max_num_queries: Any,
    django_capture_on_commit_callbacks: Any,
    make: Callable[[], list[Any]],
    page: str,
    action: str,
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"revocation_cache": "default"}
    most = MOST_OF_HOSTS if make in (described, judged, blocked, spared) else MOST
    asked = {"action": action, "_selected_action": [row.pk for row in make()], "index": 0}
    with django_assert_max_num_queries(most), django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{ADMIN}{page}/", asked)
    with django_assert_max_num_queries(most), django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{ADMIN}{page}/", asked | {"confirmed": "yes"})
