"""Whose money a command is about, said on the card that asks for its confirmation."""

from __future__ import annotations

from chatops.cards import Field
from chatops.reading import modes_of
from chatops.room import Room
from desk.commands import Command
from desk.handlers.risk import ALL_ACCOUNTS
from desk.identity import Actor
from desk.money import kinds_of
from desk.ports import Unit
from desk.views import Account


async def modes_at_stake(room: Room, command: Command, actor: Actor) -> tuple[Field, ...]:
    """Give whether test money or real money is at stake; nothing where it is paper, or no money at all."""
    async with room.store.reading() as tx:
        accounts = await tx.accounts.all(actor.workspace_id)
        touched = await _touched(tx, command, actor, {one.id: one for one in accounts})
        kinds = await kinds_of(tx, actor.workspace_id, accounts)
    return modes_of(kinds[one] for one in touched)


async def _touched(tx: Unit, command: Command, actor: Actor, accounts: dict[str, Account]) -> set[str]:
    """Give the ids of the accounts that a command names, by themselves or by what lies in them."""
    workspace_id = actor.workspace_id
    found = set[str]()
    if (named := getattr(command, "account_id", None)) is not None:
        found |= {
            one.id
            for one in accounts.values()
            if named in (one.id, one.name, ALL_ACCOUNTS) or (not named and len(accounts) == 1)
        }
    if bot_id := getattr(command, "bot_id", ""):
        bot = await tx.bots.by_id(workspace_id, bot_id) or await tx.bots.by_name(workspace_id, bot_id)
        found |= {bot.account_id} if bot is not None and not found else set()
    if position_id := getattr(command, "position_id", ""):
        position = await tx.positions.by_id(workspace_id, position_id)
        found |= {position.account_id} if position is not None else set()
    if order_id := getattr(command, "order_id", ""):
        order = await tx.orders.by_id(workspace_id, order_id)
        found |= {order.account_id} if order is not None else set()
    if (ids := getattr(command, "position_ids", None)) is not None:
        rows = await tx.positions.open(workspace_id)
        found |= {one.account_id for one in rows if one.id in ids}
    return found & set(accounts)
