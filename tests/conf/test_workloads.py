"""Which token is of which workload, said in the settings: exactly or by whole segments, and never of two clients at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.conf import Prefix, Workload
from django_oauth_server.conf.workloads import check_apart

REPO = "repo:octo-org/octo-repo:"
KUBERNETES = {"kubernetes.io": {"namespace": "payments", "serviceaccount": {"name": "api", "uid": "a709ef71"}}}


@pytest.mark.parametrize(
    ("said", "claims", "matches"),
    [
        ({"subject": f"{REPO}ref:refs/heads/main"}, {"sub": f"{REPO}ref:refs/heads/main"}, True),
        ({"subject": f"{REPO}ref:refs/heads/main"}, {"sub": f"{REPO}ref:refs/heads/main2"}, False),
        ({"subject": f"{REPO}ref:refs/heads/main"}, {"sub": f"{REPO}ref:refs/heads/Main"}, False),
        ({"subject": f"{REPO}ref:refs/heads/main"}, {}, False),
        ({"subject": Prefix(REPO)}, {"sub": f"{REPO}environment:prod"}, True),
        ({"subject": Prefix(REPO)}, {"sub": REPO}, False),
        ({"subject": Prefix(REPO)}, {"sub": "repo:octo-org/octo-repo-evil:environment:prod"}, False),
        ({"subject": Prefix(REPO)}, {"sub": [f"{REPO}environment:prod"]}, False),
        ({"claims": {"environment": "prod"}}, {"environment": "prod"}, True),
        ({"claims": {"environment": "prod"}}, {"environment": ["prod"]}, False),
        ({"claims": {"act": {"sub": "runner"}}}, {"act": {"sub": "runner"}}, True),
        ({"claims": {"environment": "prod"}}, {}, False),
        ({"claims": {"ref": Prefix("refs/tags/")}}, {"ref": "refs/tags/v1"}, True),
        ({"claims": {"ref": Prefix("refs/tags/")}}, {"ref": "refs/heads/main"}, False),
        ({"claims": {"protected": True}}, {"protected": True}, True),
        ({"claims": {"protected": True}}, {"protected": 1}, False),
        ({"claims": {"protected": True}}, {"protected": "true"}, False),
        ({"claims": KUBERNETES}, KUBERNETES | {"jti": "x"}, True),
        ({"claims": {"kubernetes.io": {"namespace": "payments"}}}, KUBERNETES, True),
        ({"claims": {"kubernetes.io": {"namespace": "other"}}}, KUBERNETES, False),
        ({"claims": {"kubernetes.io": {"namespace": "payments"}}}, {"kubernetes.io": "payments"}, False),
    ],
)
def test_a_token_is_of_a_workload_by_all_that_it_names(
    said: dict[str, Any], claims: dict[str, Any], matches: bool
) -> None:
    workload = Workload(**{"client_id": "deploy", "subject": "any"} | said)

    assert (not workload.unmet({"sub": "any"} | claims if "subject" not in said else claims)) is matches


@pytest.mark.parametrize("prefix", ["", "repo", "repo:octo-org/octo", "repo:octo-org/octo-repo:ref", 3])
def test_a_prefix_ends_where_a_segment_ends(prefix: Any) -> None:
    with pytest.raises(ValueError, match="must end where a segment ends"):
        Prefix(prefix)


@pytest.mark.parametrize(
    "prefix",
    [
        *(":", "/", "repo:", "://", "spiffe://", "system:", "system:serviceaccount:"),
        *("spiffe://example.org/", "https://idp.example/", "https://idp.example//"),
    ],
)
def test_nobody_lets_in_a_whole_platform(prefix: str) -> None:
    with pytest.raises(ValueError, match="everybody on the platform"):
        Workload(client_id="deploy", subject=Prefix(prefix))


@pytest.mark.parametrize(
    "prefix", ["repo:octo-org/", "spiffe://example.org/ns/payments/", "organization:octo:project:"]
)
def test_a_part_of_a_platform_may_be_let_in(prefix: str) -> None:
    assert Workload(client_id="deploy", subject=Prefix(prefix)).unmet({"sub": f"{prefix}one"}) == []


def test_a_prefix_has_no_wildcards() -> None:
    with pytest.raises(ValueError, match="has a wildcard"):
        Prefix("refs/*/")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"client_id": ""}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"subject": ""}, "subject must be"),
        ({"subject": None}, "subject must be"),
        ({"subject": "*"}, "no wildcards"),
        ({"subject": "repo:octo-org/*"}, "no wildcards"),
        ({"single_use": "no"}, "single_use"),
        ({"claims": ["environment"]}, "claims must be a dict"),
        ({"claims": {"sub": "another"}}, "cannot have 'sub'"),
        ({"claims": {7: "another"}}, "cannot have 7"),
        ({"claims": {"environment": ""}}, "the claim environment"),
        ({"claims": {"environment": None}}, "the claim environment"),
        ({"claims": {"environment": ["prod"]}}, "the claim environment"),
        ({"claims": {"kubernetes.io": {"namespace": None}}}, "the claim namespace"),
        ({"claims": {"kubernetes.io": {}}}, "the claim kubernetes.io"),
        ({"claims": {"ref": "refs/heads/*"}}, "the claim ref has no wildcards"),
    ],
)
def test_a_mistake_is_told_with_the_client_that_it_is_about(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Workload(**{"client_id": "deploy", "subject": "any"} | said)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({"subject": "a:b"}, {"subject": "a:c"}, True),
        ({"subject": "a:b"}, {"subject": "a:b"}, False),
        ({"subject": Prefix("a:b:")}, {"subject": "a:b:c"}, False),
        ({"subject": "a:b:c"}, {"subject": Prefix("a:b:")}, False),
        ({"subject": Prefix("a:b:")}, {"subject": Prefix("a:b:c:")}, False),
        ({"subject": Prefix("a:b:")}, {"subject": Prefix("a:c:")}, True),
        ({"claims": {"environment": "prod"}}, {"claims": {"environment": "test"}}, True),
        ({"claims": {"environment": "prod"}}, {}, False),
        ({"claims": {"environment": "prod"}}, {"claims": {"ref": "main"}}, False),
        ({"claims": {"k": {"n": "a"}}}, {"claims": {"k": {"n": "b"}}}, True),
        ({"claims": {"k": {"n": "a"}}}, {"claims": {"k": {"m": "b"}}}, False),
        ({"claims": {"k": {"n": "a"}}}, {"claims": {"k": "a"}}, True),
    ],
)
def test_two_clients_that_one_token_could_be_of_stop_the_start(
    one: dict[str, Any], other: dict[str, Any], apart: bool
) -> None:
    usual = {"subject": Prefix("repo:octo-org/")}
    workloads = [Workload(client_id="one", **usual | one), Workload(client_id="other", **usual | other)]

    if apart:
        check_apart(workloads)
    else:
        with pytest.raises(ValueError, match="a token could be of the workload one and of other"):
            check_apart(workloads)


def test_one_client_may_be_several_workloads_that_overlap() -> None:
    check_apart([Workload(client_id="one", subject="a:b:c"), Workload(client_id="one", subject=Prefix("a:b:"))])


def test_a_token_is_for_one_use_or_for_several() -> None:
    once, often = Workload(client_id="one", subject="a:b:c"), Prefix("a:b:")

    with pytest.raises(ValueError, match="which differ in single_use"):
        check_apart([once, Workload(client_id="one", subject=often, single_use=False)])


_WORDS = st.sampled_from(["a", "b", "a:b", "a:b:a", "a:b:b", "a:b:a:b"])
_EXPECTED = st.one_of(_WORDS, st.sampled_from(["a:b:", "a:b:a:"]).map(Prefix))
_CLAIMS = st.dictionaries(st.sampled_from(["c", "d"]), _EXPECTED)


@given(_EXPECTED, _CLAIMS, _EXPECTED, _CLAIMS, _WORDS, st.dictionaries(st.sampled_from(["c", "d"]), _WORDS))
def test_no_token_is_of_two_clients_where_the_start_was_not_stopped(
    subject: Any, claims: Any, other_subject: Any, other_claims: Any, sub: str, said: dict[str, str]
) -> None:
    one = Workload(client_id="one", subject=subject, claims=claims)
    other = Workload(client_id="other", subject=other_subject, claims=other_claims)
    token = said | {"sub": sub}

    assert one.may_match_with(other) or one.unmet(token) or other.unmet(token)
