"""Workspaces, people, tokens and accounts, on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from desk.identity import Role, new_id
from desk.store import SqlStore
from desk.views import Account, AccountStatus, EquityPoint, Lock
from tests.support.records import NOON, later
from trading.errors import Conflict, NotFound
from trading.events import TradingState


async def _account(store: SqlStore, workspace_id: str, name: str = "paper") -> Account:
    async with store.transaction() as tx:
        return await tx.accounts.create(
            workspace_id,
            name=name,
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal("10000.50"),
            settings={"fee_bps": 10, "nested": {"a": [1, 2]}},
        )


async def test_a_workspace_keeps_its_name_for_itself(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        created = await tx.workspaces.create("home")

    with pytest.raises(Conflict, match="'home' is there already"):
        async with any_store.transaction() as tx:
            await tx.workspaces.create("home")
    async with any_store.reading() as tx:
        assert await tx.workspaces.all() == [created]
        assert await tx.workspaces.by_id(created.id) == created
        assert await tx.workspaces.by_id("nobody") is None


async def test_the_install_is_named_once_and_counts_its_restores(any_store: SqlStore) -> None:
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.workspaces.count_restore()
    async with any_store.transaction() as tx:
        named = await tx.workspaces.install()
    async with any_store.transaction() as tx:
        assert await tx.workspaces.count_restore() == 1
        again = await tx.workspaces.install()

    assert (again.id, named.restore_epoch, again.restore_epoch) == (named.id, 0, 1)


async def test_people_are_found_by_name_and_id_in_their_workspace_only(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        alice = await tx.members.add("w1", name="alice", email="alice@example.org", role=Role.OWNER)
        other = await tx.members.add("w2", name="alice", email="alice@example.org", role=Role.VIEWER)
        silent = await tx.members.add("w1", name="bob", email="", role=Role.TRADER)
        mute = await tx.members.add("w1", name="carol", email="", role=Role.TRADER)

    async with any_store.reading() as tx:
        assert await tx.members.all("w1") == [alice, silent, mute]
        assert await tx.members.by_name("w1", "alice") == alice
        assert await tx.members.by_name("w2", "alice") == other
        assert await tx.members.by_name("w2", "bob") is None
        assert await tx.members.by_id("w1", alice.user_id) == alice
        assert await tx.members.by_id("w2", alice.user_id) is None


async def test_names_and_addresses_are_taken_once_per_workspace(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        await tx.members.add("w1", name="alice", email="alice@example.org", role=Role.OWNER)

    with pytest.raises(Conflict, match="is taken in this workspace"):
        async with any_store.transaction() as tx:
            await tx.members.add("w1", name="eve", email="alice@example.org", role=Role.VIEWER)
    with pytest.raises(Conflict, match="'alice' is there already"):
        async with any_store.transaction() as tx:
            await tx.members.add("w1", name="alice", email="", role=Role.VIEWER)


async def test_roles_and_preferences_change_in_their_workspace_only(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        alice = await tx.members.add("w1", name="alice", email="", role=Role.VIEWER)
        await tx.members.set_role("w1", alice.user_id, Role.ADMIN)
        await tx.members.set_preference("w1", alice.user_id, language="fr", time_zone="Europe/Paris")

    for workspace_id, user_id in (("w2", alice.user_id), ("w1", "nobody")):
        with pytest.raises(NotFound):
            async with any_store.transaction() as tx:
                await tx.members.set_role(workspace_id, user_id, Role.OWNER)
        with pytest.raises(NotFound):
            async with any_store.transaction() as tx:
                await tx.members.set_preference(workspace_id, user_id, language="de", time_zone="UTC")
    async with any_store.reading() as tx:
        now = await tx.members.by_id("w1", alice.user_id)
    assert now is not None
    assert (now.role, now.language, now.time_zone) == (Role.ADMIN, "fr", "Europe/Paris")


async def test_a_token_is_found_by_its_digest_and_revoked_once(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        token = await tx.members.add_token(
            "w1", user_id="u1", label="demo", role=Role.TRADER, secret_hash="ab" * 32, expires_at=later(60)
        )

    with pytest.raises(Conflict):
        async with any_store.transaction() as tx:
            await tx.members.add_token(
                "w2", user_id="u2", label="", role=Role.OWNER, secret_hash="ab" * 32, expires_at=None
            )
    async with any_store.transaction() as tx:
        assert await tx.members.token_by_hash("ab" * 32) == token
        assert await tx.members.token_by_hash("cd" * 32) is None
        assert await tx.members.tokens("w2") == []
        assert not await tx.members.revoke_token("w2", token.id, NOON)
        assert await tx.members.revoke_token("w1", token.id, NOON)
        assert not await tx.members.revoke_token("w1", token.id, later(1))
        (revoked,) = await tx.members.tokens("w1")
    assert revoked.revoked_at == NOON


async def test_an_account_comes_back_exactly_as_it_went_in(any_store: SqlStore) -> None:
    created = await _account(any_store, "w1")

    async with any_store.reading() as tx:
        assert await tx.accounts.by_id("w1", created.id) == created
        assert await tx.accounts.all("w1") == [created]
        assert await tx.accounts.by_id("w2", created.id) is None
        assert await tx.accounts.all("w2") == []
    assert str(created.capital) == "10000.50"
    with pytest.raises(Conflict):
        await _account(any_store, "w1")
    await _account(any_store, "w2")


async def test_a_trading_state_changes_with_its_reason_and_version(any_store: SqlStore) -> None:
    account = await _account(any_store, "w1")

    async with any_store.transaction() as tx:
        await tx.accounts.set_state("w1", account.id, TradingState.HALTED, "drawdown 21 %")

    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.accounts.set_state("w2", account.id, TradingState.ACTIVE, "")
    async with any_store.reading() as tx:
        now = await tx.accounts.by_id("w1", account.id)
    assert now is not None
    assert (now.trading_state, now.state_reason, now.version) == (TradingState.HALTED, "drawdown 21 %", 2)


def _status(account_id: str, equity: str) -> AccountStatus:
    return AccountStatus(
        account_id=account_id,
        as_of=NOON,
        cash=Decimal("1.10"),
        equity=Decimal(equity),
        peak_equity=Decimal("3"),
        day_start_equity=Decimal("2.000"),
        drawdown=0.1,
        day_change=-0.05,
        open_positions=1,
        max_positions=5,
        open_risk=Decimal("0.000000000000000001"),
        trading_state=TradingState.ACTIVE,
    )


async def test_the_newest_status_and_snapshot_replace_the_last(any_store: SqlStore) -> None:
    account = await _account(any_store, "w1")

    async with any_store.transaction() as tx:
        for equity in ("2.5", "2.6"):
            await tx.accounts.save_status("w1", _status(account.id, equity))
        await tx.accounts.save_snapshot("w1", account.id, 1, b"old")
        await tx.accounts.save_snapshot("w1", account.id, 2, b"\x00new\xff")
        # Another workspace cannot write over them, even with the right id.
        await tx.accounts.save_status("w2", _status(account.id, "9"))
        await tx.accounts.save_snapshot("w2", account.id, 3, b"foreign")

    async with any_store.reading() as tx:
        assert await tx.accounts.status("w1", account.id) == _status(account.id, "2.6")
        assert await tx.accounts.status("w2", account.id) is None
        assert await tx.accounts.snapshot("w1", account.id) == (2, b"\x00new\xff")
        assert await tx.accounts.snapshot("w2", account.id) is None


async def test_a_halt_is_shown_at_once_and_not_from_the_next_bar_on(any_store: SqlStore) -> None:
    account = await _account(any_store, "w1")
    async with any_store.transaction() as tx:
        await tx.accounts.save_status("w1", _status(account.id, "2.5"))

    async with any_store.transaction() as tx:
        await tx.accounts.set_state("w1", account.id, TradingState.HALTED, "panic stop")

    async with any_store.reading() as tx:
        status = await tx.accounts.status("w1", account.id)
    assert status is not None
    assert status.trading_state is TradingState.HALTED
    assert status.equity == Decimal("2.5")


async def test_the_equity_line_keeps_one_point_per_time(any_store: SqlStore) -> None:
    points = [EquityPoint(at=later(i), equity=Decimal(100 + i)) for i in range(4)]

    async with any_store.transaction() as tx:
        await tx.accounts.add_equity("w1", "a1", points)
        await tx.accounts.add_equity("w1", "a1", [EquityPoint(at=later(3), equity=Decimal("99.9"))])
        await tx.accounts.add_equity("w1", "a1", [])

    async with any_store.reading() as tx:
        line = await tx.accounts.equity("w1", "a1")
        tail = await tx.accounts.equity("w1", "a1", later(2))
        assert await tx.accounts.equity("w2", "a1") == []
    assert line == [*points[:3], EquityPoint(at=later(3), equity=Decimal("99.9"))]
    assert tail == line[2:]


async def test_locks_end_by_time_or_by_hand(any_store: SqlStore) -> None:
    def lock(pair: str, seconds: float) -> Lock:
        return Lock(
            id=new_id(), account_id="a1", pair=pair, until=later(seconds), reason="loss", actor="alice"
        )

    btc, eth, every = lock("BTC/USDT", 60), lock("ETH/USDT", 120), lock("", 180)

    async with any_store.transaction() as tx:
        for one in (every, eth, btc):
            await tx.accounts.add_lock("w1", one)
        assert await tx.accounts.locks("w1", "a1", NOON) == [btc, eth, every]
        assert await tx.accounts.locks("w1", "a1", NOON + timedelta(seconds=60)) == [eth, every]
        assert await tx.accounts.locks("w2", "a1", NOON) == []
        assert await tx.accounts.release_locks("w2", "a1", "", NOON) == 0
        assert await tx.accounts.release_locks("w1", "a1", "ETH/USDT", NOON) == 1
        assert await tx.accounts.locks("w1", "a1", NOON) == [btc, every]
        assert await tx.accounts.release_locks("w1", "a1", "", NOON) == 2
        assert await tx.accounts.locks("w1", "a1", NOON) == []
