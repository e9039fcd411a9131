"""This server vouches for people to an authorization server elsewhere (ID-JAG): for whom the rules say, and what that server makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import IDJAG, People, TrustedIssuer
from django_oauth_server.grants.base import Issuance
from django_oauth_server.keys.signing import jwks
from django_oauth_server.models import Authorization
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol.jose import unverified
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.linked_identities import link
from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token
from django_oauth_server.tokens.id_token import id_token
from tests.exchange.walk import TOKEN_EXCHANGE, TYPE
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import TOKEN, Flow, form, told
from tests.trusted_issuers.idp import JWT_BEARER

pytestmark = pytest.mark.django_db
IDP, CHAT, API = "https://as.example", "https://chat.example", "https://api.chat.example"
ID_JAG = TYPE + "id-jag"
SETTINGS = {
    "issuer": IDP,
    "logout_delivery": "command",
    "scopes": {"openid": "know who you are", "email": "see your email address", "notes:read": "see your notes"},
}


def rule(**said: Any) -> IDJAG:
    """What the wiki may ask for at the chat."""
    usual = {"client": "wiki", "audience": CHAT, "client_id": "wiki-at-chat", "scopes": ("chat:read", "chat:history")}
    return IDJAG(**usual | {"resources": (API,)} | said)


@pytest.fixture
def vouch(settings: Any) -> Any:
    """Have the server issue ID-JAGs by these rules."""

    def vouch(*rules: IDJAG, **more: Any) -> None:
        settings.OAUTH_SERVER = SETTINGS | {"token_exchange": {"id_jags": rules, **more}}

    vouch(rule())
    return vouch


class Wiki(Flow):
    """A client that people sign in to, and that asks for ID-JAGs."""

    def id_token(self, scope: str = "openid notes:read") -> str:
        """Of somebody who signed in some time ago."""
        user = get_user_model().objects.get()
        allowed = AuthorizationFactory(client=self.client, user=user, scope=scope)
        issuance = Issuance(client=self.client, scopes=allowed.scopes, authorization=allowed)
        return id_token(issuance, default_issuer(), timezone.now())

    def ask(self, mine: str, **params: Any) -> Any:
        request = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "audience": CHAT,
            "subject_token": mine,
            "subject_token_type": TYPE + "id_token",
        }
        return self.token(**request | params)

    def id_jag(self, mine: str, **params: Any) -> str:
        answer = self.ask(mine, **params)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])


@pytest.fixture
def wiki(vouch: Any, browser: Browser) -> Wiki:
    return Wiki(registered("wiki"), browser)


def registered(client_id: str, **more: Any) -> Any:
    grant_types = ["authorization_code", "refresh_token", TOKEN_EXCHANGE]
    return ClientFactory(client_id=client_id, **{"metadata__grant_types": grant_types} | more)


def claims_of(id_jag: str) -> dict[str, Any]:
    return dict(unverified(id_jag)[1])


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.3")
def test_an_id_token_is_exchanged_for_an_id_jag(wiki: Wiki, user: Any) -> None:
    answer = wiki.ask(wiki.tokens(scope="openid")["id_token"], scope="chat:read", resource=API).json()

    assert answer.keys() == {"issued_token_type", "access_token", "token_type", "scope", "expires_in"}
    assert (answer["issued_token_type"], answer["token_type"]) == (ID_JAG, "N_A")
    assert (answer["scope"], answer["expires_in"]) == ("chat:read", 300)


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "3")
def test_it_says_who_may_do_what_where(wiki: Wiki, user: Any) -> None:
    header, claims = unverified(wiki.id_jag(wiki.tokens(scope="openid")["id_token"], scope="chat:read"))

    assert header["typ"] == "oauth-id-jag+jwt"
    assert claims.keys() == {
        *("iss", "sub", "aud", "client_id", "jti", "iat", "exp", "scope", "resource", "auth_time", "amr"),
    }
    assert (claims["iss"], claims["sub"], claims["aud"]) == (IDP, str(user.pk), CHAT)
    assert (claims["client_id"], claims["scope"], claims["resource"]) == ("wiki-at-chat", "chat:read", API)
    assert claims["exp"] - claims["iat"] == 300


def test_each_has_its_own_jti(wiki: Wiki) -> None:
    mine = wiki.id_token()

    assert claims_of(wiki.id_jag(mine))["jti"] != claims_of(wiki.id_jag(mine))["jti"]


def test_without_scope_and_resource_it_is_for_all_that_the_rule_names(wiki: Wiki, vouch: Any) -> None:
    two = (API, "https://files.chat.example")
    vouch(rule(resources=two))
    claims = claims_of(wiki.id_jag(wiki.id_token()))

    assert claims["scope"] == "chat:history chat:read"
    assert claims["resource"] == [*two]


def test_a_rule_without_resources_names_none(wiki: Wiki, vouch: Any) -> None:
    vouch(rule(resources=()))

    assert "resource" not in claims_of(wiki.id_jag(wiki.id_token()))


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.3")
@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"audience": None}, "invalid_request", "audience is missing"),
        ({"audience": "https://mail.example"}, "invalid_target", "names an authorization server"),
        ({"audience": CHAT + "/"}, "invalid_target", "names an authorization server"),
        ({"audience": [CHAT, "https://mail.example"]}, "invalid_target", "names an authorization server"),
        ({"resource": "https://files.chat.example"}, "invalid_target", "names an API"),
        ({"scope": "chat:read chat:write"}, "invalid_scope", "asks for more"),
        ({"subject_token": None}, "invalid_request", "subject_token"),
        ({"subject_token_type": None}, "invalid_request", "subject_token_type"),
        ({"subject_token_type": TYPE + "saml2"}, "invalid_request", "a type of token that this server does not accept"),
        ({"subject_token": "no.token.at-all"}, "invalid_request", "unknown, expired or revoked"),
        ({"actor_token": "x", "actor_token_type": TYPE + "id_token"}, "invalid_request", "actor_token is not accepted"),
        ({"requested_token_type": TYPE + "access_token"}, "invalid_request", "does not issue"),
    ],
    ids=str,
)
def test_what_no_rule_allows_is_refused(wiki: Wiki, params: dict[str, Any], error: str, words: str) -> None:
    answer = wiki.ask(wiki.id_token(), **params)

    assert told(answer)["error"] == error
    assert words in told(answer)["error_description"]


def test_the_refusal_names_the_rule(wiki: Wiki) -> None:
    wiki.ask(wiki.id_token(), scope="chat:write")

    assert Refusal.objects.get().rule == f"token_exchange: IDJAG(wiki at {CHAT})"


def test_a_client_without_a_rule_gets_none(vouch: Any, browser: Browser) -> None:
    other = Wiki(registered("other"), browser)

    assert told(other.ask(other.id_token()))["error"] == "unauthorized_client"


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.3.1")
def test_the_id_token_must_be_the_clients_own(wiki: Wiki, browser: Browser) -> None:
    """Also where the rules would let the other client have an ID-JAG, or this one serves a resource that the token is for."""
    other = Wiki(registered("other"), browser)

    assert "was not issued for this client" in told(wiki.ask(other.id_token()))["error_description"]


def test_an_access_token_will_not_do(wiki: Wiki, user: Any) -> None:
    token = issue_token(user=user, client=wiki.client, scopes="notes:read")

    answer = wiki.ask(token, subject_token_type=TYPE + "access_token")

    assert "of a kind that this client may not exchange" in told(answer)["error_description"]


def test_a_public_client_gets_none(vouch: Any, browser: Browser) -> None:
    app = Wiki(registered("wiki", public=True), browser)

    assert told(app.ask(app.id_token(), client_id="wiki"))["error"] == "unauthorized_client"


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.3.1")
@pytest.mark.parametrize("ended", ["revoked", "disabled", "password changed"])
def test_what_ends_the_authorization_ends_it(wiki: Wiki, user: Any, ended: str) -> None:
    mine = wiki.id_token()
    if ended == "revoked":
        Authorization.objects.update(revoked_at=timezone.now(), is_live=None)
    elif ended == "password changed":
        user.set_password("another")
        user.save()
    else:
        user.is_active = False
        user.save()

    assert "unknown, expired or revoked" in told(wiki.ask(mine))["error_description"]


def test_it_lives_no_longer_than_the_id_token(wiki: Wiki, vouch: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"id_token_lifetime": timedelta(seconds=60)}

    assert wiki.ask(wiki.id_token()).json()["expires_in"] <= 60


def test_the_deployments_own_function_takes_scopes_away(wiki: Wiki, vouch: Any) -> None:
    vouch(rule(), hook=f"{__name__}.only_reading")

    mine = wiki.id_token()

    assert wiki.ask(mine).json()["scope"] == "chat:read"
    assert told(wiki.ask(mine, scope="chat:history"))["error"] == "invalid_scope"


def only_reading(asked: Any, allowed: Any) -> set[str]:
    assert allowed.rule.audience == CHAT
    assert asked.subject.authorization.user.is_active
    return {"chat:read", "chat:write"}


def test_claims_are_those_that_the_person_lets_the_client_know(wiki: Wiki, vouch: Any, user: Any) -> None:
    user.email = "alice@as.example"
    user.save()
    vouch(rule(claims=("email", "name")))

    assert claims_of(wiki.id_jag(wiki.id_token("openid email")))["email"] == "alice@as.example"


def test_and_no_others(wiki: Wiki, vouch: Any, user: Any) -> None:
    user.email = "alice@as.example"
    user.save()
    vouch(rule(claims=("email", "name")))

    assert not {"email", "name"} & claims_of(wiki.id_jag(wiki.id_token("openid"))).keys()


def without_email(client: Any, grant_type: str, user: Any, scopes: frozenset[str]) -> frozenset[str]:
    """The person may no longer let apps see their address."""
    return scopes - {"email"} if user is not None else scopes


def test_claims_that_the_person_may_not_let_the_client_know_any_more_are_left_out(
    wiki: Wiki, vouch: Any, user: Any, settings: Any
) -> None:
    user.email = "alice@as.example"
    user.save()
    vouch(rule(claims=("email",)))
    mine = wiki.id_token("openid email")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"allowed_scopes": f"{__name__}.without_email"}

    assert "email" not in claims_of(wiki.id_jag(mine))


def test_sub_is_what_the_server_elsewhere_knows_the_person_by(wiki: Wiki, vouch: Any, user: Any, settings: Any) -> None:
    pairwise = {"metadata__subject_type": "pairwise"}
    vouch(rule(relying_party="chat"))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": "salt"}
    chat = Flow(
        ClientFactory(client_id="chat", metadata__redirect_uris=["https://chat.example/cb"], **pairwise), wiki.browser
    )
    known = unverified(chat.tokens(scope="openid")["id_token"])[1]["sub"]

    assert claims_of(wiki.id_jag(wiki.id_token()))["sub"] == known != str(user.pk)


def test_it_is_bound_to_the_key_that_the_client_holds(wiki: Wiki) -> None:
    key = DPoPKey()
    mine = wiki.id_token()

    id_jag = wiki.id_jag(mine, headers={"DPoP": key.proof("POST", f"{IDP}/oauth/token")})

    assert claims_of(id_jag)["cnf"] == {"jkt": key.thumbprint}


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "6")
def test_metadata_say_so(vouch: Any) -> None:
    told = Browser().get("/.well-known/oauth-authorization-server").json()

    assert told["identity_chaining_requested_token_types_supported"] == [ID_JAG]
    assert TOKEN_EXCHANGE in told["grant_types_supported"]


def test_without_a_rule_none_is_offered(vouch: Any) -> None:
    vouch()

    assert "id-jag" not in Browser().get("/.well-known/oauth-authorization-server").content.decode()


# -- the server elsewhere ----------------------------------------------------------------------------------------------


def elsewhere(settings: Any) -> Any:
    """From now on, an authorization server elsewhere is there as well, which trusts this one with people; and the wiki's client at that server."""
    trusted = TrustedIssuer(IDP, keys=jwks(default_issuer()), people=People(scopes=("chat:read", "chat:history")))
    chat = {
        "issuer": CHAT,
        "logout_delivery": "command",
        "scopes": {"chat:read": "read your messages", "chat:history": "read old messages"},
        "resources": {API: "Chat"},
        "trusted_issuers": {"issuers": (trusted,)},
    }
    settings.ALLOWED_HOSTS = ["*"]
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, chat]
    return ClientFactory(
        client_id="wiki-at-chat",
        issuer=CHAT,
        metadata__token_endpoint_auth_method="client_secret_post",
        metadata__grant_types=[JWT_BEARER],
        metadata__scope="chat:read chat:history",
    )


def at_chat(client: Any, id_jag: str) -> Any:
    request = {"grant_type": JWT_BEARER, "assertion": id_jag}
    proof = {"client_id": client.client_id, "client_secret": client.secret}
    there = Browser(SERVER_NAME="chat.example")
    return there.post(TOKEN, form(request | proof), content_type="application/x-www-form-urlencoded")


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.4")
def test_the_server_elsewhere_gives_a_token_for_the_person_whom_it_knows(wiki: Wiki, user: Any, settings: Any) -> None:
    id_jag = wiki.id_jag(wiki.id_token(), scope="chat:read")
    client, there = elsewhere(settings), UserFactory()
    link(there, IDP, "", str(user.pk), timezone.now())

    answer = at_chat(client, id_jag)

    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "chat:read"
    assert "refresh_token" not in answer.json()
    assert Authorization.objects.get(client=client).user == there
    assert told(at_chat(client, id_jag))["error"] == "invalid_grant"


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "7.3")
def test_a_server_that_would_vouch_to_itself_is_told_so(vouch: Any) -> None:
    vouch(rule(audience=IDP), rule(client="other", claims=("shoe_size",)))

    found = [one.msg for one in run_checks() if one.id == "oauth_server.E022"]

    assert len(found) == 2
    assert "accepts no ID-JAG of its own" in found[0]
    assert "'shoe_size'" in found[1]


def test_clients_of_a_rule_that_are_not_registered_are_named(vouch: Any) -> None:
    vouch(rule(relying_party="chat"))
    registered("wiki")

    found = [one.msg for one in run_checks(databases=["default"]) if one.id == "oauth_server.W020"]

    assert [one.split(", ")[0].rpartition(" ")[2] for one in found] == ["chat"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"client": ""}, "client must not be empty"),
        ({"client_id": ""}, "client_id must not be empty"),
        ({"scopes": ()}, "scopes must not be empty"),
        ({"scopes": ("chat:*",)}, "no wildcards"),
        ({"scopes": "chat:read"}, "scopes must be"),
        ({"audience": "chat"}, "audience"),
        ({"resources": ("chat",)}, "resources"),
        ({"lifetime": timedelta(hours=2)}, "lifetime"),
        ({"lifetime": timedelta()}, "lifetime"),
    ],
    ids=str,
)
def test_a_mistake_in_a_rule_stops_the_start(said: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, ImproperlyConfigured), match=words):
        rule(**said)


def test_two_rules_for_the_same_stop_the_start(vouch: Any) -> None:
    vouch(rule(), rule(scopes=("chat:read",)))

    with pytest.raises(ImproperlyConfigured, match="twice"):
        default_issuer()
