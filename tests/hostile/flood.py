"""Tokens that nobody issued, by the thousand: random ones, and real ones with something changed. The same ones each time."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils import timezone

from django_oauth_server.resource.requirement import requires
from django_oauth_server.testing.issuer import FakeIssuer
from django_oauth_server.testing.tokens import issue_token
from tests.hostile.junk import FORM

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SETTINGS: Final = {"protected_prefixes": {"/prefix/": requires("notes:read")}}
MIDDLEWARE: Final = ["django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]

REFUSED: Final = {(400, "Bearer"), (401, "Bearer")}

Mutation = Callable[[Random, str, str], str]


def real_tokens(user: Any) -> list[str]:
    """Two that are opaque and two that are not, all of them good."""
    return [
        issue_token(scopes="notes:read", user=user, format=form) for form in ("opaque", "opaque", "at+jwt", "at+jwt")
    ]


def tokens(real: Sequence[str], seed: int = 0) -> Iterator[str]:
    """Without end; none of them is real."""
    random = Random(seed)
    while True:
        one, other = random.sample(real, 2)
        made = random.choice(MUTATIONS)(random, one, other)
        if made not in real:
            yield made


def flood(path: str, made: Iterator[str], count: int) -> Counter[tuple[int, str]]:
    """With which status and which scheme of a challenge *count* calls were answered. Each tenth token comes in a form."""
    return Counter(
        (response.status_code, response.get("WWW-Authenticate", "").partition(" ")[0])
        for response in _asked(path, islice(made, count))
    )


def good(path: str, token: str) -> int:
    """The status with which *token* is answered."""
    (response,) = _asked(path, iter([token]), form=False)
    return int(response.status_code)


def _asked(path: str, made: Iterator[str], *, form: bool = True) -> Iterator[HttpResponse]:
    """Past the test client, which connects signals for each request and keeps something of each."""
    if "async" in path:
        while part := list(islice(made, 100)):
            yield from _asked_async(path, part, form=form)
        return
    handler, factory = BaseHandler(), RequestFactory()
    handler.load_middleware()
    for number, token in enumerate(made, 1):
        yield handler.get_response(_request(factory, path, token, form=form and number % 10 == 0))


@async_to_sync
async def _asked_async(path: str, made: Sequence[str], *, form: bool) -> list[HttpResponse]:
    handler, factory = BaseHandler(), AsyncRequestFactory()
    handler.load_middleware(is_async=True)
    return [
        await handler.get_response_async(_request(factory, path, token, form=form and number % 10 == 0))
        for number, token in enumerate(made, 1)
    ]


def _request(factory: RequestFactory, path: str, token: str, *, form: bool) -> HttpRequest:
    if form:
        return factory.post(path, urlencode({"access_token": token}), content_type=FORM)
    on_the_wire = token.encode(errors="surrogatepass").decode("latin-1")
    return factory.get(path, headers={"Authorization": f"Bearer {on_the_wire}"})


# -- what is changed ---------------------------------------------------------------------------------------------------


def _parts(token: str) -> list[str]:
    """Of a JWT its three; of an opaque token its prefix and the rest."""
    return token.split(".") if token.count(".") == 2 else [token[:7], token[7:]]


def _joined(parts: Sequence[str]) -> str:
    return ".".join(parts) if len(parts) == 3 else "".join(parts)


def _in_a_part(random: Random, token: str, change: Callable[[str], str]) -> str:
    parts = _parts(token)
    chosen = random.randrange(len(parts))
    return _joined([change(part) if number == chosen else part for number, part in enumerate(parts)])


def one_character(random: Random, token: str, other: str) -> str:
    def change(part: str) -> str:
        at = random.randrange(len(part))
        return part[:at] + random.choice(ALPHABET) + part[at + 1 :]

    return _in_a_part(random, token, change)


def last_character(random: Random, token: str, other: str) -> str:
    """Of which base64 leaves some bits unused: another spelling of the same bytes is another token."""
    return _in_a_part(random, token, lambda part: part[:-1] + random.choice(ALPHABET))


def parts_of_two(random: Random, token: str, other: str) -> str:
    mine, theirs = _parts(token), _parts(other)
    return _joined([random.choice(pair) for pair in zip(mine, theirs, strict=False)])


def truncated(random: Random, token: str, other: str) -> str:
    return token[: random.randrange(1, len(token))]


def beheaded(random: Random, token: str, other: str) -> str:
    return token[random.randrange(1, len(token)) :]


def doubled(random: Random, token: str, other: str) -> str:
    return token + random.choice(["", ".", ",", ", Bearer ", " ", "\t"]) + random.choice([token, other])


def another_case(random: Random, token: str, other: str) -> str:
    return random.choice([token.upper(), token.lower(), token.swapcase()])


def padded(random: Random, token: str, other: str) -> str:
    return _in_a_part(random, token, lambda part: random.choice(["=", "==", "A", "AA"]).join([part, ""]))


def foreign_characters(random: Random, token: str, other: str) -> str:
    at = random.randrange(len(token))
    return (
        token[:at]
        + random.choice(["é", "☃", "\U0001f600", "ß", "ｅ", "\u200b", "\x7f", "%41", "\\", '"', "'"])
        + token[at:]
    )


def another_header(random: Random, token: str, other: str) -> str:
    said = random.choice(
        [
            {"alg": "none"},
            {"alg": "None"},
            {"alg": "HS256"},
            {"alg": "RS256"},
            {"alg": random.choice([1, None, [], {}])},
            {"kid": "another"},
            {"kid": "../../key"},
            {"kid": random.choice([1, None, [], {}])},
            {"kid": ""},
            {"typ": "JWT"},
            {"typ": random.choice([1, None, [], {}])},
            {"crit": ["exp"]},
            {"crit": random.choice([1, None, [], {}])},
            {"b64": False, "crit": ["b64"]},
            {"jwk": FakeIssuer().jwks()["keys"][0]},
            {"jku": "https://attacker.example/jwks"},
            {"zip": "DEF"},
        ]
    )
    header, payload, signature = token.split(".") if token.count(".") == 2 else ("e30", "e30", token)
    signature = random.choice([signature, ""])
    return f"{_written(_read(header) | said)}.{payload}.{signature}"


def another_payload(random: Random, token: str, other: str) -> str:
    said = random.choice(
        [
            {"scope": "notes:read notes:write admin"},
            {"sub": "1"},
            {"exp": int(timezone.now().timestamp()) + 1_000_000},
            {"exp": random.choice([None, "x", [], {}, -1, 1e400, 10**400])},
            {"iss": random.choice(["https://another.example", 1, None, [], {}])},
            {"aud": random.choice(["https://another.example", 1, None, [], {}, [[]]])},
            {"jti": "x" * 1000},
        ]
    )
    header, payload, signature = token.split(".") if token.count(".") == 2 else ("e30", "e30", token)
    return f"{header}.{_written(_read(payload) | said)}.{signature}"


def strangers(random: Random, token: str, other: str) -> str:
    """Good in all but who signed it."""
    return random.choice(_STRANGERS)("notes:read", audience="https://as.example/")


def random_characters(random: Random, token: str, other: str) -> str:
    return "".join(random.choices(ALPHABET + ".", k=random.randrange(1, 400)))


def random_value(random: Random, token: str, other: str) -> str:
    return f"oas_at_{''.join(random.choices(ALPHABET, k=43))}"


def random_unicode(random: Random, token: str, other: str) -> str:
    return "".join(chr(random.choice([*range(33, 127), *range(161, 256), 0x2603, 0x1F600])) for _ in range(40))


def random_jwt(random: Random, token: str, other: str) -> str:
    header = {"alg": random.choice(["ES256", "RS256", "none"]), "typ": "at+jwt", "kid": random.randbytes(8).hex()}
    return f"{_written(header)}.{_written({'iss': 'https://as.example'})}.{_encoded(random.randbytes(64))}"


def huge(random: Random, token: str, other: str) -> str:
    return random.choice([token * 50, token + "A" * 20_000, "." * 20_000, "a.b." + "A" * 20_000])


def nested(random: Random, token: str, other: str) -> str:
    deep = _encoded(b"[" * 3000 + b"]" * 3000)
    return f"{deep}.{deep}.{deep}"


MUTATIONS: Final[Sequence[Mutation]] = (
    one_character,
    one_character,
    one_character,
    last_character,
    parts_of_two,
    truncated,
    beheaded,
    doubled,
    another_case,
    padded,
    foreign_characters,
    another_header,
    another_header,
    another_payload,
    strangers,
    random_characters,
    random_value,
    random_unicode,
    random_jwt,
    huge,
    nested,
)
_STRANGER: Final = FakeIssuer("https://as.example")
_STRANGERS: Final = [
    _STRANGER.token,
    _STRANGER.expired_token,
    _STRANGER.tampered_token,
    _STRANGER.unsigned_token,
    _STRANGER.id_token,
]


def _read(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def _written(document: dict[str, Any]) -> str:
    return _encoded(json.dumps(document).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
