"""Closing several positions at once: all, winners or losers, of a pair or a bot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from desk.bots.requests import is_leaving
from desk.commands import ClosePosition, ClosePositions
from desk.desk import Desk, Handler, Handling, Preview
from desk.handlers.finding import bot_of
from desk.handlers.lifecycle import summary_of
from desk.identity import Actor
from desk.ports import Unit
from desk.views import Position
from trading.errors import Conflict, InvalidInput, nearest

#: What may be closed at once.
WHICH = ("all", "winners", "losers")

#: More positions than this ask for the word to be typed.
_TAPPED = 1


class ClosingHandlers:
    """Closes several positions by the handler that closes one."""

    def __init__(self, close_one: Handler) -> None:
        self._close_one = close_one

    def register(self, desk: Desk) -> None:
        """Enter the handler."""
        desk.handle(ClosePositions, self.close_positions, preview=preview_closing)

    async def close_positions(self, command: ClosePositions, handling: Handling) -> Sequence[Position]:
        """Ask for each that nobody is closing already."""
        chosen = await chosen_positions(command, handling.tx, handling.actor)
        asked = []
        for position in chosen:
            if not await is_leaving(handling.tx, position, command.share):
                await self._close_one(ClosePosition(position_id=position.id, share=command.share), handling)
                asked.append(position)
        if not asked:
            raise Conflict("Every one of them is already being closed.", hint="Wait for the next bar.")
        return tuple(asked)


async def chosen_positions(command: ClosePositions, tx: Unit, actor: Actor) -> tuple[Position, ...]:
    """Give the open positions that a command means.

    Raises:
        InvalidInput: it means nothing that is known.
        Conflict: no position fits.
    """
    if command.which not in WHICH:
        raise InvalidInput(
            f"'{command.which}' was given; {', '.join(WHICH)} are allowed.",
            hint=nearest(command.which, WHICH) or None,
        )
    bot = await bot_of(tx, actor, command.bot_id) if command.bot_id else None
    keeps: dict[str, Callable[[Decimal], bool]] = {
        "all": lambda pnl: True,
        "winners": lambda pnl: pnl > 0,
        "losers": lambda pnl: pnl < 0,
    }
    found = tuple(
        one
        for one in await tx.positions.open(actor.workspace_id)
        if keeps[command.which](one.unrealized_pnl + one.realized_pnl)
        and command.pair in ("", one.pair)
        and (bot is None or one.bot_id == bot.id)
    )
    if not found:
        raise Conflict("No open position fits.", hint="/status lists them.")
    return found


async def preview_closing(command: ClosePositions, tx: Unit, actor: Actor) -> Preview:
    """Say which would go, worth what; several ask for the word."""
    chosen = await chosen_positions(command, tx, actor)
    return Preview(
        code="confirm.ClosePositions",
        params={**summary_of(chosen), "share": f"{command.share * 100:.0f} %"},
        type_word=command.which if len(chosen) > _TAPPED else "",
    )
