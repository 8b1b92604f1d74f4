"""Bots, where they stand, their state history and their configuration versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from desk.store.codec import moment
from desk.store.connection import AlreadyThere, Connection
from desk.store.cursors import newest
from desk.store.models import BotRow, ConfigVersionRow, StateChangeRow
from desk.store.table import Table, Where, must_be_new, put, update
from desk.views import Bot, ConfigVersion, Page, PairPhase, StateChange
from trading.errors import Conflict, NotFound
from trading.events import Phase, TradingState

BOTS = Table(BotRow, Bot, derived={"phases": (), "trading_state": TradingState.ACTIVE})
HISTORY = Table(StateChangeRow, StateChange)
CONFIGS = Table(ConfigVersionRow, ConfigVersion)

#: What `save` leaves as it is: phases go through `set_phase`, the trading state is the account's.
_FIXED = frozenset({"id", "workspace_id", "created_at", "version", "archived_at"})


class SqlBots:
    """Bots, their state history and configuration versions. Archived bots are no longer given."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def create(self, bot: Bot) -> None:
        """Set up a bot with its phases.

        Raises:
            Conflict: the name is taken in this workspace.
        """
        await must_be_new(self._tx, BOTS, bot, f"Bot '{bot.name}'", archived_at=None)
        for one in bot.phases:
            await self.set_phase(bot.workspace_id, bot.id, one.pair, one.phase, one.since)

    async def all(self, workspace_id: str) -> Sequence[Bot]:
        """Give every bot, oldest first."""
        return await self._find(Where(workspace_id=workspace_id))

    async def by_id(self, workspace_id: str, bot_id: str) -> Bot | None:
        """Give a bot; inside a transaction its row stays locked until the end."""
        found = await self._find(Where(workspace_id=workspace_id, id=bot_id), is_locked=True)
        return found[0] if found else None

    async def by_name(self, workspace_id: str, name: str) -> Bot | None:
        """Give a bot by name; inside a transaction its row stays locked until the end."""
        found = await self._find(Where(workspace_id=workspace_id, name=name), is_locked=True)
        return found[0] if found else None

    async def of_account(self, workspace_id: str, account_id: str) -> Sequence[Bot]:
        """Give an account's bots, oldest first."""
        return await self._find(Where(workspace_id=workspace_id, account_id=account_id))

    async def save(self, bot: Bot, *, expected_version: int | None = None) -> Bot:
        """Keep a changed bot, and give it with its next version.

        Raises:
            Conflict: somebody changed it since the expected version, or its new name is taken.
            NotFound: no such bot in this workspace.
        """
        row = {name: value for name, value in BOTS.row_of(bot, {}).items() if name not in _FIXED}
        changes = ", ".join(f'"{name}" = ?' for name in row)
        where = Where(workspace_id=bot.workspace_id, id=bot.id).add("archived_at IS NULL")
        if expected_version is not None:
            where.add("version = ?", expected_version)
        sql = f"UPDATE bots SET version = version + 1, {changes} {where.sql} RETURNING version"  # noqa: S608
        values = [BOTS.stored(name, value) for name, value in row.items()]
        try:
            saved = await self._tx.row(sql, *values, *where.values)
        except AlreadyThere:
            raise Conflict(f"Bot '{bot.name}' is there already; another name is allowed.") from None
        if saved is None:
            raise await self._not_saved(bot, expected_version)
        return replace(bot, version=int(saved[0]))

    async def archive(self, bot: Bot, at: datetime) -> None:
        """Put a bot away as it was seen; its name is free again, its history stays.

        Raises:
            Conflict: somebody changed it meanwhile.
            NotFound: no such bot in this workspace.
        """
        where = Where(workspace_id=bot.workspace_id, id=bot.id, version=bot.version).add(
            "archived_at IS NULL"
        )
        if not await update(self._tx, "bots", {"archived_at": at}, where):
            raise await self._not_saved(bot, bot.version)

    async def saw_bar(self, workspace_id: str, bot_ids: Sequence[str], at: datetime) -> None:
        """Say when bots last saw a bar; no new version, because nobody asked for anything."""
        where = Where(workspace_id=workspace_id).one_of("id", list(bot_ids))
        await update(self._tx, "bots", {"last_bar_at": at}, where)

    async def set_phase(
        self, workspace_id: str, bot_id: str, pair: str, phase: Phase, since: datetime
    ) -> None:
        """Say where a bot stands with one pair."""
        row = {
            "workspace_id": workspace_id,
            "bot_id": bot_id,
            "pair": pair,
            "phase": phase,
            "since": since,
        }
        await put(self._tx, "bot_phases", row, key=("bot_id", "pair"))

    async def add_state_change(self, workspace_id: str, change: StateChange) -> None:
        """Write a line of state history."""
        await HISTORY.insert(self._tx, change, workspace_id=workspace_id)

    async def history(self, workspace_id: str, bot_id: str, page: Page) -> Sequence[StateChange]:
        """Give a bot's state history, newest first; archived bots have theirs too."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id)
        return await newest(self._tx, HISTORY, where, page, moment="at", has_number=True)

    async def add_config(self, workspace_id: str, config: ConfigVersion) -> None:
        """Write an immutable configuration.

        Raises:
            Conflict: the bot has that version.
        """
        what = f"Version {config.version} of bot '{config.bot_id}'"
        await must_be_new(self._tx, CONFIGS, config, what, workspace_id=workspace_id)

    async def configs(self, workspace_id: str, bot_id: str) -> Sequence[ConfigVersion]:
        """Give a bot's configurations, newest first."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id)
        return await CONFIGS.find(self._tx, where, order="version DESC")

    async def _find(self, where: Where, *, is_locked: bool = False) -> list[Bot]:
        where.add("archived_at IS NULL")
        sql = BOTS.select(where, order="created_at, id") + (self._tx.row_lock if is_locked else "")
        rows = await self._tx.rows(sql, *where.values)
        bots = [BOTS.value(row, self._tx.dialect) for row in rows]
        if not bots:
            return []
        phases = await self._phases([one.id for one in bots])
        states = await self._states(bots[0].workspace_id)
        return [
            replace(
                one,
                phases=tuple(phases.get(one.id, ())),
                trading_state=states.get(one.account_id, TradingState.ACTIVE),
            )
            for one in bots
        ]

    async def _phases(self, bot_ids: Sequence[str]) -> dict[str, list[PairPhase]]:
        where = Where().one_of("bot_id", bot_ids)
        sql = f"SELECT bot_id, pair, phase, since FROM bot_phases {where.sql} ORDER BY id"  # noqa: S608
        found: dict[str, list[PairPhase]] = {}
        for bot_id, pair, phase, since in await self._tx.rows(sql, *where.values):
            one = PairPhase(pair=pair, phase=Phase(phase), since=moment(since))
            found.setdefault(bot_id, []).append(one)
        return found

    async def _states(self, workspace_id: str) -> dict[str, TradingState]:
        rows = await self._tx.rows(
            "SELECT id, trading_state FROM accounts WHERE workspace_id = ?", workspace_id
        )
        return {row[0]: TradingState(row[1]) for row in rows}

    async def _not_saved(self, bot: Bot, expected_version: int | None) -> Conflict | NotFound:
        now = await self.by_id(bot.workspace_id, bot.id)
        if now is None:
            return _no_bot(bot.id)
        return Conflict(
            f"Bot '{bot.name}' is at version {now.version}; version {expected_version} was expected.",
            hint="Somebody changed it meanwhile: look at it and try again.",
        )


def _no_bot(bot_id: str) -> NotFound:
    return NotFound(f"No bot '{bot_id}' is in this workspace.", hint="List the bots.")
