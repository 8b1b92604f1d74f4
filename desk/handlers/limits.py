"""Changing an account's limits: lowering is immediate, raising needs a second person where the money is real."""

from __future__ import annotations

from collections.abc import Callable

from desk.approvals import TRUSTED_CHANNELS
from desk.commands import SetLimit
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import account_of, require_version
from desk.handlers.telling import tell
from desk.identity import Actor
from desk.limits import LimitChange, change_of, written
from desk.ports import Unit
from desk.views import Account
from trading.errors import Conflict
from trading.events import LimitChanged


class LimitHandlers:
    """Does what concerns limits."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake

    def register(self) -> None:
        """Enter the handlers."""
        self._desk.handle(SetLimit, self.set_limit, preview=self.preview, asks_two=self.asks_two)

    async def asks_two(self, command: SetLimit, tx: Unit, actor: Actor) -> bool:
        """Tell whether this very change needs a second person."""
        account, change = await _change(command, tx, actor)
        return self._needs_two(account, change)

    async def preview(self, command: SetLimit, tx: Unit, actor: Actor) -> Preview:
        """Say the limit before and after; what needs two people is confirmed with the account's name."""
        account, change = await _change(command, tx, actor)
        return Preview(
            code="confirm.SetLimit.raise" if change.is_raise else "confirm.SetLimit",
            params={
                "account": account.name,
                "limit": change.name,
                "before": written(change.before),
                "after": written(change.after),
            },
            type_word=account.name if self._needs_two(account, change) else "",
        )

    async def set_limit(self, command: SetLimit, handling: Handling) -> Account:
        """Write the limit; the account's bots trade by it from their next close on."""
        tx, actor = handling.tx, handling.actor
        account, change = await _change(command, tx, actor)
        require_version(f"Account '{account.name}'", command.expected_version, account.version)
        if change.is_none:
            raise Conflict(f"{change.name} of '{account.name}' is {written(change.before)} already.")
        is_agreed = handling.is_agreed or actor.channel in TRUSTED_CHANNELS
        if self._needs_two(account, change) and not is_agreed:
            # It was a lowering when it was asked; somebody lowered the limit further meanwhile.
            raise Conflict(
                f"{change.name} of '{account.name}' became {written(change.before)} meanwhile.",
                hint="Ask again: it would be a raise now.",
            )
        if not await tx.accounts.save_settings(
            actor.workspace_id, account.id, change.settings, expected_version=account.version
        ):
            raise Conflict(f"Account '{account.name}' was changed meanwhile.", hint="Look again, then ask.")
        await tell(
            handling,
            LimitChanged(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                limit=change.name,
                before=written(change.before),
                after=written(change.after),
                reason=command.reason,
                actor=actor.label,
            ),
        )
        handling.after_commit.append(self._wake)
        return await account_of(tx, actor, account.id)

    def _needs_two(self, account: Account, change: LimitChange) -> bool:
        return change.is_raise and (account.is_live or self._desk.always_two)


async def _change(command: SetLimit, tx: Unit, actor: Actor) -> tuple[Account, LimitChange]:
    account = await account_of(tx, actor, command.account_id)
    return account, change_of(account, command.limit, command.value)
