"""Whose money is traded, in the sentence that a start says first."""

from __future__ import annotations

from desk.ports import Store


async def money_said(store: Store) -> str:
    """Say whether the house's money is paper, or which accounts are real or test accounts of an exchange."""
    live, test = list[str](), list[str]()
    async with store.reading() as tx:
        for workspace in await tx.workspaces.all():
            keys = {one.id: one for one in await tx.exchange_keys.all(workspace.id)}
            for account in await tx.accounts.all(workspace.id):
                if account.is_live:
                    key = keys.get(account.id)
                    (test if key is not None and key.is_sandbox else live).append(account.name)
    said = [f"MONEY IS LIVE in {', '.join(live)}."] if live else []
    said += [f"Test money in {', '.join(test)}."] if test else []
    return " ".join(said) or "Money is paper."
