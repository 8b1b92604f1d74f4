"""The way back to an earlier configuration: a new version with the old values, because versions never change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from desk.commands import ChangeConfig, RollBackConfig
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import bot_of
from desk.identity import Actor
from desk.ports import Unit
from desk.views import Bot, ConfigVersion
from trading.errors import Conflict, NotFound


class RollBackHandlers:
    """Rolls configurations back, through the same check that every change passes."""

    def __init__(
        self,
        change: Callable[[ChangeConfig, Handling], Awaitable[Bot]],
        preview: Callable[[ChangeConfig, Unit, Actor], Awaitable[Preview]],
    ) -> None:
        self._change = change
        self._preview = preview

    def register(self, desk: Desk) -> None:
        """Enter the handler."""
        desk.handle(RollBackConfig, self.roll_back, preview=self.preview)

    async def roll_back(self, command: RollBackConfig, handling: Handling) -> Bot:
        """Write the old values as the newest version."""
        return await self._change(await _as_change(command, handling.tx, handling.actor), handling)

    async def preview(self, command: RollBackConfig, tx: Unit, actor: Actor) -> Preview:
        """Say what would change, from what to what."""
        return await self._preview(await _as_change(command, tx, actor), tx, actor)


async def _as_change(command: RollBackConfig, tx: Unit, actor: Actor) -> ChangeConfig:
    bot = await bot_of(tx, actor, command.bot_id)
    wanted = await _wanted(command, tx, actor, bot)
    return ChangeConfig(
        bot_id=bot.id,
        parameters=tuple(wanted.parameters.items()),
        reason=f"back to {wanted.version}",
        expected_version=command.expected_version,
    )


async def _wanted(command: RollBackConfig, tx: Unit, actor: Actor, bot: Bot) -> ConfigVersion:
    known = {one.version: one for one in await tx.bots.configs(actor.workspace_id, bot.id)}
    version = command.version or bot.config_version - 1
    if version == bot.config_version:
        raise Conflict(
            f"Configuration {version} of '{bot.name}' is the newest; an earlier one is needed.",
            hint="/config shows them.",
        )
    found = known.get(version)
    if found is None:
        earlier = ", ".join(str(one) for one in sorted(known) if one != bot.config_version)
        raise NotFound(
            f"'{bot.name}' has no configuration {version}; {earlier or 'none before the newest'} can be gone back to."
        )
    return found
