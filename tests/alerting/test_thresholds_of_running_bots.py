"""A running bot that falls below a threshold of the go-live gate is told once, and its recovery answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chatops.alerts import alert_card, parameter
from chatops.cards import Text
from desk.alerting.watch import AlertWatch
from desk.bus import EventBus
from desk.store import SqlStore
from desk.views import Bot
from tests.alerting.alert_house import NOON, AlertHouse, alert_house
from tests.support.records import a_bot, a_trade
from trading.events import Desired

#: The first trade was opened so long before noon.
AGO = timedelta(days=12)


async def running_bot(house: AlertHouse, desired: Desired = Desired.RUNNING) -> Bot:
    """Make an account with a bot on it."""
    async with house.store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name="paper",
            venue="sim",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings={},
        )
        bot = replace(a_bot(house.workspace.id, account.id), desired=desired)
        await tx.bots.create(bot)
    return bot


async def close(
    house: AlertHouse, bot: Bot, *pnl: float, since: timedelta = -AGO, every: float = 8.0
) -> None:
    """Close trades, one every so many hours."""
    async with house.store.transaction() as tx:
        for k, one in enumerate(pnl):
            opened = NOON + since + timedelta(hours=every * k)
            await tx.positions.add_trade(
                replace(
                    a_trade(bot.workspace_id),
                    account_id=bot.account_id,
                    bot_id=bot.id,
                    number=0,
                    pnl=Decimal(repr(one)),
                    opened_at=opened,
                    closed_at=opened + timedelta(hours=1),
                )
            )


LOSING = [-12.0, 10.0, -11.0] * 12


async def told(house: AlertHouse) -> list[tuple[str, str]]:
    """Give what was told: kind and gate."""
    return [(one.kind, one.params["gate"]) for one in await house.alerts()]


async def test_each_threshold_is_told_once_and_its_recovery_answers_the_first_message(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)
    bot = await running_bot(house)
    await close(house, bot, *LOSING)

    await house.pass_time(7_200, step=60)

    fallen = await house.alerts()
    assert sorted(one.params["gate"] for one in fallen) == ["profit_factor", "sharpe", "win_rate"]
    assert {(one.kind, one.severity.value, one.bot_id) for one in fallen} == {
        ("below_threshold", "warning", bot.id)
    }
    by_gate = {one.params["gate"]: one for one in fallen}
    assert (by_gate["win_rate"].params["value"], by_gate["win_rate"].params["needed"]) == ("0.3333", "≥ 0.45")

    # Win rate and profit factor are back with the trades, the Sharpe ratio with the day that they end.
    await close(house, bot, *[40.0] * 40, since=timedelta(hours=2), every=0.001)
    await house.pass_time(86_400, step=1_800)

    back = [one for one in await house.alerts() if one.kind == "above_threshold"]
    assert {one.params["gate"]: one.params["replies_to"] for one in back} == {
        gate: one.id for gate, one in by_gate.items()
    }
    assert len(await house.alerts()) == 6


async def test_a_restart_tells_nothing_twice(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    bot = await running_bot(house)
    await close(house, bot, *LOSING)
    await house.watch.look()
    before = await told(house)

    house.watch = AlertWatch(sqlite_store, EventBus(), house.clock, house.pump.ring)
    await house.pass_time(60)

    assert len(before) == 3
    assert await told(house) == before


@pytest.mark.parametrize(
    ("desired", "trades"), [(Desired.RUNNING, LOSING[:29]), (Desired.STOPPED, LOSING)], ids=["29 trades", "stopped"]
)  # fmt: skip
async def test_too_few_trades_and_bots_that_do_not_run_are_not_judged(
    sqlite_store: SqlStore, desired: Desired, trades: list[float]
) -> None:
    house = await alert_house(sqlite_store)
    bot = await running_bot(house, desired)
    await close(house, bot, *trades)

    await house.pass_time(120)

    assert await told(house) == []


async def test_the_message_names_what_fell_what_was_found_and_what_is_needed(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    bot = await running_bot(house)
    await close(house, bot, *LOSING)
    await house.watch.look()

    alert = next(one for one in await house.alerts() if one.params["gate"] == "win_rate")
    said = {one.name: one.value for one in alert_card(alert, bot=bot.name).fields}

    assert said["gate"] == Text("gate_line.win_rate")
    assert (said["value"], said["needed"]) == (parameter("value", "0.3333"), "≥ 0.45")
