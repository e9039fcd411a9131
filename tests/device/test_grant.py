"""The device authorization grant (RFC 8628), by the front door: what a device is told."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.device_request import DeviceRequest
from tests.assertions import assertion, key_client, proof
from tests.device.walk import DEVICE_AUTHORIZATION, GRANT_TYPE, Device, television
from tests.factories import ClientFactory
from tests.flow import told

pytestmark = pytest.mark.django_db


def wait(seconds: float) -> None:
    """So much time passes for every request that waits."""
    passed = timedelta(seconds=seconds)
    for row in DeviceRequest.objects.all():
        row.polls_from = max(row.polls_from - int(seconds * 1000), 0)
        row.expires_at, row.created_at = row.expires_at - passed, row.created_at - passed
        row.save()


class TestDeviceAuthorization:
    """Sections 3.1 and 3.2."""

    @pytest.mark.spec("RFC 8628", "3.2")
    def test_a_device_is_told_what_to_show(self, device: Device) -> None:
        response = device.ask()
        answer = response.json()
        assert set(answer) == {
            "device_code",
            "user_code",
            "verification_uri",
            "verification_uri_complete",
            "expires_in",
            "interval",
        }
        assert answer["verification_uri"] == "https://as.example/device"
        assert answer["verification_uri_complete"] == f"https://as.example/device?user_code={answer['user_code']}"
        assert (answer["expires_in"], answer["interval"]) == (600, 5)
        assert (response["Cache-Control"], response["Content-Type"]) == ("no-store", "application/json")

    @pytest.mark.spec("RFC 8628", "5.2")
    def test_a_device_code_cannot_be_guessed_and_neither_code_is_stored(self, device: Device) -> None:
        codes = device.codes()
        assert len(codes["device_code"]) >= 43
        stored = str(list(DeviceRequest.objects.values()))
        assert codes["device_code"] not in stored
        assert codes["user_code"] not in stored and codes["user_code"].replace("-", "") not in stored

    @pytest.mark.spec("RFC 8628", "3.1")
    def test_a_confidential_client_authenticates(self, confidential: Device) -> None:
        assert confidential.ask().status_code == 200
        refused = confidential.server.post(DEVICE_AUTHORIZATION, {}, content_type="application/x-www-form-urlencoded")
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        body = f"client_id={confidential.client.client_id}"
        refused = confidential.server.post(DEVICE_AUTHORIZATION, body, content_type="application/x-www-form-urlencoded")
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    @pytest.mark.spec("RFC 8628", "3.1")
    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ({"client_id": "nobody"}, "invalid_client"),
            ({"client_id": None}, "invalid_client"),
            ({"scope": "unknown"}, "invalid_scope"),
            ({"scope": ["notes:read", "notes:write"]}, "invalid_request"),
            ({"resource": "https://unknown.example/"}, "invalid_target"),
            ({"prompt": "none"}, "invalid_request"),
            ({"prompt": "tea"}, "invalid_request"),
            ({"max_age": "soon"}, "invalid_request"),
            ({"scope": "openid", "claims": "{"}, "invalid_request"),
            ({"scope": "openid", "id_token_hint": "x"}, "invalid_request"),
            ({"login_hint": "x" * 20_000}, "invalid_request"),
        ],
    )
    def test_what_is_wrong_is_told_before_a_code_is_typed_in_vain(
        self, device: Device, params: dict[str, Any], error: str
    ) -> None:
        response = device.ask(**params)
        assert (response.status_code, response.json()["error"]) == (401 if error == "invalid_client" else 400, error)
        assert not DeviceRequest.objects.exists()

    @pytest.mark.spec("RFC 8628", "3.1")
    def test_a_client_that_is_not_registered_for_it(self, browser: Browser) -> None:
        response = Device(ClientFactory(public=True), browser).ask()
        assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")

    @pytest.mark.spec("RFC 8628", "3.1")
    def test_what_is_empty_counts_as_absent_and_what_is_unknown_is_ignored(self, device: Device) -> None:
        assert device.ask(resource="", login_hint="", unknown="x").status_code == 200

    def test_a_disabled_client(self, device: Device) -> None:
        Client.objects.update(is_active=False)
        assert told(device.ask())["error"] == "invalid_client"

    @pytest.mark.spec("RFC 8628", "3.1")
    def test_the_query_is_not_read(self, device: Device) -> None:
        response = device.server.post(
            f"{DEVICE_AUTHORIZATION}?client_id={device.client.client_id}",
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code in {400, 401}

    def test_without_a_scope_the_default_ones_are_meant(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ["notes:read"]}
        codes = device.codes(scope=None)
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ["notes:read", "notes:write"]}
        device.allow(codes["user_code"])
        assert device.poll(codes["device_code"]).json()["scope"] == "notes:read"

    @pytest.mark.spec("RFC 8628", "4")
    def test_the_metadata_say_where_it_is(self, db: None) -> None:
        document = Browser().get("/.well-known/oauth-authorization-server").json()
        assert document["device_authorization_endpoint"] == "https://as.example/oauth/device_authorization"
        assert GRANT_TYPE in document["grant_types_supported"]

    def test_whatever_the_device_says_of_itself_is_kept(self, device: Device) -> None:
        headers = {"User-Agent": "TV\0\x1b[31m\u00e9" + "x" * 10_000}
        body = f"client_id={device.client.client_id}&scope=notes:read"
        form = "application/x-www-form-urlencoded"
        assert device.server.post(DEVICE_AUTHORIZATION, body, form, headers=headers).status_code == 200
        assert "\0" not in DeviceRequest.objects.get().request["user_agent"]

    def test_where_it_is_switched_off_nothing_is_offered(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"device": {"enabled": False}}
        document = Browser().get("/.well-known/oauth-authorization-server").json()
        assert "device_authorization_endpoint" not in document
        assert device.error("x") == "unsupported_grant_type"

    def test_who_asks_too_often_is_held_back(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"device_authorization": "2/m"}}
        assert [device.ask().status_code for _ in range(3)] == [200, 200, 429]
        assert int(device.ask()["Retry-After"]) > 0

    def test_the_requests_of_one_client_are_bounded(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django_oauth_server.storage.device_requests.MOST_OF_ONE_CLIENT", 3)
        monkeypatch.setattr("django_oauth_server.storage.device_requests.LOOKED_AT_EACH", 1)
        first = device.codes()
        for _ in range(4):
            last = device.codes()
        assert DeviceRequest.objects.count() == 3
        assert device.error(first["device_code"]) == "invalid_grant"
        assert device.error(last["device_code"]) == "authorization_pending"

    def test_two_requests_with_one_user_code_get_different_ones(
        self, device: Device, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = iter(["BBBBBBBB", "BBBBBBBB", "CCCCCCCC"])
        monkeypatch.setattr("django_oauth_server.endpoints.device_authorization.new_user_code", lambda: next(made))
        assert [device.codes()["user_code"] for _ in range(2)] == ["BBBB-BBBB", "CCCC-CCCC"]


class TestPollsOfARememberedClient:
    """A pending answer is told to a client as it was up to a minute ago; nothing else is. `update()` is how another process changes a row that
    shares no cache with this one."""

    @pytest.fixture
    def waiting(self, confidential: Device) -> dict[str, Any]:
        codes = confidential.codes()
        assert confidential.error(codes["device_code"]) == "authorization_pending"
        wait(6)
        assert confidential.error(codes["device_code"]) == "authorization_pending"
        confidential.allow(codes["user_code"])
        return codes

    @pytest.mark.parametrize(
        ("change", "status", "error"),
        [
            ({"is_active": False}, 401, "invalid_client"),
            ({"secret_digest": "x"}, 401, "invalid_client"),
            ({"token_endpoint_auth_method": "none"}, 401, "invalid_client"),
            ({"token_endpoint_auth_method": "private_key_jwt"}, 401, "invalid_client"),
            ({"grant_types": ["authorization_code"]}, 400, "unauthorized_client"),
            ({"dpop_bound_access_tokens": True}, 400, "invalid_dpop_proof"),
            ({"profile": "gone"}, 400, "unauthorized_client"),
        ],
    )
    def test_whatever_has_changed_counts_for_what_is_handed_out(
        self, confidential: Device, waiting: dict[str, Any], change: dict[str, Any], status: int, error: str
    ) -> None:
        columns = {"is_active", "secret_digest", "profile"}
        if not columns & set(change):
            change = {"metadata": confidential.client.metadata | change}
        Client.objects.update(**change)
        answer = confidential.poll(waiting["device_code"])
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert not Token.objects.exists()

    def test_a_client_that_was_deleted(self, confidential: Device, waiting: dict[str, Any]) -> None:
        for model in (DeviceRequest, Ticket, Authorization, Client):
            model.objects.all()._raw_delete("default")  # without the signals by which this process forgets it
        assert confidential.poll(waiting["device_code"]).status_code == 401

    def test_a_change_that_does_not_matter_costs_nothing(self, confidential: Device, waiting: dict[str, Any]) -> None:
        Client.objects.update(metadata=confidential.client.metadata | {"client_name": "Other"})
        assert confidential.poll(waiting["device_code"]).status_code == 200

    @pytest.mark.parametrize("allowed", [False, True])
    def test_a_new_secret_is_good_at_once(
        self, confidential: Device, waiting: dict[str, Any], *, allowed: bool
    ) -> None:
        if not allowed:
            DeviceRequest.objects.update(decided_at=None, authorization=None, polls_from=0)
        other = ClientFactory()
        Client.objects.filter(pk=confidential.client.pk).update(secret_digest=other.secret_digest)
        confidential.client.secret = other.secret
        assert confidential.poll(waiting["device_code"]).status_code == (200 if allowed else 400)

    def test_a_grant_type_that_was_added_is_good_at_once(self, browser: Browser) -> None:
        device = Device(ClientFactory(public=True), browser)
        assert device.error("x") == "unauthorized_client"
        Client.objects.update(metadata=device.client.metadata | {"grant_types": [GRANT_TYPE]})
        assert device.error("x") == "invalid_grant"

    def test_a_client_that_signs_an_assertion_for_each_poll(self, browser: Browser) -> None:
        client = key_client(metadata__grant_types=[GRANT_TYPE])
        device, url = Device(client, browser), "/oauth/device_authorization"

        def post(where: str, **params: str) -> Any:
            body = urlencode(proof(assertion(client)) | params)
            return device.server.post(where, body, content_type="application/x-www-form-urlencoded")

        codes = post(url, scope="notes:read").json()
        for _ in range(2):
            answer = post("/oauth/token", grant_type=GRANT_TYPE, device_code=codes["device_code"])
            assert answer.json()["error"] == "authorization_pending"
            wait(6)
        device.allow(codes["user_code"])
        Client.objects.update(metadata=client.metadata | {"client_name": "Other"})
        assert post("/oauth/token", grant_type=GRANT_TYPE, device_code=codes["device_code"]).status_code == 200


class TestPolling:
    """Sections 3.4 and 3.5."""

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_until_the_person_has_decided_it_is_pending(self, device: Device) -> None:
        codes = device.codes()
        assert device.error(codes["device_code"]) == "authorization_pending"
        device.type(codes["user_code"])
        wait(5)
        assert device.error(codes["device_code"]) == "authorization_pending"
        device.confirm(codes["user_code"])
        wait(5)
        assert device.error(codes["device_code"]) == "authorization_pending"

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_then_there_are_tokens(self, device: Device) -> None:
        codes = device.codes()
        assert "Go back to your device" in device.allow(codes["user_code"]).content.decode()
        response = device.poll(codes["device_code"])
        assert response.status_code == 200
        assert response.json()["scope"] == "notes:read notes:write"
        assert {"access_token", "refresh_token", "token_type", "expires_in"} <= set(response.json())
        assert response["Cache-Control"] == "no-store"

    def test_a_confidential_client_gets_them_too(self, confidential: Device) -> None:
        codes = confidential.codes()
        confidential.allow(codes["user_code"])
        assert confidential.is_active(confidential.poll(codes["device_code"]).json()["access_token"])

    def test_they_can_be_refreshed(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        refreshed = device.refresh(device.poll(codes["device_code"]).json()["refresh_token"])
        assert refreshed.status_code == 200

    def test_only_where_the_client_is_registered_for_it(self, browser: Browser) -> None:
        device = Device(television(metadata__grant_types=[GRANT_TYPE]), browser)
        codes = device.codes()
        device.allow(codes["user_code"])
        assert "refresh_token" not in device.poll(codes["device_code"]).json()

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_they_are_handed_out_once(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        assert device.poll(codes["device_code"]).status_code == 200
        assert device.error(codes["device_code"]) == "invalid_grant"
        assert Token.objects.filter(revoked_at=None).count() == 2

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_who_polls_too_fast_waits_five_seconds_longer_each_time(self, device: Device) -> None:
        code = device.codes()["device_code"]
        assert device.error(code) == "authorization_pending"
        assert device.error(code) == "slow_down"
        wait(6)
        assert device.error(code) == "slow_down"  # the interval is ten by then, and fifteen now
        wait(12)
        assert device.error(code) == "slow_down"
        wait(20)
        assert device.error(code) == "authorization_pending"
        wait(20)
        assert device.error(code) == "authorization_pending"

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_who_keeps_the_interval_is_not_slowed_down(self, device: Device) -> None:
        code = device.codes()["device_code"]
        for _ in range(5):
            assert device.error(code) == "authorization_pending"
            wait(4.5)  # the way takes longer one time than the other

    def test_a_poll_that_comes_too_early_after_the_decision_has_its_answer(self, device: Device) -> None:
        codes = device.codes()
        device.error(codes["device_code"])
        device.allow(codes["user_code"])
        assert device.poll(codes["device_code"]).status_code == 200

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_who_denies(self, device: Device) -> None:
        codes = device.codes()
        page = device.decide(device.confirm(codes["user_code"]), "deny")
        assert "no access" in page.content.decode()
        assert device.error(codes["device_code"]) == "access_denied"
        assert not Authorization.objects.exists()

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_who_denies_on_the_first_page(self, device: Device) -> None:
        codes = device.codes()
        device.decide(device.type(codes["user_code"]), "deny")
        assert device.error(codes["device_code"]) == "access_denied"

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_a_code_expires(self, device: Device) -> None:
        code = device.codes()["device_code"]
        wait(601)
        assert device.error(code) == "expired_token"

    @pytest.mark.spec("RFC 8628", "3.5")
    def test_what_was_allowed_expires_as_well(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        wait(601)
        assert device.error(codes["device_code"]) == "expired_token"

    @pytest.mark.spec("RFC 8628", "3.4")
    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ({"device_code": "x"}, "invalid_grant"),
            ({"device_code": None}, "invalid_request"),
            ({"device_code": ""}, "invalid_request"),
        ],
    )
    def test_what_is_no_device_code(self, device: Device, params: dict[str, Any], error: str) -> None:
        device.codes()
        assert device.error("", **params) == error

    @pytest.mark.spec("RFC 8628", "3.4")
    def test_another_clients_device_code(self, device: Device, browser: Browser) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        assert Device(television(), browser).error(codes["device_code"]) == "invalid_grant"
        assert device.poll(codes["device_code"]).status_code == 200

    @pytest.mark.spec("RFC 8628", "3.4")
    def test_a_user_code_is_no_device_code(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        assert device.error(codes["user_code"]) == "invalid_grant"

    def test_a_client_that_is_not_registered_for_it_any_more(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        Client.objects.update(metadata=device.client.metadata | {"grant_types": ["authorization_code"]})
        assert device.error(codes["device_code"]) == "unauthorized_client"

    def test_access_that_was_removed_before_the_device_came(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        Authorization.objects.update(is_live=None, revoked_at=timezone.now())
        assert device.error(codes["device_code"]) == "invalid_grant"

    def test_a_scope_that_the_client_has_no_more(self, device: Device) -> None:
        codes = device.codes()
        device.allow(codes["user_code"])
        Client.objects.update(metadata=device.client.metadata | {"scope": "notes:read"})
        assert device.poll(codes["device_code"]).json()["scope"] == "notes:read"

    def test_polls_are_logged_for_who_debugs_alone(self, device: Device, caplog: pytest.LogCaptureFixture) -> None:
        codes = device.codes()
        with caplog.at_level(logging.DEBUG, "django_oauth_server"):
            assert device.error(codes["device_code"]) == "authorization_pending"
            assert device.error(codes["device_code"]) == "slow_down"
            wait(601)
            assert device.error(codes["device_code"]) == "expired_token"
            DeviceRequest.objects.update(decided_at=timezone.now())
            assert device.error(codes["device_code"]) == "access_denied"
        assert [record.levelname for record in caplog.records if record.name.startswith("django")] == ["DEBUG"] * 4
        assert codes["device_code"] not in caplog.text

    def test_polls_are_no_failed_redemptions(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"redemption": "2/m"}}
        code = device.codes()["device_code"]
        assert {device.error(code) for _ in range(5)} == {"authorization_pending", "slow_down"}

    def test_a_token_of_a_device_is_for_the_resource_that_was_asked_for(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"resources": {"https://api.example/": "Notes"}}
        codes = device.codes(resource="https://api.example/")
        device.allow(codes["user_code"])
        response = device.poll(codes["device_code"], resource="https://other.example/")
        assert response.json()["error"] == "invalid_target"
        token = device.poll(codes["device_code"], resource="https://api.example/").json()["access_token"]
        assert Token.objects.get(kind="access").audience == ["https://api.example/"], token
