"""Whose money an account trades: paper, that of an exchange's test environment, or real."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from desk.exchange_ports import ExchangeKey
from desk.ports import Unit
from desk.views import Account


class MoneyKind(StrEnum):
    """What is won and lost."""

    PAPER = "paper"
    TEST = "test"
    LIVE = "live"


def is_test(key: ExchangeKey | None) -> bool:
    """Tell whether a key opens a test environment; without a word for it the money is real."""
    return key is not None and key.is_sandbox


def kind_of(account: Account, key: ExchangeKey | None) -> MoneyKind:
    """Tell whose money an account trades; what nobody added as a test environment is real."""
    if not account.is_live:
        return MoneyKind.PAPER
    return MoneyKind.TEST if is_test(key) else MoneyKind.LIVE


async def money_of(tx: Unit, account: Account) -> MoneyKind:
    """Tell whose money one account trades."""
    if not account.is_live:
        return MoneyKind.PAPER
    return kind_of(account, await tx.exchange_keys.by_account(account.workspace_id, account.id))


async def money_kinds(tx: Unit, workspace_id: str) -> Mapping[str, MoneyKind]:
    """Tell it of every account of a workspace, by id."""
    accounts = await tx.accounts.all(workspace_id)
    return await kinds_of(tx, workspace_id, accounts)


async def kinds_of(tx: Unit, workspace_id: str, accounts: Iterable[Account]) -> Mapping[str, MoneyKind]:
    """Tell it of accounts that were read already; a house on paper asks for no key."""
    asked = tuple(accounts)
    rows = await tx.exchange_keys.all(workspace_id) if any(one.is_live for one in asked) else ()
    keys = {one.id: one for one in rows}
    return {one.id: kind_of(one, keys.get(one.id)) for one in asked}


def gravest(kinds: Iterable[MoneyKind]) -> MoneyKind | None:
    """Give what is said of several accounts at once: real money before test money before paper; None of none."""
    return max(kinds, key=tuple(MoneyKind).index, default=None)
