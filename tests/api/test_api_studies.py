"""What candles say, over the API: the same numbers as the library gives, and streams that resume."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from api.ids import global_id, wave_cursor
from desk.clock import from_ms, to_ms
from desk.identity import Role
from tests.api.conftest import Scene
from tests.api.test_api_streams import opened, until
from tests.support.markets import HOUR, walk_candles
from tests.support.records import a_trade, later
from trading.analysis.elliott import WaveDetector
from trading.analysis.indicators import compute
from trading.analysis.volume_profile import volume_profile
from trading.candles import Candles
from trading.events import CandleClosed, PriceMoved

BARS = 600


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile what the API calls under a time limit; in service the start does that."""
    walk = walk_candles(100)
    compute("ema:21", walk)
    compute("macd", walk)
    volume_profile(walk.low, walk.high, walk.volume, width=1.0)
    detector = WaveDetector()
    detector.run(walk)
    detector.counts()
    at = int(walk.ts_ms[-1]) + HOUR.ms
    detector.step(at, 100.0, 101.0, 99.0, 100.0, 1.0)


async def stored(
    scene: Scene, bars: int = BARS, pair: str = "BTC/USDT", seed: int = 3, *, known: int | None = None
) -> Candles:
    """Put a walk (or its first bars) into the store, as the feed would; give all of it."""
    walk = walk_candles(bars, seed=seed, pair=pair)
    candles = replace(
        walk,
        venue=scene.house.feed.venue,
        ts_ms=1_700_006_400_000 // HOUR.ms * HOUR.ms + np.arange(bars, dtype=np.int64) * HOUR.ms,
    )
    async with scene.house.store.transaction() as unit:
        await unit.candles.add(candles.rows(0, bars if known is None else known))
    return candles


async def test_indicators_are_those_of_the_library_over_the_newest_bars(scene: Scene) -> None:
    candles = await stored(scene)
    data = await scene.web.data(
        '{ indicators(pair: "BTC/USDT", specs: ["ema:21", "macd"], last: 50) { openTimes columns { name values } } }',
        token=scene.home.tokens[Role.VIEWER],
    )

    columns = {one["name"]: one["values"] for one in data["indicators"]["columns"]}
    whole = compute("ema:21", candles)["ema:21"]
    assert columns["ema:21"] == pytest.approx(whole[-50:].tolist(), rel=1e-6)
    assert set(columns) == {"ema:21", "macd", "macd.signal", "macd.hist"}
    assert len(data["indicators"]["openTimes"]) == 50


async def test_wave_counts_are_those_of_the_detector(scene: Scene) -> None:
    candles = await stored(scene)
    data = await scene.web.data(
        """{ waveCounts(pair: "BTC/USDT") { number degree pattern status currentLabel score
             waves { label start { price } } targets { price } } }""",
        token=scene.home.tokens[Role.VIEWER],
    )
    detector = WaveDetector(symbol="BTC/USDT", timeframe="1h")
    detector.run(candles)

    assert [(one["number"], one["degree"], one["pattern"], one["status"]) for one in data["waveCounts"]] == [
        (one.id, one.degree, one.pattern.name, one.status.name) for one in detector.counts()
    ]


async def test_levels_of_a_given_move_and_of_the_seen_one(scene: Scene) -> None:
    await stored(scene)
    data = await scene.web.data(
        """{ given: fibonacciLevels(pair: "BTC/USDT", start: 100, end: 120, base: 108)
               { retracements { ratio price } extensions { ratio price } }
             seen: fibonacciLevels(pair: "BTC/USDT") { start end } }""",
        token=scene.home.tokens[Role.VIEWER],
    )

    given = {one["ratio"]: Decimal(one["price"]) for one in data["given"]["retracements"]}
    beyond = {one["ratio"]: Decimal(one["price"]) for one in data["given"]["extensions"]}
    assert given[0.618] == pytest.approx(Decimal("107.64"))
    assert beyond[1.618] == pytest.approx(Decimal("140.36"))
    assert data["seen"] is None or data["seen"]["start"] != data["seen"]["end"]


async def test_a_volume_profile_holds_all_volume_and_its_area(scene: Scene) -> None:
    candles = await stored(scene)
    data = await scene.web.data(
        '{ volumeProfile(pair: "BTC/USDT", last: 100, bins: 20) { total pointOfControl valueLow valueHigh bins { low volume } } }',
        token=scene.home.tokens[Role.VIEWER],
    )

    found = data["volumeProfile"]
    assert math.isclose(sum(one["volume"] for one in found["bins"]), float(candles.volume[-100:].sum()))
    assert Decimal(found["valueLow"]) <= Decimal(found["pointOfControl"]) < Decimal(found["valueHigh"])
    assert max(found["bins"], key=lambda one: one["volume"])["low"] == found["pointOfControl"]


async def test_tickers_compare_with_the_day_before(scene: Scene) -> None:
    candles = await stored(scene)
    data = await scene.web.data(
        '{ tickers(pairs: ["BTC/USDT", "NONE/USDT"]) { pair price changeRatio } }',
        token=scene.home.tokens[Role.VIEWER],
    )

    (one,) = data["tickers"]
    assert Decimal(one["price"]) == Decimal(repr(float(candles.close[-1])))
    assert one["changeRatio"] == pytest.approx(candles.close[-1] / candles.close[-25] - 1)


@pytest.mark.parametrize(
    "text",
    [
        "{ tickers(pairs: []) { pair } }",
        "{ tickers(pairs: [" + '"A/B" ' * 21 + "]) { pair } }",
        '{ indicators(pair: "A/B", specs: []) { pair } }',
        '{ indicators(pair: "A/B", specs: ["nothing:1"]) { pair } }',
        '{ indicators(pair: "A/B", specs: ["ema:-1"]) { pair } }',
        '{ waveCounts(pair: "A/B", degrees: [6, 3]) { number } }',
        '{ volumeProfile(pair: "A/B", bins: 0) { total } }',
        '{ fibonacciLevels(pair: "A/B", start: 1) { base } }',
        '{ fibonacciLevels(pair: "A/B", start: 1, end: -1) { base } }',
        '{ candles(pair: "A/B", timeframe: "7q") { close } }',
    ],
)
async def test_what_cannot_be_computed_is_refused_in_words(scene: Scene, text: str) -> None:
    answer = (await scene.web.ask(text, token=scene.home.tokens[Role.VIEWER])).json()

    assert {one["extensions"]["code"] for one in answer["errors"]} <= {"VALIDATION_FAILED", "NOT_FOUND"}


def _closed(candles: Candles, at: int) -> CandleClosed:
    return CandleClosed(
        workspace_id="",
        occurred_at=from_ms(int(candles.ts_ms[at])),
        pair=candles.pair,
        venue=candles.venue,
        timeframe="1h",
        ts_ms=int(candles.ts_ms[at]),
        open=float(candles.open[at]),
        high=float(candles.high[at]),
        low=float(candles.low[at]),
        close=float(candles.close[at]),
        volume=float(candles.volume[at]),
    )


async def test_wave_events_go_on_live_and_resume_after_a_cursor(scene: Scene) -> None:
    rest = await stored(scene, 560, known=500)
    token = scene.home.tokens[Role.VIEWER]
    candles = rest.rows(0, 500)
    text = """subscription ($after: Cursor) { waveEvents(pair: "BTC/USDT", after: $after) { cursor kind barAt } }"""
    detector = WaveDetector(symbol="BTC/USDT", timeframe="1h")
    expected = [(one.type.name, one.ts_ms) for one in detector.run(rest)]
    live = [one for one in expected if one[1] > int(candles.ts_ms[-1])]
    seen: list[dict[str, Any]] = []
    async with opened(scene, token) as socket:
        await socket.subscribe(text)
        first = await socket.event("waveEvents")
        for at in range(500, 560):
            scene.house.bus.publish_market(_closed(rest, at))
            # Conflation is for slow readers; this one is given the time to read each bar.
            listener = scene.house.bus._subscriptions[-1]
            await until(lambda listener=listener: not listener._market)  # type: ignore[misc]
        while len(seen) < len(live):
            seen.append(await socket.event("waveEvents"))
    async with scene.house.store.transaction() as unit:
        await unit.candles.add(rest.rows(500, 560))
    async with opened(scene, token) as socket:
        await socket.subscribe(text, after=seen[2]["cursor"])
        resumed = await socket.event("waveEvents")
        again = [await socket.event("waveEvents") for _ in seen[3:]]
    async with opened(scene, token) as socket:
        await socket.subscribe(text, after=first["cursor"])
        whole = [await socket.event("waveEvents") for _ in [first, *seen]]

    assert (first["kind"], datetime.fromisoformat(first["barAt"])) == (
        "SUBSCRIBED",
        from_ms(int(candles.ts_ms[-1])),
    )
    assert (resumed["kind"], resumed["cursor"]) == ("SUBSCRIBED", seen[2]["cursor"])
    assert [(one["kind"], datetime.fromisoformat(one["barAt"])) for one in seen] == [
        (kind, from_ms(ts_ms)) for kind, ts_ms in live
    ]
    assert again == seen[3:]
    assert whole[1:] == seen


async def test_a_cursor_before_what_the_wave_engine_reads_is_expired(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.market.subscriptions.WAVE_BARS", 300)
    candles = await stored(scene, 400)
    text = """subscription ($after: Cursor) { waveEvents(pair: "BTC/USDT", after: $after) { cursor kind barAt } }"""
    # With a short queue, what nobody reads would hold up the client's own goodbye.
    async with opened(scene, scene.home.tokens[Role.VIEWER], max_queue=None) as socket:
        await socket.subscribe(text, after=wave_cursor(int(candles.ts_ms[99]), 0), name="old")
        refused = await socket.receive()
        await socket.subscribe(text, after=wave_cursor(int(candles.ts_ms[100]), 0), name="held")
        taken = await socket.receive()
        while taken["id"] != "held":
            taken = await socket.receive()

    assert refused["payload"]["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
    assert taken["payload"]["data"]["waveEvents"]["kind"] == "SUBSCRIBED"


async def test_tickers_are_streamed_for_the_pairs_that_were_asked_for(scene: Scene) -> None:
    candles = await stored(scene, 30)
    other = replace(candles, pair="ETH/USDT")
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe('subscription { tickers(pairs: ["ETH/USDT"]) { pair price } }')
        await until(lambda: scene.house.bus.listeners == 2)
        scene.house.bus.publish_market(_closed(candles, 10))
        scene.house.bus.publish_market(_closed(other, 11))
        found = await socket.event("tickers")

    assert found == {"pair": "ETH/USDT", "price": repr(float(candles.close[11]))}


async def test_a_live_price_goes_before_what_bars_say_and_a_bar_does_not_repeat_it(scene: Scene) -> None:
    candles = await stored(scene, 30)
    price = PriceMoved(
        workspace_id="",
        occurred_at=scene.house.clock.now(),
        pair="BTC/USDT",
        venue=candles.venue,
        source="coingecko",
        last=Decimal("123.4"),
        bid=Decimal(100),
        ask=Decimal(101),
        ts_ms=to_ms(scene.house.clock.now()),
    )
    scene.house.prices.take(price)
    asked = await scene.web.data(
        '{ tickers(pairs: ["BTC/USDT"]) { price bid ask spreadRatio source timeframe } }',
        token=scene.home.tokens[Role.VIEWER],
    )
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe('subscription { tickers(pairs: ["BTC/USDT"]) { price source } }')
        await until(lambda: scene.house.bus.listeners == 2)
        scene.house.bus.publish_market(_closed(candles, 10))
        scene.house.bus.publish_market(price)
        told = await socket.event("tickers")

    assert asked["tickers"] == [
        {
            "price": "123.4",
            "bid": "100",
            "ask": "101",
            "spreadRatio": pytest.approx(0.01),
            "source": "coingecko",
            "timeframe": "live",
        }
    ]
    assert told == {"price": "123.4", "source": "coingecko"}


async def test_the_pairs_on_offer_come_with_their_prices(scene: Scene) -> None:
    pairs = list(await scene.house.feed.pairs())
    price = PriceMoved(
        workspace_id="",
        occurred_at=scene.house.clock.now(),
        pair=pairs[0],
        venue=scene.house.feed.venue,
        source="test",
        last=Decimal("7.5"),
        bid=None,
        ask=None,
        ts_ms=to_ms(scene.house.clock.now()),
    )
    scene.house.prices.take(price)

    data = await scene.web.data(
        "{ pairOffer { venue pairs { pair price } leftOut { pair because } readAt trouble } }",
        token=scene.home.tokens[Role.VIEWER],
    )

    found = data["pairOffer"]
    assert [one["pair"] for one in found["pairs"]] == pairs
    assert [one["price"] for one in found["pairs"]] == ["7.5", *[None] * (len(pairs) - 1)]
    assert (found["leftOut"], found["readAt"], found["trouble"]) == ([], None, "")


async def test_performance_is_added_up_by_every_group(scene: Scene) -> None:
    home, account = scene.home.workspace.id, scene.home.account.id
    async with scene.house.store.transaction() as unit:
        for days, pnl in ((1, "10"), (2, "-4"), (40, "7.5")):
            at = later(days * 86_400)
            await unit.positions.add_trade(
                replace(
                    a_trade(home),
                    account_id=account,
                    bot_id=scene.bot.id,
                    pair="SUM/USDT",
                    pnl=Decimal(pnl),
                    opened_at=at,
                    closed_at=at,
                )
            )
    token = scene.home.tokens[Role.VIEWER]
    text = "query ($by: PerformanceBy!, $since: DateTime) { performanceBy(by: $by, since: $since) { key botId trades wins pnl profitFactor } }"
    found = {
        by: (await scene.web.data(text, {"by": by, "since": "2026-01-06T00:00:00Z"}, token))["performanceBy"]
        for by in ("BOT", "STRATEGY", "PAIR", "DAY", "WEEK", "MONTH")
    }

    assert [one["key"] for one in found["BOT"]] == ["bot-0"]
    assert [one["key"] for one in found["STRATEGY"]] == ["trend_following"]
    assert found["PAIR"] == [
        {"key": "SUM/USDT", "botId": None, "trades": 3, "wins": 2, "pnl": "13.5", "profitFactor": 4.375}
    ]
    assert [one["key"] for one in found["DAY"]] == ["2026-02-14", "2026-01-07", "2026-01-06"]
    assert [(one["key"], one["pnl"]) for one in found["WEEK"]] == [("2026-02-09", "7.5"), ("2026-01-05", "6")]
    assert [one["key"] for one in found["MONTH"]] == ["2026-02-01", "2026-01-01"]


async def test_the_risk_state_says_limits_and_what_is_left(scene: Scene) -> None:
    data = await scene.web.data(
        "query ($id: ID!) { riskState(accountId: $id) { limits { name value } drawdownLeft slotsLeft locks { pair } } }",
        {"id": global_id("Account", scene.home.account.id)},
        scene.home.tokens[Role.VIEWER],
    )

    limits = {one["name"]: one["value"] for one in data["riskState"]["limits"]}
    assert limits["max_drawdown"] == "0.2"
    assert data["riskState"]["drawdownLeft"] == 0.2
    assert data["riskState"]["slotsLeft"] == 5


async def test_correlations_are_told_for_each_pair_of_pairs(scene: Scene) -> None:
    await stored(scene, 24 * 45, "A/USDT", seed=5)
    await stored(scene, 24 * 45, "B/USDT", seed=5)
    await stored(scene, 24 * 45, "C/USDT", seed=6)
    data = await scene.web.data(
        '{ correlations(pairs: ["A/USDT", "B/USDT", "C/USDT"]) { values { first second rho isCorrelated } } }',
        token=scene.home.tokens[Role.VIEWER],
    )

    found = {(one["first"], one["second"]): one for one in data["correlations"]["values"]}
    assert found["A/USDT", "B/USDT"]["rho"] == pytest.approx(1.0)
    assert found["A/USDT", "B/USDT"]["isCorrelated"]
    assert abs(found["A/USDT", "C/USDT"]["rho"]) < 0.7
    assert len(found) == 3


async def test_a_configuration_says_what_it_changed(scene: Scene) -> None:
    bot = global_id("Bot", scene.bot.id)
    token = scene.home.tokens[Role.OWNER]
    for number, value in enumerate(("20", "25")):
        done = await scene.web.data(
            """mutation ($key: UUID!, $bot: ID!, $value: String!) { changeConfig(input: { idempotencyKey: $key,
               botId: $bot, parameters: [{ name: "fast_bars", value: $value }] }) { userErrors { message } } }""",
            {"key": f"0190a0a0-0000-7000-8000-00000000000{number}", "bot": bot, "value": value},
            token,
        )
        assert done["changeConfig"]["userErrors"] == []
    data = await scene.web.data(
        "query ($bot: ID!) { botConfigs(botId: $bot) { version diffFromPrevious { name before after } } }",
        {"bot": bot},
        token,
    )

    newest = data["botConfigs"][0]
    assert newest["diffFromPrevious"] == [{"name": "fast_bars", "before": "20", "after": "25"}]
