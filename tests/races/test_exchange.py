"""Whatever ends the person's authorization while services exchange its tokens: nothing that was exchanged is worth anything afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from django_oauth_server.grants.rotation import with_origin
from django_oauth_server.keys.derivation import derivation_keys
from django_oauth_server.models import Client, Token
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, digest, generate
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.clients import set_active
from django_oauth_server.storage.transaction import retry_conflicts
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.races.doors import Door, at_once, walk
from tests.races.rules import MAIL, NOTES, RULES
from tests.races.test_revocation import ROUNDS, in_a_moment, opens, refresh_until_refused, take_back

TYPE = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
FORMATS = pytest.mark.parametrize("format", ["opaque", "at+jwt"])
End = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def _exchanges(settings: Any, _unlimited: None) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"token_exchange": {"rules": RULES}}


def a_service(name: str, resource: str, format: str) -> Client:
    client: Client = ClientFactory(
        client_id=name,
        access_token_format=format,
        metadata__grant_types=[TOKEN_EXCHANGE],
        metadata__resource_identifiers=[resource],
    )
    return client


class Given(NamedTuple):
    value: str
    through: frozenset[str]
    """The services that act in it."""


class Chain:
    """A person's app, the service that it calls, and the one behind that, which calls back."""

    def __init__(self, door: Door, person: Any, format: str) -> None:
        self.door, self.person = door, person
        self.app = walk(door, ClientFactory(public=True, access_token_format=format), person)
        self.notes = a_service("notes-service", NOTES, format)
        self.mail = a_service("mail-service", MAIL, format)

    def delete(self) -> None:
        for client in Client.objects.filter(client_id__in=[self.app.client.client_id, "notes-service", "mail-service"]):
            retry_conflicts(client.delete)

    def exchanged(self, token: str, at_most: int = 8) -> list[Given]:
        """What both services are given, until one is refused. The token goes back and forth as often as a chain may be long."""
        services = ((walk(self.door, self.notes), MAIL), (walk(self.door, self.mail), NOTES))
        given: list[Given] = []
        while len(given) < at_most:
            held = Given(token, frozenset())
            for service, resource in services:
                value = swap(service, held.value, resource)
                if not value:
                    return given
                held = Given(value, held.through | {service.client.client_id})
                given.append(held)
        return given

    def race(self, end: End) -> list[Given]:
        """Tokens are exchanged and refreshed as fast as can be; *end* comes between. Returns all access tokens that were given."""
        bought = self.app.tokens(resource=NOTES, scope="notes:read")
        given = [Given(bought["access_token"], frozenset())]

        def exchange() -> None:
            given.extend(self.exchanged(bought["access_token"]))

        def refresh() -> None:
            for answer in refresh_until_refused(walk(self.door, self.app.client), bought["refresh_token"], at_most=4):
                given.append(Given(answer["access_token"], frozenset()))
                given.extend(self.exchanged(answer["access_token"], at_most=2))

        at_once(exchange, exchange, refresh, partial(in_a_moment, partial(end, bought)))
        return given

    def alive(self, given: list[Given]) -> list[Given]:
        """Those of *given* that a resource server takes, or is told to be good."""
        api = walk(self.door, ClientFactory(metadata__resource_identifiers=[NOTES, MAIL]))
        return [one for one in given if api.is_active(one.value) or (one.value.count(".") == 2 and opens(one.value))]


def swap(service: Flow, token: str, resource: str) -> str:
    """The access token that is got in exchange; empty where that is refused."""
    params = {"subject_token": token, "subject_token_type": TYPE, "resource": resource}
    answer = service.token(grant_type=TOKEN_EXCHANGE, **params)
    if answer.status_code == 200:
        return str(answer.json()["access_token"])
    assert answer.json()["error"] in {"invalid_request", "invalid_grant", "invalid_client"}, answer.content
    return ""


def disable(client: Client) -> None:
    retry_conflicts(partial(set_active, [client], active=False))


def ends(chain: Chain) -> dict[str, End]:
    return {
        "taken back": partial(take_back, chain.door.browser(chain.person)),
        "revoked": lambda bought: walk(chain.door, chain.app.client).revoke(bought["refresh_token"]),
        "reused": partial(reuse, chain),
        "app disabled": lambda _: disable(chain.app.client),
        "app deleted": lambda _: retry_conflicts(Client.objects.get(pk=chain.app.client.pk).delete),
        "person disabled": lambda _: forbid(chain.person),
        "password changed": lambda _: change_password(chain.person),
    }


def reuse(chain: Chain, bought: dict[str, Any]) -> None:
    """A refresh token of the same grant, of which the row is long gone, is presented by a thief."""
    one, issuer = Token.objects.get(digest=digest(bought["refresh_token"])), default_issuer()
    assert one.authorization_id and one.family
    key, yesterday = derivation_keys(issuer)[0], timezone.now() - timedelta(days=1)
    former = with_origin(generate(REFRESH_TOKEN), one.authorization_id, one.family, issuer, key, yesterday)
    assert walk(chain.door, chain.app.client).refresh(former).json()["error"] == "invalid_grant"


def forbid(person: Any) -> None:
    person.is_active = False
    retry_conflicts(person.save)


def change_password(person: Any) -> None:
    person.set_password(generate(REFRESH_TOKEN))
    retry_conflicts(person.save)


@FORMATS
@pytest.mark.parametrize(
    "how", ["taken back", "revoked", "reused", "app disabled", "app deleted", "person disabled", "password changed"]
)
@pytest.mark.spec("RFC 8693", "5")
def test_nothing_that_was_exchanged_outlives_what_the_person_allowed(
    door: Door, person: Any, format: str, how: str
) -> None:
    for _ in range(max(ROUNDS // 2, 1)):
        chain = Chain(door, person, format)
        given = chain.race(ends(chain)[how])
        assert chain.alive(given) == []
        chain.delete()
        person.is_active = True
        person.save()


@FORMATS
@pytest.mark.parametrize("who", ["notes", "mail"])
def test_nothing_that_a_service_was_given_outlives_the_service(door: Door, person: Any, format: str, who: str) -> None:
    """What it passed on ends as well, as it acts in every token behind its own. What others were given does not. A process that has just
    read the revocations knows it."""
    for _ in range(max(ROUNDS // 2, 1)):
        chain = Chain(door, person, format)
        given = chain.race(lambda _, chain=chain: disable(getattr(chain, who)))
        alive, through = (
            {one for one in given if opens(one.value)},
            {one for one in given if f"{who}-service" in one.through},
        )
        assert not alive & through
        assert (
            format == "at+jwt" or alive == set(given) - through
        )  # a server may have signed with a key that a former test has deleted
        chain.delete()
