"""Kinds of clients: what follows from each is sound wherever it is offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_oauth_server.clients.kinds import KINDS, kind_named, kind_of, kinds_for
from django_oauth_server.clients.metadata import members_of, terms_of
from django_oauth_server.clients.registration import create_client, review
from django_oauth_server.conf import Policy, TrustedIssuer, Workload
from django_oauth_server.registry import default_issuer

ENTERED = {
    "client_name": "Notebook",
    "redirect_uris": ["https://notebook.example/callback"],
    "scope": "notes:read",
    "resource_identifiers": ["https://as.example"],
    "jwks_uri": "https://notebook.example/keys",
}


def entered(kind):
    return {**kind.follows, **{name: ENTERED[name] for name in kind.asked if name in ENTERED}}


@pytest.fixture
def terms():
    return terms_of(default_issuer())


@pytest.fixture
def with_all(settings):
    workload = Workload(client_id="deploy", subject="repo:octo-org/octo-repo:environment:production")
    platform = TrustedIssuer("https://token.actions.githubusercontent.com", workloads=(workload,))
    more = {"device": {"enabled": True}, "trusted_issuers": {"issuers": (platform,)}}
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, **more}


def test_every_kind_is_offered_where_what_it_needs_is(with_all):
    assert kinds_for(terms_of(default_issuer())) and [one.name for one in kinds_for(terms_of(default_issuer()))] == [
        one.name for one in KINDS
    ]


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_what_follows_from_a_kind_and_is_entered_can_be_registered(name, with_all):
    terms = terms_of(default_issuer())
    kind = kind_named(name, terms)
    assert kind
    assert review(entered(kind), terms, operator=True)[1] == {}


@pytest.mark.django_db
@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_a_client_is_known_by_its_kind(name, with_all):
    issuer = default_issuer()
    kind = kind_named(name, terms_of(issuer))
    client, _ = create_client(entered(kind), issuer)
    assert kind_of(client, issuer).name == name


@pytest.mark.django_db
def test_a_client_that_is_of_no_kind_has_none(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    issuer = default_issuer()
    client, _ = create_client({"grant_types": ["password"], "scope": "notes:read"}, issuer)
    assert kind_of(client, issuer) is None


def test_a_grant_type_that_is_switched_off_takes_its_kind_along(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "device": {"enabled": False}}
    assert kind_named("device", terms_of(default_issuer())) is None


def test_what_is_asked_and_required_is_a_member_that_is_there(terms):
    for kind in kinds_for(terms):
        assert kind.required <= {*kind.asked} <= {*members_of(terms)}


def test_a_policy_without_secrets_has_clients_prove_themselves_by_keys(settings):
    policy = Policy(name="keys", permitted_client_auth_methods=frozenset({"private_key_jwt"}))
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "policy": policy}
    terms = terms_of(default_issuer())
    assert [one.name for one in kinds_for(terms)] == ["web", "service", "api"]
    for kind in kinds_for(terms):
        assert kind.token_endpoint_auth_method == "private_key_jwt"
        assert "jwks_uri" in kind.asked
        assert review(entered(kind), terms, operator=True)[1] == {}


def test_a_workload_is_offered_where_a_platform_vouches_for_one_and_no_other_method_makes_one(terms, with_all):
    assert kind_named("workload", terms) is None
    there = terms_of(default_issuer())
    assert kind_named("workload", there).token_endpoint_auth_method == "federated_jwt"
    assert kind_named("service", there).token_endpoint_auth_method == "client_secret_basic"


def test_the_scope_is_required_where_there_is_no_default(settings, terms):
    assert "scope" in kind_named("web", terms).required
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "default_scopes": ["notes:read"]}
    assert "scope" not in kind_named("web", terms_of(default_issuer())).required


def test_privileges_are_no_kind_for_whoever_is_no_operator(with_all):
    terms = replace(terms_of(default_issuer()), held={})
    assert [one.name for one in kinds_for(terms)] == ["web", "spa", "native", "device"]
