"""A token that hundreds of requests carry is looked up once for all of them."""

from __future__ import annotations

import asyncio

import pytest

from api.context import Session
from desk.identity import Role
from server import auth
from server.auth import TokenAuthenticator
from tests.api.conftest import Scene


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every look into the store, by the token's key."""
    found: list[str] = []
    original = TokenAuthenticator._look_up

    async def counted(self: TokenAuthenticator, token: str, key: str) -> Session | None:
        found.append(key)
        return await original(self, token, key)

    monkeypatch.setattr(TokenAuthenticator, "_look_up", counted)
    return found


async def test_a_crowd_with_one_token_is_one_look(scene: Scene, looks: list[str]) -> None:
    checks = TokenAuthenticator(scene.house.store, scene.house.clock)
    token = scene.home.tokens[Role.VIEWER]

    found = await asyncio.gather(*(checks.session(token) for _ in range(50)), checks.session("bwk_unknown"))

    assert len(looks) == 2
    assert found[-1] is None
    assert {one.actor.role for one in found[:-1] if one is not None} == {Role.VIEWER}


async def test_who_stops_waiting_takes_nobody_along(scene: Scene, looks: list[str]) -> None:
    checks = TokenAuthenticator(scene.house.store, scene.house.clock)
    token = scene.home.tokens[Role.VIEWER]
    first, second = (asyncio.create_task(checks.session(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    found = await second

    assert found is not None
    assert len(looks) == 1
    assert first.cancelled()


async def test_trust_counts_from_before_the_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = TokenAuthenticator(scene.house.store, scene.house.clock)
    token = scene.home.tokens[Role.VIEWER]
    original = TokenAuthenticator._look_up

    async def slow(self: TokenAuthenticator, token: str, key: str) -> Session | None:
        found = await original(self, token, key)
        async with scene.house.store.transaction() as unit:
            (own,) = [
                one
                for one in await unit.members.tokens(scene.home.workspace.id)
                if found is not None and one.id == found.token_id
            ]
            await unit.members.revoke_token(own.workspace_id, own.id, scene.house.clock.now())
        await asyncio.sleep(0.02)
        return found

    monkeypatch.setattr(auth, "CACHE_S", 0.01)
    monkeypatch.setattr(TokenAuthenticator, "_look_up", slow)
    believed = await checks.session(token)
    monkeypatch.setattr(TokenAuthenticator, "_look_up", original)

    assert believed is not None
    assert await checks.session(token) is None
