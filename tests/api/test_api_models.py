"""Learned models through the API: the registry, a forecast with its fan, and who may let a version speak."""

from __future__ import annotations

from typing import Any

from desk.clock import from_ms
from desk.identity import Role, new_id
from desk.store import SqlStore
from tests.support.api_house import StoreHouse, people, serving
from tests.support.learned_models import BARS, PAIRS, Registry, known_by, markets, trained

FORECAST = (
    '{ forecast(pair: "btc/usdt") { pair model version kind expected up quantiles returns coverage price horizonBars '
    "verdict isUseful retrainedAt nextAt against { name value } fan { at prices } drift { isAlarming } } }"
)
PROMOTE = (
    "mutation($input: PromoteModelInput!) { promoteModel(input: $input) "
    "{ version { version verdict state } userErrors { message } } }"
)
ROLL_BACK = "mutation($input: RollBackModelInput!) { rollBackModel(input: $input) { version { version } userErrors { message } } }"
TRAIN = "mutation($input: TrainModelInput!) { trainModel(input: $input) { job { kind title state } userErrors { message } } }"


async def test_a_version_is_promoted_speaks_and_is_rolled_back(sqlite_store: SqlStore) -> None:
    house = StoreHouse(sqlite_store)
    home = await people(house, "home")
    registry = Registry(sqlite_store, home.workspace.id, house.models)
    await registry.enter(trained(), at=from_ms(known_by(BARS)))
    async with sqlite_store.transaction() as tx:
        for one in markets():
            await tx.candles.add(one)

    def asked(**more: Any) -> dict[str, Any]:
        return {"input": {"idempotencyKey": new_id(), "model": "hourly", **more}}

    async with serving(house) as web:
        viewer, trader, admin = (home.tokens[one] for one in (Role.VIEWER, Role.TRADER, Role.ADMIN))
        before = await web.ask(FORECAST, token=viewer)
        denied = await web.ask(PROMOTE, asked(), token=trader)
        wrong = await web.data(PROMOTE, asked(version=9), token=admin)
        done = await web.data(PROMOTE, asked(), token=admin)
        found = (await web.data(FORECAST, token=viewer))["forecast"]
        listed = (
            await web.data(
                "{ models { model speaks versions { version kind pairs artefact against { name } plan { name value } } "
                "promotions { version before reason } } }",
                token=viewer,
            )
        )["models"]
        back = await web.data(ROLL_BACK, asked(), token=admin)
        refused = await web.data(TRAIN, asked(kind="forest", pairs=["BTC/USDT"]), token=admin)

    assert "No model speaks for BTC/USDT" in str(before.json()["errors"])
    assert "ADMIN" in str(denied.json()["errors"])
    assert "has no version 9" in wrong["promoteModel"]["userErrors"][0]["message"]
    assert done["promoteModel"]["userErrors"] == []
    assert done["promoteModel"]["version"]["state"] == "KEPT"
    assert (found["pair"], found["model"], found["version"], found["horizonBars"]) == (
        "BTC/USDT",
        "hourly",
        1,
        6,
    )
    assert len(found["fan"]) == 13
    assert found["returns"] == sorted(found["returns"])
    assert not found["isUseful"]
    assert {one["name"] for one in found["against"]} >= {"zero (last price)", "last return", "always long"}
    (model,) = listed
    assert (model["speaks"], model["versions"][0]["pairs"]) == (1, list(PAIRS))
    assert model["promotions"] == [{"version": 1, "before": 0, "reason": "PROMOTED"}]
    assert {"name": "horizon_bars", "value": "6"} in model["versions"][0]["plan"]
    assert back["rollBackModel"] == {"version": None, "userErrors": []}
    assert "linear, lstm, transformer can be trained" in refused["trainModel"]["userErrors"][0]["message"]
