"""The sentence that a start says about money."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from desk.exchange_ports import ExchangeKey, ExchangeSecret
from desk.keyring import key_ring_at
from desk.secrets import Secret
from desk.store import open_store
from server.money import money_said
from tests.support.records import NOON


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ({}, "Money is paper."),
        ({"demo": True}, "Test money in demo."),
        ({"spot": False, "demo": True}, "MONEY IS LIVE in spot. Test money in demo."),
    ],
)
async def test_a_start_says_whose_money_it_trades(
    sqlite_url: str, tmp_path: Path, accounts: dict[str, bool], said: str
) -> None:
    store = open_store(sqlite_url, ring=key_ring_at(tmp_path / "keys.json"))
    async with store.transaction() as tx:
        home = await tx.workspaces.create("home")
        for name in ("paper", *accounts):
            account = await tx.accounts.create(
                home.id,
                name=name,
                venue="binance",
                is_live=name in accounts,
                currency="USDT",
                capital=Decimal(5_000),
                settings={},
            )
            if name not in accounts:
                continue
            key = ExchangeKey(
                id=account.id,
                workspace_id=home.id,
                venue="binance",
                version=1,
                key_ending="-key",
                withdrawal="refused by the exchange",
                is_sandbox=accounts[name],
                created_by="owner",
                created_at=NOON,
            )
            secret = ExchangeSecret(api_key=Secret("k"), api_secret=Secret("s"), passphrase=Secret(""))
            await tx.exchange_keys.add(key, secret)

    found = await money_said(store)

    await store.close()
    assert found == said
