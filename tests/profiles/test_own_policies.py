"""Policies of a deployment's own: what they permit is all there is, whoever uses it; what they demand is seen to, or nothing starts."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import validate
from django_oauth_server.component import Component
from django_oauth_server.conf import IssuerSettings, Policy, Workload
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.protocol.jose import SigningKeyPair, sign, unverified
from django_oauth_server.registry import default_issuer
from tests.assertions import assertion, jwks, key_client, proof, secret_client, signed
from tests.factories import ClientFactory
from tests.flow import Flow, answered, told
from tests.trusted_issuers.idp import JWT_BEARER, KEY, PEOPLE, agent, linked, trusted
from tests.trusted_issuers.idp import assertion as vouched
from tests.workloads.platforms import workload_client

pytestmark = pytest.mark.django_db

METADATA = "/.well-known/oauth-authorization-server"
STRICT = Policy(
    name="strict",
    permitted_algorithms=frozenset({"ES256", "PS256"}),
    permitted_client_auth_methods=frozenset({"private_key_jwt"}),
)
RSA = SigningKeyPair.generate("RS256")


class Sealing(Component):
    """Sees to what a policy may demand."""

    name = "sealing"
    demands = {"sealed": "Everything is sealed."}

    def enabled(self, settings: IssuerSettings) -> bool:
        return "notes:read" in settings.scopes


@pytest.fixture
def declare(settings: Any) -> Any:
    plain = settings.OAUTH_SERVER

    def declare(**said: object) -> None:
        settings.OAUTH_SERVER = plain | {"components": [f"{__name__}.Sealing"], "policies": [STRICT]} | said

    return declare


@pytest.fixture(params=["issuer", "client"])
def bound(request: pytest.FixtureRequest, declare: Any) -> str:
    """The profile of clients, where the policy is theirs alone, or the issuer's."""
    declare(**({"profile": "strict"} if request.param == "issuer" else {}))
    return "" if request.param == "issuer" else "strict"


def ask(client: Any, jwt: str) -> dict[str, Any]:
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof(jwt)
    return told(Flow(client, Browser()).token(authorization=None, **form))


# -- where it is used ------------------------------------------------------------------------------------------------------


def test_a_permitted_algorithm_of_an_assertion_is_accepted_and_another_is_not(bound: str) -> None:
    pairs = [SigningKeyPair.generate("ES256"), RSA]
    client = key_client(*pairs, profile=bound)
    assert "access_token" in ask(client, assertion(client, pairs[0]))
    assert ask(client, assertion(client, RSA))["error"] == "invalid_client"


def test_a_method_that_is_not_permitted_lets_nobody_in(bound: str) -> None:
    flow = Flow(ClientFactory(profile=bound, metadata__grant_types=["client_credentials"]), Browser())
    answer = flow.token(grant_type="client_credentials", scope="notes:read")
    assert (answer.status_code, told(answer)["error"]) == (401, "invalid_client")


def test_a_shared_secret_signs_nothing_where_its_algorithm_is_not_permitted(declare: Any) -> None:
    declare(policy=Policy(name="ours", permitted_algorithms=frozenset({"ES256"})))
    client = secret_client()
    assert ask(client, assertion(client))["error"] == "invalid_client"


@pytest.mark.parametrize("response_type", ["code", "token"])
def test_a_client_that_could_never_authenticate_is_not_asked_for(
    declare: Any, browser: Browser, response_type: str
) -> None:
    """Nor given what no authentication comes before (RFC 6749 section 4.2)."""
    declare(profile="legacy")
    grants = ["authorization_code", "implicit"]
    client = ClientFactory(profile="strict", public=True, metadata__grant_types=grants)
    page = Flow(client, browser).authorize(response_type=response_type)
    assert page.status_code == 400 and 'id="allow"' not in page.content.decode()
    client.profile = ""
    client.save()
    assert Flow(client, browser).authorize(response_type="code").status_code == 200


def test_a_request_object_is_signed_as_is_permitted(bound: str, browser: Browser, user: Any) -> None:
    client = key_client(RSA, profile=bound, metadata__grant_types=["authorization_code"])
    inside = {"iss": client.client_id, "aud": "https://as.example", "response_type": "code", "scope": "notes:read"}
    request = signed(inside, RSA)
    assert answered(Flow(client, browser).authorize(request=request))["error"] == "invalid_request_object"


def test_an_id_token_is_signed_as_is_permitted(declare: Any, browser: Browser, user: Any) -> None:
    """Who chose nothing gets the first that is permitted; RS256, the usual one, is not."""
    declare(profile="strict", policies=[Policy(name="strict", permitted_algorithms=frozenset({"ES256"}))])
    token = Flow(ClientFactory(), browser).tokens(scope="openid")["id_token"]
    assert unverified(token)[0]["alg"] == "ES256"


def test_an_algorithm_that_was_registered_before_it_was_forbidden_signs_nothing(
    declare: Any, browser: Browser, user: Any
) -> None:
    declare(policy=Policy(name="ours", permitted_algorithms=frozenset({"ES256"})))
    flow = Flow(ClientFactory(metadata__id_token_signed_response_alg="RS256"), browser)
    assert told(flow.exchange(flow.code(scope="openid")))["error"] == "unauthorized_client"


def test_a_userinfo_response_is_not_signed_as_is_forbidden(declare: Any, browser: Browser, user: Any) -> None:
    client = ClientFactory(metadata__userinfo_signed_response_alg="RS256")
    flow = Flow(client, browser)
    token = flow.tokens(scope="openid")["access_token"]
    declare(policy=Policy(name="ours", permitted_algorithms=frozenset({"ES256"})))
    refused = flow.server.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert told(refused)["error"] == "unauthorized_client"


def test_a_software_statement_is_signed_as_is_permitted(declare: Any) -> None:
    trusted = {"software_statement_issuers": {"https://vendor.example": {"keys": [RSA.public_jwk()]}}}
    document = {"redirect_uris": ["https://rp.example/callback"], "token_endpoint_auth_method": "none"}
    said = sign({"iss": "https://vendor.example", "client_name": "Notebook"}, RSA, typ="JWT")

    def register() -> dict[str, Any]:
        body = json.dumps(document | {"software_statement": said})
        return told(Browser().post("/oauth/register", body, "application/json"))

    declare(**trusted)
    assert register()["client_name"] == "Notebook"
    declare(**trusted, policy=Policy(name="ours", permitted_algorithms=frozenset({"ES256"})))
    assert register()["error"] == "invalid_software_statement"


@pytest.fixture(params=["issuer", "client"])
def es256_alone(request: pytest.FixtureRequest, declare: Any) -> str:
    """The profile of clients, where the policy is theirs alone, or the issuer's. An issuer elsewhere is trusted with people and with a workload."""
    policy = Policy(name="ours", permitted_algorithms=frozenset({"ES256"}))
    workloads = (Workload(client_id="job", subject="job-1"),)
    issuers = (trusted(keys=jwks(KEY, RSA), people=PEOPLE, workloads=workloads),)
    is_issuers = request.param == "issuer"
    declare(policies=[policy], trusted_issuers={"issuers": issuers}, **({"profile": policy.name} if is_issuers else {}))
    return "" if is_issuers else policy.name


def test_an_assertion_about_a_person_is_signed_as_is_permitted(es256_alone: str, user: Any) -> None:
    linked(user)
    client = Flow(agent(profile=es256_alone), Browser())

    def present(pair: SigningKeyPair) -> dict[str, Any]:
        return told(client.token(grant_type=JWT_BEARER, assertion=vouched(pair), scope="notes:read"))

    assert "access_token" in present(KEY)
    refused = present(RSA)
    assert refused["error"] == "invalid_grant" and "cannot be verified" in refused["error_description"]


@pytest.mark.parametrize("grant_type", ["client_credentials", JWT_BEARER])
def test_the_token_of_a_workload_is_signed_as_is_permitted(es256_alone: str, grant_type: str) -> None:
    """Whether it authenticates the client or is the grant as well."""
    client = workload_client("job", profile=es256_alone, metadata__grant_types=[grant_type])

    def present(pair: SigningKeyPair) -> dict[str, Any]:
        jwt = vouched(pair, header={"typ": "JWT"}, sub="job-1")
        shown = {"assertion": jwt} if grant_type == JWT_BEARER else proof(jwt)
        return told(Flow(client, Browser()).token(authorization=None, grant_type=grant_type, **shown))

    assert "access_token" in present(KEY)
    assert present(RSA)["error"] == "invalid_client"


# -- what is offered -------------------------------------------------------------------------------------------------------


def test_the_metadata_offers_what_is_permitted(declare: Any) -> None:
    declare(profile="strict")
    offered = Browser().get(METADATA).json()
    assert offered["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    for name in ("token_endpoint_auth", "request_object", "id_token", "userinfo"):
        assert set(offered[f"{name}_signing_alg_values_supported"]) <= {"ES256", "PS256"}
    assert "RSA-OAEP" in offered["id_token_encryption_alg_values_supported"], "these are no signatures"


@pytest.mark.parametrize(
    ("document", "member"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_signing_alg": "RS256"}, "token_endpoint_auth_signing_alg"),
        ({"request_object_signing_alg": "RS256"}, "request_object_signing_alg"),
        ({"id_token_signed_response_alg": "RS256"}, "id_token_signed_response_alg"),
        ({"userinfo_signed_response_alg": "HS256"}, "userinfo_signed_response_alg"),
    ],
)
def test_no_client_registers_what_is_not_permitted(bound: str, document: dict[str, str], member: str) -> None:
    usual = {"redirect_uris": ["https://rp.example/callback"], "token_endpoint_auth_method": "private_key_jwt"}
    with pytest.raises(InvalidClientMetadata) as refused:
        validate(usual | {"jwks_uri": "https://rp.example/jwks"} | document, terms_of(default_issuer(), bound))
    assert refused.value.member == member


def test_a_policy_of_ones_own_is_a_profile_of_clients(declare: Any, admin_client: Browser) -> None:
    declare()
    assert (
        'value="strict"' in admin_client.get("/admin/django_oauth_server/client/add/", {"kind": "web"}).content.decode()
    )
    out = StringIO()
    flags = ("--token-endpoint-auth-method", "private_key_jwt", "--jwks-uri", "https://rp.example/jwks")
    call_command(
        "createclient", "--profile", "strict", "--json", "--redirect-uri", "https://a.example/", *flags, stdout=out
    )
    assert json.loads(out.getvalue())["token_endpoint_auth_method"] == "private_key_jwt"


@pytest.mark.parametrize("command", [["createclient"], ["createinitialaccesstoken", "Partner"]])
def test_a_profile_that_there_is_not_is_told(declare: Any, command: list[str]) -> None:
    declare()
    with pytest.raises(CommandError, match="no profile stirct.*strict"):
        call_command(*command, "--profile", "stirct")


def test_a_client_that_is_bound_to_what_is_gone_gets_nothing(declare: Any) -> None:
    declare(policies=[])
    client = key_client(profile="strict")
    assert ask(client, assertion(client))["error"] == "unauthorized_client"


# -- what does not start ---------------------------------------------------------------------------------------------------


def policy(**members: Any) -> Policy:
    return Policy(name="ours", **members)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"policy": policy(permitted_algorithms={"ES265"})}, "unknown 'ES265'. Did you mean 'ES256'?"),
        ({"policy": policy(permitted_algorithms={"none"})}, "permitted_algorithms has an unknown 'none'"),
        ({"policy": policy(permitted_client_auth_methods={"private_key_jwk"})}, "Did you mean 'private_key_jwt'?"),
        ({"policies": [policy(demands={"seeled"})]}, "ours: demands has an unknown 'seeled'. Did you mean 'sealed'?"),
        ({"policy": policy(permitted_algorithms="ES256")}, "permitted_algorithms must be a list or tuple"),
        ({"policy": policy(require_pkce="yes")}, "policy: ours: require_pkce must be True or False."),
        (
            {"policies": [policy(maximum_code_lifetime=timedelta(hours=1))]},
            "maximum_code_lifetime is at most ten minutes",
        ),
        ({"policy": "oauth2_1"}, "policy must be a Policy or None."),
        ({"policies": [STRICT, STRICT]}, "policies names a policy twice"),
        ({"policies": [Policy(name="legacy")]}, "or as a profile that there is"),
        ({"policies": [Policy(name="a b")]}, "policies has 'a b'"),
        ({"policies": [Policy(name="x" * 51)]}, "at most 50"),
        ({"profile": "stirct"}, "profile 'stirct' is none of oauth2_1, openid_connect, legacy, strict"),
        ({"policy": policy(permitted_algorithms=())}, "permitted_algorithms of the policy oauth2_1+ours is empty"),
        ({"policy": policy(permitted_algorithms=["EdDSA"])}, "permitted_algorithms of the policy oauth2_1+ours+strict"),
        ({"policy": policy(permitted_client_auth_methods=["none"])}, "permitted_client_auth_methods of the policy"),
        ({"policies": [], "policy": policy(permitted_algorithms=["RS256"])}, "signing_alg ES256 is not permitted"),
        (
            {"scopes": {"openid": "sign you in"}, "policies": [policy(demands={"sealed"})]},
            "the policy oauth2_1+ours demands 'sealed', which is switched off",
        ),
    ],
)
def test_a_mistake_stops_the_start_and_the_check_says_which(declare: Any, said: dict[str, Any], words: str) -> None:
    declare(**said)
    with pytest.raises(ImproperlyConfigured) as stopped:
        default_issuer()
    assert words in str(stopped.value)
    assert "oauth_server.E001" in {message.id for message in run_checks(tags=["security"])}


def test_a_demand_is_known_once_a_component_declares_it(declare: Any) -> None:
    declare(policy=policy(demands=["sealed"]), policies=[])
    assert default_issuer().policy.demands == {"sealed"}
    assert default_issuer().policy_for("legacy").demands == {"sealed"}


def test_keys_of_which_none_is_permitted_are_found(declare: Any) -> None:
    declare(policies=[], policy=policy(permitted_algorithms=["PS256"]), signing_alg="PS256", signing_algs=["RS256"])
    assert default_issuer().policy.algorithms(["RS256", "PS256"]) == ("PS256",)
    assert "oauth_server.E008" not in {message.id for message in run_checks(tags=["security"])}


def test_a_key_file_whose_algorithm_is_not_permitted_signs_nothing(declare: Any, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_bytes(RSA.dump())
    declare(policies=[], policy=policy(permitted_algorithms=["ES256"]), signing_key_files=[str(file)])
    with pytest.raises(ImproperlyConfigured, match="whose RS256 the policy oauth2_1\\+ours does not permit"):
        signing_key(default_issuer())
    assert "oauth_server.E003" in {message.id for message in run_checks(tags=["security"])}


def test_a_method_none_of_whose_algorithms_is_permitted_is_not_offered(declare: Any) -> None:
    declare(policies=[], policy=policy(permitted_algorithms=["ES256"]))
    assert "client_secret_jwt" not in Browser().get(METADATA).json()["token_endpoint_auth_methods_supported"]
