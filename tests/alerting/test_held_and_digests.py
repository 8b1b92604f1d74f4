"""Quiet hours, digests and the threshold, from the fact to the message."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from desk.alerting.values import Mode, NoticeSettings
from desk.store import SqlStore
from tests.alerting.alert_house import AlertHouse, alert_house
from trading.events import PositionClosed, TradingHalted
from trading.orders import Reason


def closed(house: AlertHouse, number: int, pnl: str = "12.5") -> PositionClosed:
    return PositionClosed(
        workspace_id=house.workspace.id,
        occurred_at=house.clock.now(),
        account_id="a",
        pair="BTC/USDT",
        position_id=f"p-{number}",
        trade_id=f"t-{number}",
        exit_price=Decimal(43000),
        pnl=Decimal(pnl),
        pnl_ratio=0.01,
        reason=Reason.STOP_LOSS,
    )


async def _chosen(house: AlertHouse, **choices: object) -> None:
    ann = house.people["ann"]
    settings = NoticeSettings(user_id=ann.user_id, workspace_id=house.workspace.id)
    async with house.store.transaction() as tx:
        await tx.notices.save_settings(replace(settings, **choices), house.clock.now())  # type: ignore[arg-type]


async def test_a_night_is_silent_but_for_critical_alerts_and_its_morning_one_message(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store, time_zone="Europe/Paris")
    await _chosen(house, quiet_from=23 * 60, quiet_to=7 * 60)
    house.clock.advance(11 * 3600)  # midnight in Paris

    for number in range(6):
        await house.raise_facts(closed(house, number))
    await house.raise_facts(
        TradingHalted(
            workspace_id=house.workspace.id, occurred_at=house.clock.now(), account_id="a", reason="drawdown"
        )
    )
    await house.pass_time(120)
    assert house.channels["telegram"].kinds() == ["trading_halted"]

    house.clock.advance(7 * 3600)
    await house.pass_time(60)
    [digest] = [one.alert for one in house.channels["telegram"].notices if one.alert.kind == "digest"]
    assert digest.params["count"] == 6
    assert digest.params["kinds"] == {"exit_filled": 6}
    assert len(digest.params["items"]) == 6
    assert {one.status for one in await house.deliveries()} == {"sent", "digested"}


async def test_a_few_held_alerts_come_one_by_one_and_in_order(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _chosen(house, quiet_from=11 * 60, quiet_to=14 * 60)
    for number in range(3):
        await house.raise_facts(closed(house, number))
        house.clock.advance(60)
    await house.pass_time(60)
    assert house.channels["telegram"].notices == []

    house.clock.advance(2 * 3600)
    await house.pass_time(60)

    assert [one.alert.params["trade_id"] for one in house.channels["telegram"].notices] == [
        "t-0",
        "t-1",
        "t-2",
    ]
    assert {one.status for one in await house.deliveries()} == {"sent"}


async def test_a_digest_gathers_until_its_hour(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _chosen(house, modes={"all:exit_filled": Mode.DIGEST}, digest_at=(18 * 60,))
    for number in range(50):
        await house.raise_facts(closed(house, number))
    await house.pass_time(60)
    assert house.channels["telegram"].notices == []

    house.clock.advance(6 * 3600)
    await house.pass_time(60)

    # The person chose the digest for both channels.
    for name in ("telegram", "email"):
        [one] = house.channels[name].notices
        assert one.alert.params["count"] == 50
        assert len(one.alert.params["items"]) == 40
    assert datetime.fromisoformat(digest_time(house)) <= house.clock.now()


def digest_time(house: AlertHouse) -> str:
    return str(house.channels["email"].notices[0].alert.params["items"][0][3])


async def test_silent_is_handed_over_as_silent_and_off_not_at_all(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _chosen(
        house,
        modes={"telegram:exit_filled": Mode.SILENT, "email:exit_filled": Mode.OFF},
        least_pnl=Decimal(5),
    )

    await house.raise_facts(closed(house, 1), closed(house, 2, pnl="-4.99"))
    await house.carry()

    [one] = house.channels["telegram"].notices
    assert one.is_silent
    assert one.alert.params["trade_id"] == "t-1"
    assert house.channels["email"].notices == []
