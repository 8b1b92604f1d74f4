"""Every word × every role: only the permitted change state, and each denial leaves a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chatops.commands import full_book
from chatops.testing import spoken
from desk.alerting.raising import raise_alerts
from desk.bots.memory import LoopMemory, pack
from desk.identity import Role
from desk.passwords import totp_code
from desk.store import SqlStore
from desk.views import Filter, Page
from tests.chatops.chat_house import (
    ChatHouse,
    furnished,
    with_bars,
    with_entry,
    with_letter,
    with_live_account,
)
from tests.chatops.released import SECOND_FACTOR, a_live_bot, ready_for_release, with_second_factors
from trading.events import TradingHalted

#: What is said for words that change something, on the test house.
LINES = {
    "start": "/start demo",
    "pause": "/pause demo",
    "resume": "/resume demo",
    "stop": "/stop demo",
    "newbot": "/newbot alpha buy_and_hold BTC/USDT",
    "delbot": "/delbot idle",
    "forceexit": "/forceexit BTC/USDT",
    "lock": "/lock BTC/USDT",
    "unlock": "/unlock BTC/USDT",
    "panic": "/panic",
    "unlatch": "/unlatch",
    "lang": "/lang fr",
    "tz": "/tz Europe/Paris",
    "ack": "/ack {alert}",
    "snooze": "/snooze {alert} for=2h",
    "notify": "/notify exit_filled silent",
    "alert": "/alert add drawdown 10%",
    "use": "/use demo",
    "keyboard": "/keyboard /status /profit; /bots",
    "backtest": "/backtest buy_and_hold BTC/USDT 1h",
    "optimize": "/optimize trend_following BTC/USDT 1h fast_bars=5:15:5",
    "cancel": "/cancel",
    "blacklist": "/blacklist BTC/USDT",
    "bl_delete": "/bl_delete BTC/USDT",
    "role": "/role viewer operator",
    "sl": "/sl BTC/USDT 3%",
    "tp": "/tp BTC/USDT 2% 4%",
    "forcelong": "/forcelong ETH/USDT stake=250 sl=2%",
    "forceshort": "/forceshort BTC/USDT stake=250 account=live",
    "coo": "/coo all",
    "reload_trade": "/reload_trade",
    "link": "/link",
    "approve": "/approve {approval}",
    "reject": "/reject {approval}",
    "config": "/config idle allocation=0.5",
    "reload_config": "/reload_config demo",
    "delete": "/delete 1",
    "golive": "/golive idle --go",
    "paper": "/paper real",
    "prove": "/prove {proof}",
    "semi": "/semi demo on",
    "entry": "/entry K7Q2XM approve",
    "marketdir": "/marketdir long",
    "limits": "/limits set daily_loss 1%",
    "report": "/report day send=email",
    "dlq": "/dlq drop a1b2c3",
}
#: Words that a rule of their own keeps from people whose role would allow them: what they show is for more people.
_RULED = {
    "reject": Role.ADMIN,
    "config": Role.ADMIN,
    "semi": Role.TRADER,
    "entry": Role.TRADER,
    "marketdir": Role.OPERATOR,
    "limits": Role.ADMIN,
}


def test_every_word_that_changes_something_is_tried() -> None:
    assert {word.name for word in full_book() if word.command is not None or word.also} == set(LINES)


async def _prepared(store: SqlStore, name: str) -> ChatHouse:
    """Give a house in which the word has something to do."""
    house = await furnished(store)
    chat = house.chat()
    match name:
        case "start":
            await chat.agree("/stop demo")
        case "resume":
            await chat.say("/pause demo")
        case "unlock":
            await chat.say("/lock BTC/USDT")
        case "unlatch":
            await chat.agree("/panic")
        case "snooze":
            fact = TradingHalted(
                workspace_id=house.workspace.id,
                occurred_at=house.clock.now(),
                account_id=house.account.id,
                reason="drawdown",
            )
            async with store.transaction() as tx:
                await raise_alerts(tx, house.workspace.id, [fact], house.clock.now() + timedelta(seconds=9))
        case "cancel":
            await chat.say("/backtest buy_and_hold BTC/USDT 1h", expect="job")
        case "bl_delete":
            await chat.say("/blacklist BTC/USDT", expect="blacklist")
        case "approve" | "reject":
            await house.chat().agree("/role viewer admin", expect="approval")
        case "forcelong":
            await with_bars(house)
        case "forceshort" | "reload_trade":
            await with_live_account(house)
        case "coo":
            await with_live_account(house)
            await chat.agree("/forcelong BTC/USDT 40000 stake=250 account=live", expect="order_placed")
        case "delbot":
            await chat.agree("/newbot idle buy_and_hold BTC/USDT")
        case "config":
            await chat.agree("/newbot idle buy_and_hold BTC/USDT")
        case "reload_config":
            running = pack(LoopMemory(venue="simulated", cash=Decimal(0), configs={house.bot.id: 1}), b"")
            async with store.transaction() as tx:
                await tx.bots.save(replace(house.bot, config_version=2))
                await tx.accounts.save_snapshot(house.workspace.id, house.account.id, 0, running)
        case "entry":
            await with_entry(house)
        case "dlq":
            await with_letter(house)
        case "golive":
            await chat.agree("/newbot idle buy_and_hold BTC/USDT")
            await ready_for_release(house, "idle")
        case "paper":
            await a_live_bot(house, "real")
        case "prove":
            await with_second_factors(house)
    return house


async def _state(house: ChatHouse) -> list[object]:
    """Give everything that words may change."""
    async with house.store.reading() as tx:
        workspace = house.workspace.id
        alerts = await tx.alerts.page(workspace, Filter(), Page(first=50))
        return [
            await tx.journal.head(workspace),
            [(one.name, one.desired, one.version) for one in await tx.bots.all(workspace)],
            await tx.members.all(workspace),
            [(one.id, one.trading_state) for one in await tx.accounts.all(workspace)],
            len(await tx.positions.trade_events(workspace, house.position.id)),
            sorted(one.acknowledged_by for one in alerts),
            [
                (one.id, one.state, one.updated_at, len(await tx.orders.events(workspace, one.id)))
                for one in await tx.orders.page(workspace, Filter(), Page(first=50))
            ],
            [
                (
                    await tx.execution.requests(workspace, account.id),
                    await tx.execution.watches(workspace, account.id),
                )
                for account in await tx.accounts.all(workspace)
            ],
            [
                (
                    await tx.entries.wishes(workspace, account.id),
                    await tx.entries.direction(workspace, account.id),
                    [(one.state, one.share) for one in await tx.entries.recent(workspace)],
                )
                for account in await tx.accounts.all(workspace)
            ],
            [one.id for one in await tx.positions.trades(workspace, Filter(), Page(first=100))],
            [
                await tx.proofs.stepped_up_until(workspace, one.user_id, channel)
                for one in await tx.members.all(workspace)
                for channel in ("console", "telegram", "discord")
            ],
            await tx.notices.settings(workspace),
            await tx.notices.rules(workspace),
            await tx.notices.escalations(workspace),
            [one.state for one in await tx.approvals.recent(workspace)],
            [
                (one.id, one.replayed_at, one.discarded_at)
                for one in await tx.messages.buried(workspace, Page())
            ],
            [(one.state, one.cancel_at) for one in await tx.jobs.page(workspace, Filter(), Page(first=50))],
            [
                await tx.links.codes_since(workspace, one.user_id, house.clock.now() - timedelta(hours=1))
                for one in await tx.members.all(workspace)
            ],
        ]


async def _line(house: ChatHouse, name: str) -> str:
    async with house.store.reading() as tx:
        rows = await tx.alerts.page(house.workspace.id, Filter(), Page(first=1))
        waiting = await tx.approvals.recent(house.workspace.id)
    return LINES[name].format(
        alert=rows[0].id,
        approval=waiting[0].code if waiting else "",
        proof=totp_code(SECOND_FACTOR, house.clock.now()),
    )


@pytest.mark.parametrize("name", sorted(LINES))
async def test_only_permitted_roles_change_state(sqlite_store: SqlStore, name: str) -> None:
    house = await _prepared(sqlite_store, name)
    word = full_book().find(name)
    assert word is not None
    line = await _line(house, name)
    needed = _RULED.get(name, word.role)
    lowest = next(role for role in Role if role is not Role.STRANGER and role >= needed)

    for role in (one for one in Role if one < lowest):
        before = await _state(house)
        chat = house.chat(role)
        card = await chat.say(line)
        if card.token:
            card = await chat.press("confirm", typed=card.type_word)
        assert card.name == ("stranger" if role is Role.STRANGER else "error"), role
        assert await _state(house) == before, f"{role.name} changed something with {line}"

    before = await _state(house)
    chat = house.chat(lowest)
    card = await chat.say(line)
    if card.token:
        assert await _state(house) == before, "a preview changed something"
        card = await chat.press("confirm", typed=card.type_word)
    assert card.name not in {"error", "confirm"}, spoken(card)
    assert await _state(house) != before


@pytest.mark.parametrize("role", list(Role))
async def test_words_that_only_show_change_nothing_for_anybody(sqlite_store: SqlStore, role: Role) -> None:
    house = await furnished(sqlite_store)
    chat = house.chat(role)
    before = await _state(house)

    for word in full_book():
        if word.command is None and not word.also:
            card = await chat.say(word.example)
            is_allowed = role >= word.role and word.name not in {"confirm", "dismiss"}
            assert card.problem != "internal", word.name
            if not is_allowed:
                assert card.name in {"stranger", "error"}

    assert await _state(house) == before


async def test_a_stranger_learns_nothing_and_costs_no_row(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    stranger = house.chat(Role.STRANGER)
    async with sqlite_store.reading() as tx:
        before = len(await tx.audit.page(house.workspace.id, Page(first=100)))

    cards = {
        spoken(await stranger.say(line))
        for line in ("/status", "/help", "/panic", "/nonsense", "", "x" * 9999)
    }

    assert len(cards) == 1
    assert "demo" not in cards.pop()
    async with sqlite_store.reading() as tx:
        assert len(await tx.audit.page(house.workspace.id, Page(first=100))) == before


async def test_a_members_denial_is_audited_with_the_word(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)

    card = await house.chat(Role.VIEWER).say("/panic", expect="error")
    await house.chat(Role.OPERATOR).say("/audit", expect="error")

    assert "needs the role operator; you are viewer" in spoken(card)
    async with sqlite_store.reading() as tx:
        rows = await tx.audit.page(house.workspace.id, Page(first=2))
    assert [(one.actor, one.action, one.outcome) for one in rows] == [
        ("operator@console", "/audit", "denied"),
        ("viewer@console", "PanicStop", "denied"),
    ]


async def test_another_workspace_is_not_seen(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    async with sqlite_store.transaction() as tx:
        other = await tx.workspaces.create("other")
        member = await tx.members.add(other.id, name="eve", email="", role=Role.OWNER)
    actor = type(house.actor())(
        workspace_id=other.id, user_id=member.user_id, name="eve", role=Role.OWNER, channel="console"
    )
    from chatops.testing import Chat

    eve = Chat(house.room, actor)
    before = await _state(house)

    for line in (
        "/status",
        "/bots",
        "/trades",
        "/why 1",
        "/stop demo",
        f"/start {house.bot.id}",
        "/alerts",
        "/panic",
    ):
        card = await eve.say(line)
        assert "demo" not in spoken(card).replace("'demo'", ""), line
        assert "BTC/USDT" not in spoken(card)

    assert await _state(house) == before
