"""What a deployment may say of the addresses that clients name."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf.loader import load


@pytest.mark.parametrize(
    "listed",
    ["https://client.example", "client.example:many", "10.0.0.1/8", "10.0.0.0/99", "", "a@b", "[::1", 7, "[x]"],
)
def test_a_host_that_is_none_is_told(settings, listed):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": [listed]}
    with pytest.raises(ImproperlyConfigured, match="outbound_private_hosts"):
        load()


def test_hosts_ports_and_networks_can_be_listed(settings):
    listed = ("inside.example", "inside.example:8443", "[::1]:8443", "10.1.0.0/16", "fd00::/8")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": list(listed)}
    assert load()[0].outbound_private_hosts == listed


def test_a_bundle_that_cannot_be_read_is_an_error(settings, certificate):
    def said(bundle: object) -> set[str]:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_ca_bundle": str(bundle)}
        return {message.id for message in run_checks(tags=["security"])}

    assert "oauth_server.E007" in said("/nowhere.pem")
    assert "oauth_server.E007" in said(__file__)
    assert "oauth_server.E007" not in said(certificate)
