"""Finding what a command names, with an answer that helps when there is nothing by that name."""

from __future__ import annotations

from desk.desk import Handling
from desk.errors import VersionMoved
from desk.identity import Actor
from desk.money import is_test
from desk.ports import Unit
from desk.views import Account, Bot, Position
from trading.errors import InvalidInput, NotFound, nearest
from trading.events import TradingState


def pair_name(text: str) -> str:
    """Give a pair as the house writes it: "btc-usdt" is BTC/USDT."""
    return text.strip().upper().replace("-", "/")


def require_version(what: str, expected: int | None, found: int) -> None:
    """Refuse a change of something that moved on since the asker looked; None asks for no version.

    Raises:
        VersionMoved: it is at another version.
    """
    if expected is not None and expected != found:
        raise VersionMoved(what, expected=expected, found=found)


async def bot_of(tx: Unit, actor: Actor, bot_id: str) -> Bot:
    """Give a bot by id or by name.

    Raises:
        NotFound: nothing by that name in the actor's workspace.
    """
    bot = await tx.bots.by_id(actor.workspace_id, bot_id) if bot_id else None
    if bot is None and bot_id:
        bot = await tx.bots.by_name(actor.workspace_id, bot_id)
    if bot is None:
        names = [one.name for one in await tx.bots.all(actor.workspace_id)]
        raise NotFound(
            f"No bot is called '{bot_id}'; {', '.join(names) or 'none exists yet'}.",
            hint=nearest(bot_id, names) or None,
        )
    return bot


async def account_of(tx: Unit, actor: Actor, account_id: str) -> Account:
    """Give an account by id or name; an empty one means the only one.

    Raises:
        NotFound: nothing by that name.
        InvalidInput: there are several and none was named.
    """
    accounts = await tx.accounts.all(actor.workspace_id)
    if account_id:
        for one in accounts:
            if account_id in (one.id, one.name):
                return one
        names = [one.name for one in accounts]
        raise NotFound(
            f"No account is called '{account_id}'; {', '.join(names) or 'none exists yet'}.",
            hint=nearest(account_id, names) or None,
        )
    if len(accounts) == 1:
        return accounts[0]
    if not accounts:
        raise NotFound(
            "This workspace has no account yet.", hint="`breakwater up --demo` makes a funded one."
        )
    raise InvalidInput(
        f"No account was named; {', '.join(one.name for one in accounts)} exist.", hint="Name one of them."
    )


async def position_of(tx: Unit, actor: Actor, position_id: str) -> Position:
    """Give an open position by id, by a unique beginning of its id, or by its pair when only one is open there.

    Raises:
        NotFound: no such open position.
    """
    found = await tx.positions.by_id(actor.workspace_id, position_id)
    if found is not None and found.closed_at is None:
        return found
    open_ones = await tx.positions.open(actor.workspace_id)
    wanted = position_id.strip()
    close = [
        one
        for one in open_ones
        if one.pair == wanted.upper() or (len(wanted) >= 6 and one.id.startswith(wanted))
    ]
    if len(close) == 1:
        return close[0]
    shown = ", ".join(f"{one.pair} ({one.id[:8]})" for one in open_ones) or "none is open"
    raise NotFound(f"No open position is '{position_id}'; {shown}.")


def at_work(account: Account) -> bool:
    """Tell whether an account may open positions."""
    return account.trading_state is TradingState.ACTIVE


def actor_label(handling: Handling) -> str:
    """Say who asked, for history rows."""
    return handling.actor.label


async def has_test_money(tx: Unit, workspace_id: str, account_id: str) -> bool:
    """Tell whether a live account is one of a venue's test environment."""
    return is_test(await tx.exchange_keys.by_account(workspace_id, account_id))
