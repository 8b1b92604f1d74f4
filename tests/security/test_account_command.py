"""Accounts at exchanges from the command line: keys come unseen, are tried first, and whose money it is is said."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from desk.assembly import HouseOptions, open_house
from desk.exchange_ports import ExchangeSecret, ProbedKey
from desk.identity import Role
from desk.venues.probing import VenueProbe
from server.cli.accounts import _parts
from tests.support.cli import assert_refused, breakwater

KEY = "key-of-the-exchange-1234"
SECRET = "secret-of-the-exchange"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an owner."""

    async def furnish() -> None:
        options = HouseOptions(data_dir=tmp_path, is_trading=False, is_pumping=False)
        async with open_house(options) as house, house.store.transaction() as tx:
            home = await tx.workspaces.create("home")
            await tx.members.add(home.id, name="owner", email="", role=Role.OWNER)

    asyncio.run(furnish())
    return tmp_path


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str, bool]]:
    """Stand in for exchanges; give what was tried."""
    found: list[tuple[str, str, str, bool]] = []

    async def probe(self: VenueProbe, venue: str, secret: ExchangeSecret, *, is_sandbox: bool) -> ProbedKey:
        found.append((venue, secret.api_key.reveal(), secret.api_secret.reveal(), is_sandbox))
        return ProbedKey(can_trade=True, can_withdraw=venue == "kraken", totals={"USDT": Decimal("5000.5")})

    monkeypatch.setattr(VenueProbe, "probe", probe)
    return found


def test_an_account_is_added_with_a_key_from_stdin_and_said_to_be_what_it_is(
    folder: Path, tried: Sequence[tuple[str, str, str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{SECRET}\n"))
    test = breakwater("account", "add", "rehearsal", "--venue", "binance", "--sandbox", "--data-dir", folder)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{SECRET}\n"))
    real = breakwater("account", "add", "spot", "--venue", "binance", "--data-dir", folder)
    listed = breakwater("account", "list", "--data-dir", folder, "--json")

    assert [one[0:1] + one[3:] for one in tried] == [("binance", True), ("binance", False)]
    assert tried[0][1:3] == (KEY, SECRET)
    assert "test money, 5000.5 USDT" in test.out
    assert "LIVE: real money, 5000.5 USDT" in real.out
    assert [(one["account"], one["money"]) for one in listed.json["accounts"]] == [
        ("rehearsal", "test"),
        ("spot", "live"),
    ]
    for said in (test, real, listed):
        assert SECRET not in said.out + said.err
        assert KEY not in said.out + said.err


def test_a_key_that_can_withdraw_or_is_not_there_is_refused_with_what_to_do(
    folder: Path, tried: Sequence[tuple[str, str, str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n{SECRET}\n"))
    assert_refused(
        breakwater("account", "add", "spot", "--venue", "kraken", "--data-dir", folder), "can move money out"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert_refused(
        breakwater("account", "add", "spot", "--venue", "binance", "--data-dir", folder), "a line each"
    )
    assert len(tried) == 1


def test_a_secret_of_several_lines_is_one_part() -> None:
    pem = "-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQEE\n-----END EC PRIVATE KEY-----"

    assert _parts(f"organisations/1/apiKeys/2\n{pem}\n") == ["organisations/1/apiKeys/2", pem]
    assert _parts(f"{KEY}\n{SECRET}\npass phrase\n") == [KEY, SECRET, "pass phrase"]
