"""Reading over real HTTP."""

from __future__ import annotations

from api.ids import global_id
from desk.identity import Role
from tests.api.conftest import Scene


async def test_a_viewer_reads_bots_with_their_four_axes_and_phases(scene: Scene) -> None:
    data = await scene.web.data(
        """{ bots { edges { cursor node { id name desired condition tradingState strategyName
             strategy { title parameters { name default unit } } phases { pair phase since }
             account { name status { equity } } positions { pair quantity targets { price } } } }
             pageInfo { hasNextPage endCursor } } }""",
        token=scene.home.tokens[Role.VIEWER],
    )

    (edge,) = data["bots"]["edges"]
    assert edge["node"]["id"] == global_id("Bot", scene.bot.id)
    assert edge["node"]["desired"] == "STOPPED"
    assert edge["node"]["phases"][0] == {
        "pair": "BTC/USDT",
        "phase": "IDLE",
        "since": "2026-01-05T12:00:00.123456Z",
    }
    assert edge["node"]["strategy"]["parameters"]
    assert edge["node"]["account"] == {"name": "home-paper", "status": None}
    assert edge["node"]["positions"] == [
        {"pair": "P0/USDT", "quantity": "0.5", "targets": [{"price": "43000"}, {"price": "44000"}]}
    ]
    assert data["bots"]["pageInfo"] == {"hasNextPage": False, "endCursor": edge["cursor"]}
