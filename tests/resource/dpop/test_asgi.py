"""The same under ASGI: nothing that waits is done in the event loop, whoever remembers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from django_oauth_server.resource.bindings.replay import CacheMemory
from django_oauth_server.storage.proofs import DatabaseMemory
from django_oauth_server.testing.proofs import DPoPKey
from tests.resource.bindings.seal import MECHANISMS
from tests.resource.dpop.conftest import API

pytestmark = pytest.mark.django_db(transaction=True)


def ask(path: str, token: str, proof: str, scheme: str = "DPoP") -> int:
    headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
    return int(async_to_sync(AsyncClient().get)(path, headers=headers).status_code)


@pytest.mark.spec("RFC 9449", "7.1")
@pytest.mark.parametrize("cache", ["", "default"])
@pytest.mark.parametrize("path", MECHANISMS)
def test_each_mechanism(declare: Any, key: DPoPKey, token: str, path: str, cache: str) -> None:
    declare(cache=cache)
    proof = key.proof("GET", API + path, token)
    assert ask(path, token, proof, "Bearer") == 401
    assert ask(path, token, DPoPKey().proof("GET", API + path, token)) == 401
    assert [ask(path, token, proof) for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("path", ["/async-function", "/async-class", "/async-ninja/operation", "/prefix/plain"])
@pytest.mark.parametrize(("cache", "memory"), [("", DatabaseMemory), ("default", CacheMemory)])
def test_whoever_remembers_is_not_asked_in_the_loop(
    declare: Any, key: DPoPKey, token: str, path: str, cache: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(cache=cache)
    asked: list[bool] = []

    def note(self: Any, *of: str, until: float) -> bool:
        asked.append(_is_in_a_loop())
        return True

    monkeypatch.setattr(memory, "note", note)
    assert ask(path, token, key.proof("GET", API + path, token)) == 200
    assert asked == [False], threading.current_thread()


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.mark.spec("RFC 9449", "11.1")
def test_of_many_at_once_in_one_loop_one_gets_in(declare: Any, key: DPoPKey, token: str) -> None:
    declare(cache="default")
    proof = key.proof("GET", f"{API}/async-function", token)

    async def race() -> list[int]:
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        answers = await asyncio.gather(*[AsyncClient().get("/async-function", headers=headers) for _ in range(50)])
        return [one.status_code for one in answers]

    answered = async_to_sync(race)()
    assert (answered.count(200), answered.count(401)) == (1, 49)
