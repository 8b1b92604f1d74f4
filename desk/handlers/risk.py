"""Closing positions, the panic stop and its release, locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from desk.bots.requests import ask_to_close, is_leaving
from desk.commands import ClosePosition, LockPair, PanicStop, ReleasePanic, UnlockPair
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import account_of, pair_name, position_of
from desk.handlers.lifecycle import summary_of
from desk.handlers.telling import tell
from desk.identity import Actor, new_id
from desk.ports import Unit
from desk.views import Account, Lock, PanicReport, Position
from trading.errors import Conflict, InvalidInput, nearest
from trading.events import PairLocked, PairUnlocked, TradingHalted, TradingResumed, TradingState
from trading.orders import Reason

#: Names every account in a panic.
ALL_ACCOUNTS = "all"

#: A lock that nobody remembers is a trap.
LONGEST_LOCK = timedelta(days=365)


class RiskHandlers:
    """Does what reduces risk at once, and what lets it grow again with care."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(ClosePosition, self.close_position, preview=preview_close)
        desk.handle(PanicStop, self.panic_stop, preview=preview_panic)

        async def release_asks_two(command: ReleasePanic, tx: Unit, actor: Actor) -> bool:
            return desk.always_two or (await account_of(tx, actor, command.account_id)).is_live

        desk.handle(ReleasePanic, self.release_panic, preview=preview_release, asks_two=release_asks_two)
        desk.handle(LockPair, self.lock_pair)
        desk.handle(UnlockPair, self.unlock_pair, preview=preview_unlock)

    async def close_position(self, command: ClosePosition, handling: Handling) -> Position:
        """Ask the owner of the account to close it; at the market, in a paper account at the next open."""
        if not (command.share.is_finite() and 0 < command.share <= 1):
            raise InvalidInput(f"Share {command.share} was given; a share above 0 and up to 1 is allowed.")
        position = await position_of(handling.tx, handling.actor, command.position_id)
        if await is_leaving(handling.tx, position, command.share):
            raise Conflict(f"{position.pair} is already being closed.", hint="Wait for the next bar.")
        await ask_to_close(handling.tx, position, reason=Reason.FORCE_EXIT, by=handling, share=command.share)
        handling.after_commit.append(self._wake)
        return position

    async def panic_stop(self, command: PanicStop, handling: Handling) -> PanicReport:
        """Latch the halt first, then ask for every position, of one account or of all; asking twice asks once."""
        accounts = await _panicking(handling.tx, handling.actor, command)
        reports = [await self._halted(account, command, handling) for account in accounts]
        handling.after_commit.append(self._wake)
        if len(reports) == 1:
            return reports[0]
        return PanicReport(
            account_id="",
            account_name=", ".join(one.account_name for one in reports),
            was_halted=all(one.was_halted for one in reports),
            positions_open=sum(one.positions_open for one in reports),
            positions_closing=tuple(closing for one in reports for closing in one.positions_closing),
            reason=reports[0].reason,
        )

    async def _halted(self, account: Account, command: PanicStop, handling: Handling) -> PanicReport:
        tx, actor = handling.tx, handling.actor
        was_halted = account.trading_state is TradingState.HALTED
        reason = command.reason or "panic stop"
        if not was_halted:
            await tx.accounts.set_state(
                actor.workspace_id, account.id, TradingState.HALTED, f"{reason} ({actor.label})"
            )
            await tell(
                handling,
                TradingHalted(
                    workspace_id=actor.workspace_id,
                    occurred_at=handling.now,
                    account_id=account.id,
                    reason=reason,
                    actor=actor.label,
                ),
            )
        held = await tx.positions.open(actor.workspace_id, account.id)
        closing = []
        if not command.keep_positions:
            for position in held:
                if not await is_leaving(tx, position):
                    await ask_to_close(tx, position, reason=Reason.KILL_SWITCH, by=handling)
                closing.append(position.id)
        return PanicReport(
            account_id=account.id,
            account_name=account.name,
            was_halted=was_halted,
            positions_open=len(held),
            positions_closing=tuple(closing),
            reason=reason,
        )

    async def release_panic(self, command: ReleasePanic, handling: Handling) -> Account:
        """Let a halted account trade again."""
        tx, actor = handling.tx, handling.actor
        account = await account_of(tx, actor, command.account_id)
        if account.trading_state is TradingState.ACTIVE:
            raise Conflict(f"Account '{account.name}' is not halted; there is nothing to release.")
        reason = command.reason or "released"
        await tx.accounts.set_state(
            actor.workspace_id, account.id, TradingState.ACTIVE, f"{reason} ({actor.label})"
        )
        await tell(
            handling,
            TradingResumed(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                reason=reason,
                actor=actor.label,
            ),
        )
        handling.after_commit.append(self._wake)
        return await account_of(tx, actor, account.id)

    async def lock_pair(self, command: LockPair, handling: Handling) -> Lock:
        """Refuse entries until a time."""
        tx, actor = handling.tx, handling.actor
        account = await account_of(tx, actor, command.account_id)
        pair = await _pair_of(tx, account, command.pair)
        if not timedelta(0) < command.duration <= LONGEST_LOCK:
            raise InvalidInput(
                f"A lock of {command.duration} was given; more than 0 and up to {LONGEST_LOCK.days} days is allowed."
            )
        lock = Lock(
            id=new_id(),
            account_id=account.id,
            pair=pair,
            until=handling.now + command.duration,
            reason=command.reason or "locked by hand",
            actor=actor.label,
        )
        await tx.accounts.add_lock(actor.workspace_id, lock)
        await tell(
            handling,
            PairLocked(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                pair=pair,
                until=lock.until,
                reason=lock.reason,
                actor=actor.label,
            ),
        )
        handling.after_commit.append(self._wake)
        return lock

    async def unlock_pair(self, command: UnlockPair, handling: Handling) -> int:
        """Release the locks of a pair; give how many."""
        tx, actor = handling.tx, handling.actor
        account = await account_of(tx, actor, command.account_id)
        pair = await _pair_of(tx, account, command.pair)
        released = await tx.accounts.release_locks(actor.workspace_id, account.id, pair, handling.now)
        if not released:
            raise Conflict(f"No lock holds {pair or 'all pairs'} of account '{account.name}'.")
        await tell(
            handling,
            PairUnlocked(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                pair=pair,
                reason="released by hand",
                actor=actor.label,
            ),
        )
        handling.after_commit.append(self._wake)
        return released


async def preview_close(command: ClosePosition, tx: Unit, actor: Actor) -> Preview:
    """Say what would be sold, at about which price, and what it would bring."""
    position = await position_of(tx, actor, command.position_id)
    return Preview(
        code="confirm.ClosePosition",
        params={
            "pair": position.pair,
            "quantity": position.quantity if command.share == 1 else position.quantity * command.share,
            "price": position.mark_price,
            "pnl": position.unrealized_pnl * command.share,
        },
    )


async def preview_panic(command: PanicStop, tx: Unit, actor: Actor) -> Preview:
    """Say what would be halted and closed; for all accounts the word has to be typed."""
    accounts = await _panicking(tx, actor, command)
    held = [one for account in accounts for one in await tx.positions.open(actor.workspace_id, account.id)]
    with_them = "confirm.PanicStop.keep" if command.keep_positions else "confirm.PanicStop"
    return Preview(
        code=with_them if held else "confirm.PanicStop.flat",
        params={"account": ", ".join(one.name for one in accounts), **summary_of(held)},
        type_word=ALL_ACCOUNTS if command.account_id == ALL_ACCOUNTS else "",
    )


async def _panicking(tx: Unit, actor: Actor, command: PanicStop) -> Sequence[Account]:
    if command.account_id == ALL_ACCOUNTS and (every := await tx.accounts.all(actor.workspace_id)):
        return every
    return (await account_of(tx, actor, command.account_id),)


async def preview_release(command: ReleasePanic, tx: Unit, actor: Actor) -> Preview:
    """Ask for the account's name."""
    account = await account_of(tx, actor, command.account_id)
    return Preview(
        code="confirm.ReleasePanic",
        params={"account": account.name, "reason": account.state_reason},
        type_word=account.name,
    )


async def preview_unlock(command: UnlockPair, tx: Unit, actor: Actor) -> Preview:
    """Say which locks would go."""
    account = await account_of(tx, actor, command.account_id)
    return Preview(code="confirm.UnlockPair", params={"account": account.name, "pair": command.pair})


async def _pair_of(tx: Unit, account: Account, pair: str) -> str:
    wanted = pair_name(pair)
    if not wanted:
        return ""
    traded = sorted(
        {one for bot in await tx.bots.of_account(account.workspace_id, account.id) for one in bot.pairs}
    )
    if wanted not in traded:
        raise InvalidInput(
            f"Pair '{wanted}' is traded by no bot of account '{account.name}'; {', '.join(traded) or 'none'} is.",
            hint=nearest(wanted, traded) or None,
        )
    return wanted
