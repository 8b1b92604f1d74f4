"""What stands between paper and real money, put into a test house: a good record, a live account, proofs of who asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from desk.people_views import Credentials
from desk.store.table import Where, insert, update
from desk.store.unit import SqlUnit
from desk.views import Bot
from tests.chatops.chat_house import ChatHouse, with_live_account
from tests.support.records import NOON, a_bot, a_position, a_trade
from trading.events import Condition, Desired

#: Everybody's second factor in a test house.
SECOND_FACTOR = b"a second factor of tests"

#: Wins and losses of a record that passes every gate.
_RECORD = (30, 25, -10, 40, 20, -15, 35, 10)


async def with_second_factors(house: ChatHouse) -> None:
    """Give everybody a second factor."""
    async with house.store.transaction() as tx:
        for one in await tx.members.all(house.workspace.id):
            await tx.proofs.save_credentials(
                Credentials(user_id=one.user_id, workspace_id=house.workspace.id, totp_secret=SECOND_FACTOR),
                house.clock.now(),
            )


async def proved(house: ChatHouse) -> None:
    """Let everybody have proved just now who they are, at every door."""
    async with house.store.transaction() as tx:
        for one in await tx.members.all(house.workspace.id):
            for door in ("console", "telegram", "discord"):
                await tx.proofs.step_up(
                    house.workspace.id, one.user_id, door, house.clock.now() + timedelta(minutes=5)
                )


async def ready_for_release(house: ChatHouse, name: str, *, days: float = 21) -> None:
    """Give a stopped, flat bot of that age a record that passes every gate, a live account to go to, and fresh proofs."""
    account = await with_live_account(house)
    key = {
        "id": account.id,
        "workspace_id": house.workspace.id,
        "venue": "binance",
        "version": 1,
        "key_ending": "-key",
        "sealed": "",
        "withdrawal": "refused by the exchange",
        "is_sandbox": False,
        "created_by": "owner",
        "created_at": NOON,
    }
    async with house.store.transaction() as tx:
        assert isinstance(tx, SqlUnit)
        # The store of these tests has no ring of keys: nobody trades with this one, it is only there.
        await insert(tx.connection, "exchange_keys", key)
        bot = await tx.bots.by_name(house.workspace.id, name)
        assert bot is not None
        made_at = NOON - timedelta(days=days)
        await update(tx.connection, "bots", {"created_at": made_at}, Where(id=bot.id))
        for number in range(40):
            closed = NOON - timedelta(hours=12 * (40 - number))
            position = replace(
                a_position(house.workspace.id, house.account.id),
                bot_id=bot.id,
                legs=(),
                quantity=Decimal(0),
                opened_at=closed - timedelta(hours=5),
                closed_at=closed,
                as_of=closed,
            )
            await tx.positions.save(position)
            pnl = _RECORD[number % len(_RECORD)]
            await tx.positions.add_trade(
                replace(
                    a_trade(house.workspace.id),
                    account_id=house.account.id,
                    bot_id=bot.id,
                    position_id=position.id,
                    pnl=Decimal(pnl),
                    pnl_ratio=pnl / 2_000,
                    opened_at=closed - timedelta(hours=5),
                    closed_at=closed,
                )
            )
    await proved(house)


async def a_live_bot(house: ChatHouse, name: str) -> Bot:
    """Add a stopped bot on a live account."""
    account = await with_live_account(house)
    bot = replace(
        a_bot(house.workspace.id, account.id, name),
        desired=Desired.STOPPED,
        condition=Condition.IDLE,
        timeframe=house.bot.timeframe,
        is_live=True,
    )
    async with house.store.transaction() as tx:
        await tx.bots.create(bot)
    return bot
