"""Where each bot stands with each pair: the moves, as the loop makes them."""

from __future__ import annotations

from desk.bots.context import Context
from desk.bots.plan import Line
from desk.bots.state import go
from trading.events import Phase


class Phases:
    """The phases of an account's lines, as they stand in the store."""

    def __init__(self) -> None:
        self._phases: dict[tuple[str, str], Phase] = {}

    def know(self, line: Line) -> None:
        """Take a line's phase from its bot's row."""
        stored = {one.pair: one.phase for one in line.bot.phases}
        self._phases[line.key] = stored.get(line.pair, Phase.IDLE)

    def of(self, line: Line) -> Phase:
        """Give a line's phase."""
        return self._phases.get(line.key, Phase.IDLE)

    async def go(self, context: Context, line: Line, after: Phase, *, cause: str) -> None:
        """Move a line, if it is not there already."""
        before = self.of(line)
        if before is after:
            return
        context.events.append(
            await go(context.tx, line.bot, line.pair, before, after, cause=cause, at=context.at)
        )
        self._phases[line.key] = after

    async def wake(self, context: Context, line: Line) -> None:
        """Begin to look at the market."""
        if self.of(line) is Phase.IDLE:
            await self.go(context, line, Phase.MONITORING, cause="started")

    async def rest(self, context: Context, line: Line) -> None:
        """Stop looking; a held position has to be closed first."""
        if self.of(line) not in (Phase.IDLE, Phase.POSITION_OPEN):
            await self.go(context, line, Phase.IDLE, cause="stopped")
