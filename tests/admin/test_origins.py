"""How clients came, and what limits each way."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser

from django_oauth_server.clients.origins import ORIGINS, origin_of
from django_oauth_server.conf import TrustedIssuer, Workload
from django_oauth_server.models import Client
from tests.factories import ClientFactory

CLIENTS = "/admin/django_oauth_server/client/"
PAGE = f"{CLIENTS}registration/"


@pytest.fixture
def one_of_each(db: None) -> list[Client]:
    came = [ClientFactory(client_id=f"came-{name}", registered_by=name) for name in Client.RegisteredBy.values]
    workload = ClientFactory(client_id="came-workload", metadata__token_endpoint_auth_method="federated_jwt")
    return [*came, workload]


def test_a_client_came_by_exactly_one_way(admin: Browser, one_of_each: list[Client]) -> None:
    for client in one_of_each:
        found = [one.name for one in ORIGINS if client in _filtered(admin, one.name)]
        assert found == [client.client_id.removeprefix("came-")] == [origin_of(client).name]


def test_listed_clients_say_how_they_came(one_of_each: list[Client]) -> None:
    out = StringIO()
    call_command("listclients", "--json", stdout=out)
    assert {f"came-{one['origin']}" == one["client_id"] for one in json.loads(out.getvalue())} == {True}


def test_the_list_leads_to_what_limits_each_way(admin: Browser) -> None:
    assert f'href="{PAGE}"' in admin.get(CLIENTS).content.decode()


def test_the_page_has_the_settings_as_they_are(admin: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "registration": "protected",
        "throttles": {"registration": "7/h", "redemption": None},
        "apps": {"enabled": True, "most": 3},
        "client_id_metadata_documents": {"policy": "listed", "hosts": ["claude.ai", "vscode.dev"]},
    }
    (said,) = admin.get(PAGE).context["issuers"]
    limits = {name: value for one in said["origins"] for name, value in one["limits"].items()} | said["throttles"]
    expected = {
        "throttles: registration": "7/h",
        "throttles: redemption": "no limit",
        "throttles: client_id_metadata_documents_by_host": "60/m",
        "apps: enabled": "yes",
        "apps: most": "3",
        "client_id_metadata_documents: policy": "listed",
        "client_id_metadata_documents: hosts": "claude.ai, vscode.dev",
    }
    assert expected.items() <= limits.items()
    assert "throttles: registration" not in said["throttles"]
    assert said["origins"][3]["limits"]["registration"] == "protected"


def test_a_client_of_several_workloads_is_named_once(admin: Browser, settings: Any) -> None:
    trusted = TrustedIssuer(
        "https://ci.example",
        workloads=(
            Workload(client_id="deploy", subject="repo:a:env:live"),
            Workload(client_id="deploy", subject="repo:b:env:live"),
        ),
    )
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": [trusted]}}
    (said,) = admin.get(PAGE).context["issuers"]
    assert said["origins"][1]["limits"] == {"trusted_issuers: https://ci.example": "deploy"}


def test_who_may_not_look_at_clients_sees_no_settings(staff: Any) -> None:
    assert staff("view_token").get(PAGE).status_code == 403
    assert staff("view_client").get(PAGE).status_code == 200


def _filtered(admin: Browser, name: str) -> list[Client]:
    return list(admin.get(CLIENTS, {"registered_by__exact": name}).context["cl"].result_list)


@pytest.mark.parametrize(
    ("registered_by", "registration", "scopes", "chooses"),
    [
        ("itself", "open", "offered", True),
        ("itself", "open", "default", False),
        ("itself", "protected", "offered", False),
        ("operator", "open", "offered", False),
        ("token", "open", "offered", False),
    ],
)
def test_an_operator_is_told_where_the_scopes_that_they_select_are_no_limit(
    admin: Browser, settings: Any, registered_by: str, registration: str, scopes: str, *, chooses: bool
) -> None:
    changed = {"registration": registration, "registration_scopes": scopes}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | changed
    client = ClientFactory(registered_by=registered_by)
    page = admin.get(f"{CLIENTS}{client.pk}/change/").content.decode()
    assert ("it may ask people for any scope" in page) is chooses
