"""`manage.py rotatesecret`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


def rotate(client_id: str, *flags: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("rotatesecret", client_id, *flags, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue()


def works(flow: Flow, secret: str) -> bool:
    flow.client.secret = secret
    return flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200


@pytest.fixture
def service() -> Flow:
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())


def test_both_secrets_work_for_a_while(service: Flow) -> None:
    old = service.client.secret
    new, said = rotate(service.client.client_id)
    assert (works(service, old), works(service, new)) == (True, True)
    assert "works until" in said and new not in said


def test_a_leaked_secret_stops_at_once_and_so_do_those_before(service: Flow, caplog: pytest.LogCaptureFixture) -> None:
    first = service.client.secret
    second, _ = rotate(service.client.client_id)
    third, said = rotate(service.client.client_id, "--now")
    assert [works(service, secret) for secret in (first, second, third)] == [False, False, True]
    assert "Previous secrets no longer work" in said
    assert f"The secret of the client {service.client.client_id} was replaced at once." in caplog.text
    assert third not in caplog.text


def test_json_has_the_secret_and_until_when_the_previous_one_works(service: Flow) -> None:
    said = json.loads(rotate(service.client.client_id, "--json")[0])
    assert works(service, said["client_secret"])
    assert said["client_id"] == service.client.client_id and said["previous_secret_expires_at"]
    assert json.loads(rotate(service.client.client_id, "--json", "--now")[0])["previous_secret_expires_at"] is None


def test_it_stops_where_clients_are_remembered(service: Flow, settings: object) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt"}  # type: ignore[attr-defined]
    old = service.client.secret
    assert works(service, old) and works(service, old)
    rotate(service.client.client_id, "--now")
    assert not works(service, old)


@pytest.mark.parametrize("client_id", ["nobody", "public"])
def test_who_has_no_secret_is_given_none(client_id: str) -> None:
    ClientFactory(client_id="public", public=True)
    with pytest.raises(CommandError):
        rotate(client_id)
