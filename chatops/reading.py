"""What words look up: bots by name, positions and trades by the references that cards show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chatops.cards import Field, Text, Tone, Value
from chatops.problems import did_you_mean, misheard
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.money import MoneyKind, gravest
from desk.ports import Unit
from desk.views import Account, Bot, Filter, Page, Position, Trade
from trading.errors import nearest

#: Letters of an id that cards show; the tail of a version 7 id is random.
REFERENCE = 6


def reference(row_id: str) -> str:
    """Give the short form of an id that people type."""
    return row_id[-REFERENCE:]


def is_all(name: str | None) -> bool:
    """Tell whether somebody named all bots."""
    return name is not None and plain(name).lower() in {"all", "tous", "*"}


def mode_text(money: MoneyKind) -> Text:
    """Give the word for whose money is traded."""
    return Text(f"mode.{money.value}")


def mode_rank(money: Mapping[str, MoneyKind]) -> int:
    """Give the rank of a column that says it: a narrow screen may leave out nothing but that all is paper."""
    return 2 if set(money.values()) <= {MoneyKind.PAPER} else 0


def mode_field(money: MoneyKind) -> Field:
    """Give whose money is traded, as a card says it: real money stands out."""
    return Field("mode", mode_text(money), Tone.WARN if money is MoneyKind.LIVE else Tone.PLAIN)


def modes_of(kinds: Iterable[MoneyKind]) -> tuple[Field, ...]:
    """Give the gravest of several kinds of money as a field; of none, or of nothing but paper, nothing."""
    found = gravest(kinds)
    return () if found in (None, MoneyKind.PAPER) else (mode_field(found),)


def account_text(account: Account, money: Mapping[str, MoneyKind]) -> Value:
    """Give an account's name and whose money it is; a house that has nothing but paper is spared the word."""
    if set(money.values()) <= {MoneyKind.PAPER}:
        return account.name
    return Text("mode.account", {"account": account.name, "mode": mode_text(money[account.id])})


async def accounts_of(asked: Asked, tx: Unit) -> dict[str, Account]:
    """Give the workspace's accounts by id."""
    return {one.id: one for one in await tx.accounts.all(asked.workspace_id)}


async def account_named(asked: Asked, tx: Unit) -> Account:
    """Give the named account, or the only one.

    Raises:
        Misheard: no such account, or several and none named.
    """
    accounts = tuple((await accounts_of(asked, tx)).values())
    named = asked.args.get("account")
    names = ", ".join(one.name for one in accounts) or "–"
    if named is None:
        if len(accounts) == 1:
            return accounts[0]
        raise misheard("which_account", advice="usage", allowed=names, usage=asked.word.usage)
    for one in accounts:
        if named in (one.id, one.name):
            return one
    hint = nearest(named, [one.name for one in accounts])
    raise misheard("unknown_account", problem="not_found", found=named, allowed=names, nearest=hint)


async def bots_of(asked: Asked, tx: Unit) -> dict[str, Bot]:
    """Give the workspace's bots by id, oldest first."""
    return {one.id: one for one in await tx.bots.all(asked.workspace_id)}


async def named_bot(asked: Asked, name: str | None) -> Bot:
    """Give the bot of a name, or the only one when none was named.

    Raises:
        Misheard: no such bot, or several and none named.
    """
    async with asked.store.reading() as tx:
        bots = tuple((await bots_of(asked, tx)).values())
        chosen = await chosen_bot(asked, tx) if name is None else ""
    names = [one.name for one in bots]
    if name is None:
        if len(bots) == 1:
            return bots[0]
        if (selected := next((one for one in bots if chosen in (one.id, one.name)), None)) is not None:
            return selected
        if not bots:
            raise misheard("no_bots", advice="newbot", problem="not_found")
        raise misheard("which_bot", advice="which_bot", names=", ".join(names), word=asked.word.name)
    wanted = plain(name).casefold()
    for bot in bots:
        if name in (bot.name, bot.id) or wanted in (bot.name.casefold(), reference(bot.id)):
            return bot
    close = nearest(name, names)
    raise misheard(
        "unknown_bot",
        advice="bots",
        problem="not_found",
        found=name,
        allowed=", ".join(names) or "–",
        nearest=did_you_mean(close.split("'")[1] if close else ""),
    )


async def chosen_bot(asked: Asked, tx: Unit) -> str:
    """Give the bot that /use chose: for this chat where the door knows one, else for the person on this channel."""
    if here := str(asked.extras.get("bot") or ""):
        return here
    settings = await tx.notices.settings_of(asked.workspace_id, asked.actor.user_id)
    return settings.bots.get(asked.actor.channel, "")


async def wanted_bot(asked: Asked, name: str | None) -> Bot | None:
    """Give the named bot; None where all are meant."""
    return None if name is None or is_all(name) else await named_bot(asked, name)


def completed_pair(asked: Asked, typed: str, known: Sequence[str]) -> str:
    """Give a known pair for what was typed: BTC or BTCUSDT is BTC/USDT where that is unambiguous.

    Raises:
        Misheard: no known pair fits.
    """
    if typed in known:
        return typed
    fits = [one for one in known if typed in (one.split("/")[0], one.replace("/", "").replace(":", ""))]
    if len(fits) == 1:
        return fits[0]
    close = nearest(typed, known)
    raise misheard(
        "unknown_pair",
        advice="pairs",
        problem="not_found",
        found=typed,
        allowed=", ".join(fits or known) or "–",
        nearest=did_you_mean(close.split("'")[1] if close else ""),
    )


async def known_pairs(asked: Asked, tx: Unit) -> tuple[str, ...]:
    """Give the pairs that bots trade."""
    bots = await tx.bots.all(asked.workspace_id)
    return tuple(dict.fromkeys(pair for bot in bots for pair in bot.pairs))


async def open_position(asked: Asked, tx: Unit, typed: str) -> Position | None:
    """Give the open position of a reference or a pair; None where nothing fits, or a pair fits twice."""
    rows = await tx.positions.open(asked.workspace_id)
    wanted = plain(typed).lstrip("#")
    by_id = [one for one in rows if wanted.lower() in (one.id.lower(), reference(one.id).lower())]
    pair = wanted.upper().replace("-", "/")
    by_pair = [one for one in rows if pair in (one.pair, one.pair.split("/")[0], one.pair.replace("/", ""))]
    found = by_id or by_pair
    return found[0] if len(found) == 1 else None


async def finished_trade(asked: Asked, tx: Unit, typed: str) -> Trade | None:
    """Give the finished trade of a number (12 or #12) or an id."""
    wanted = plain(typed).lstrip("#")
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= 9:
        found = await tx.positions.trade_by_number(asked.workspace_id, int(wanted))
        if found is not None:
            return found
    rows = await tx.positions.trades(asked.workspace_id, Filter(), Page(first=200))
    fits = [one for one in rows if wanted.lower() in (one.id.lower(), reference(one.position_id).lower())]
    return fits[0] if fits else None


def side(is_long: bool) -> Text:
    """Give the word for a position's side."""
    return Text("side.long" if is_long else "side.short")
