"""A database that is away is nobody's fault at this door: come again, and whoever is in stays in."""

from __future__ import annotations

import pytest

from api import sockets
from desk.identity import Role
from server.auth import TokenAuthenticator
from tests.api.conftest import Scene
from tests.api.test_api_streams import EVENTS, opened
from trading.errors import StoreProblem


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let nobody be looked up from now on; count who asks."""
    asked: list[int] = []

    async def session(self: TokenAuthenticator, token: str) -> None:
        asked.append(1)
        raise StoreProblem("No database connection came free within 2 s.")

    monkeypatch.setattr(TokenAuthenticator, "session", session)
    return asked


async def test_a_request_is_told_to_come_again(scene: Scene, away: list[int]) -> None:
    answer = await scene.web.ask("{ viewer { role } }", token=scene.home.tokens[Role.VIEWER])

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_a_socket_is_closed_with_a_code_that_lets_clients_come_again(
    scene: Scene, away: list[int]
) -> None:
    async with opened(scene) as socket:
        await socket.send(type="connection_init", payload={"Authorization": "Bearer bwk_x"})

        assert await socket.closed() == (1013, "Try again later")


async def test_a_socket_that_is_open_stays_open(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "RECHECK_S", 0.01)
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        asked: list[int] = []

        async def session(self: TokenAuthenticator, token: str) -> None:
            asked.append(1)
            if len(asked) > 3:
                return
            raise StoreProblem("No database connection came free within 2 s.")

        monkeypatch.setattr(TokenAuthenticator, "session", session)
        await socket.subscribe(EVENTS)
        code, reason = await socket.closed()

    assert (code, reason) == (4403, "Token ended")
    assert len(asked) == 4
