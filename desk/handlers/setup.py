"""Setting bots up: create, change the configuration, delete."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from desk.commands import ChangeConfig, CreateBot, DeleteBot
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import account_of, bot_of, has_test_money, pair_name, require_version
from desk.identity import Actor, new_id
from desk.ports import Feed, Unit
from desk.views import Account, Bot, ConfigVersion, PairPhase
from strategies.base import BaseStrategy
from strategies.registry import StrategyRegistry
from trading.errors import Conflict, InvalidInput, nearest
from trading.events import BotConfigChanged, BotCreated, BotDeleted, Condition, Desired, Phase
from trading.timeframes import Timeframe

#: Pairs that one bot may trade.
MOST_PAIRS = 20
#: The parameter of a bot that is not its strategy's: its share of the account.
ALLOCATION = "allocation"

_NAME = re.compile(r"[^\W_][\w .\-]{0,39}", re.UNICODE)


class SetupHandlers:
    """Creates, changes and archives bots."""

    def __init__(self, registry: StrategyRegistry, feed: Feed, wake: Callable[[], None]) -> None:
        self._registry = registry
        self._feed = feed
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(CreateBot, self.create_bot, preview=self.preview_create)
        desk.handle(ChangeConfig, self.change_config, preview=self.preview_change)
        desk.handle(DeleteBot, self.delete_bot, preview=preview_delete)

    async def preview_create(self, command: CreateBot, tx: Unit, actor: Actor) -> Preview:
        """Say what would be set up; what can be refused is refused before anybody is asked."""
        name = checked_name(command.name)
        strategy = self._registry.get_strategy(command.strategy)(**dict(command.parameters))
        pairs = checked_pairs(command.pairs, await self._feed.pairs(), strategy)
        account = await _account_for(tx, actor, command)
        return Preview(
            code="confirm.CreateBot.test" if account.is_live else "confirm.CreateBot",
            params={
                "bot": name,
                "account": account.name,
                "strategy": strategy.name,
                "pairs": ", ".join(pairs),
                "timeframe": str(Timeframe.parse(command.timeframe)),
            },
        )

    async def preview_change(self, command: ChangeConfig, tx: Unit, actor: Actor) -> Preview:
        """Say what would change, from what to what."""
        bot = await bot_of(tx, actor, command.bot_id)
        given = {name: value for name, value in command.parameters if name != ALLOCATION}
        checked = self._registry.get_strategy(bot.strategy)(**{**bot.parameters, **given})
        after = {**checked.params, ALLOCATION: dict(command.parameters).get(ALLOCATION, bot.allocation)}
        now = {**bot.parameters, ALLOCATION: bot.allocation}
        changes = [
            f"{name}: {now.get(name, '–')} → {value}"
            for name, value in after.items()
            if now.get(name) != value
        ]
        return Preview(
            code="confirm.ChangeConfig" if changes else "confirm.ChangeConfig.same",
            params={"bot": bot.name, "changes": "; ".join(changes), "version": bot.config_version + 1},
        )

    async def create_bot(self, command: CreateBot, handling: Handling) -> Bot:
        """Write a stopped bot with its first configuration version."""
        tx, actor = handling.tx, handling.actor
        name = checked_name(command.name)
        if await tx.bots.by_name(actor.workspace_id, name) is not None:
            raise Conflict(f"A bot called '{name}' exists already; another name is needed.")
        strategy = self._registry.get_strategy(command.strategy)(**dict(command.parameters))
        pairs = checked_pairs(command.pairs, await self._feed.pairs(), strategy)
        account = await _account_for(tx, actor, command)
        timeframe = str(Timeframe.parse(command.timeframe))
        checked_share(command.allocation)
        await _same_timeframe(tx, account, timeframe)
        bot = Bot(
            id=new_id(),
            workspace_id=actor.workspace_id,
            account_id=account.id,
            name=name,
            strategy=strategy.name,
            pairs=pairs,
            timeframe=timeframe,
            parameters=dict(strategy.params),
            allocation=float(command.allocation),
            desired=Desired.STOPPED,
            condition=Condition.IDLE,
            condition_reason="",
            trading_state=account.trading_state,
            phases=tuple(PairPhase(pair=pair, phase=Phase.IDLE, since=handling.now) for pair in pairs),
            resume_at=None,
            last_bar_at=None,
            version=1,
            config_version=1,
            is_live=account.is_live,
            created_at=handling.now,
        )
        await tx.bots.create(bot)
        await tx.bots.add_config(actor.workspace_id, _config(bot, 1, handling, reason="created"))
        handling.emit(
            BotCreated(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                bot_id=bot.id,
                name=name,
                strategy=strategy.name,
                actor=actor.label,
            )
        )
        return await bot_of(tx, actor, bot.id)

    async def change_config(self, command: ChangeConfig, handling: Handling) -> Bot:
        """Write a new configuration version over the present one."""
        tx, actor = handling.tx, handling.actor
        bot = await bot_of(tx, actor, command.bot_id)
        require_version(f"The configuration of '{bot.name}'", command.expected_version, bot.config_version)
        given = dict(command.parameters)
        share = given.pop(ALLOCATION, bot.allocation)
        checked_share(share)
        strategy = self._registry.get_strategy(bot.strategy)(**{**bot.parameters, **given})
        changed = replace(
            bot,
            parameters=dict(strategy.params),
            allocation=float(share),
            config_version=bot.config_version + 1,
        )
        saved = await tx.bots.save(changed, expected_version=bot.version)
        await tx.bots.add_config(
            actor.workspace_id, _config(saved, changed.config_version, handling, reason=command.reason)
        )
        handling.emit(
            BotConfigChanged(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=bot.account_id,
                bot_id=bot.id,
                version=changed.config_version,
                reason=command.reason,
                actor=actor.label,
            )
        )
        return saved

    async def delete_bot(self, command: DeleteBot, handling: Handling) -> Bot:
        """Archive a bot that is stopped and flat."""
        tx, actor = handling.tx, handling.actor
        bot = await bot_of(tx, actor, command.bot_id)
        require_version(f"Bot '{bot.name}'", command.expected_version, bot.version)
        if bot.desired is not Desired.STOPPED:
            raise Conflict(
                f"Bot '{bot.name}' is {bot.desired}; only a stopped bot is deleted.", hint="Stop it first."
            )
        held = [
            one.pair
            for one in await tx.positions.open(actor.workspace_id, bot.account_id)
            if one.bot_id == bot.id
        ]
        if held:
            raise Conflict(
                f"Bot '{bot.name}' still holds {', '.join(held)}; only a flat bot is deleted.",
                hint="Close the positions first.",
            )
        await tx.bots.archive(bot, handling.now)
        handling.emit(
            BotDeleted(
                workspace_id=actor.workspace_id,
                occurred_at=handling.now,
                account_id=bot.account_id,
                bot_id=bot.id,
                name=bot.name,
                actor=actor.label,
            )
        )
        return bot


async def preview_delete(command: DeleteBot, tx: Unit, actor: Actor) -> Preview:
    """Ask for the bot's name."""
    bot = await bot_of(tx, actor, command.bot_id)
    require_version(f"Bot '{bot.name}'", command.expected_version, bot.version)
    return Preview(code="confirm.DeleteBot", params={"bot": bot.name}, type_word=bot.name)


def checked_name(name: str) -> str:
    """Give a bot's name without spaces around it.

    Raises:
        InvalidInput: empty, too long, or with characters that chats cannot show.
    """
    clean = " ".join(name.split())
    if not _NAME.fullmatch(clean):
        raise InvalidInput(
            f"Bot name {name[:60]!r} was given; 1 to 40 letters, digits, spaces, dots, dashes or underscores are "
            "allowed, the first a letter or digit."
        )
    return clean


def checked_pairs(wanted: Sequence[str], offered: Sequence[str], strategy: BaseStrategy) -> tuple[str, ...]:
    """Give pairs in capitals, each once and each in the feed.

    Raises:
        InvalidInput: none, too many, unknown ones, or the strategy needs others.
    """
    pairs = tuple(dict.fromkeys(pair_name(one) for one in wanted if one.strip()))
    if not 1 <= len(pairs) <= MOST_PAIRS:
        raise InvalidInput(
            f"{len(pairs)} pairs were given; 1 to {MOST_PAIRS} are allowed.", hint="For example BTC/USDT."
        )
    for pair in (*pairs, *strategy.pairs_needed):
        if pair not in offered:
            raise InvalidInput(
                f"Pair '{pair}' is not in the feed; {', '.join(offered)} can be traded.",
                hint=nearest(pair, offered) or None,
            )
    return pairs


def checked_share(share: Any) -> None:
    """Refuse a share of the account that is not in (0, 1].

    Raises:
        InvalidInput: what was found and what is allowed.
    """
    try:
        value = float(share)
    except (TypeError, ValueError):
        value = float("nan")
    if not 0.0 < value <= 1.0:
        raise InvalidInput(f"Allocation {share} was given; a share above 0 and up to 1 is allowed.")


async def _account_for(tx: Unit, actor: Actor, command: CreateBot) -> Account:
    """Give the account that a new bot is set up on: the named one, the only one, or the only one on paper.

    Raises:
        Conflict: it holds real money.
    """
    name = command.account_id
    if not name:
        paper = [one for one in await tx.accounts.all(actor.workspace_id) if not one.is_live]
        name = paper[0].id if len(paper) == 1 else ""
    account = await account_of(tx, actor, name)
    if account.is_live and not await has_test_money(tx, account.workspace_id, account.id):
        raise Conflict(
            f"Account '{account.name}' holds real money; a bot comes there by passing its gates on paper.",
            hint="Set it up on a paper account, and let it go live from there.",
        )
    return account


async def _same_timeframe(tx: Unit, account: Account, timeframe: str) -> None:
    for other in await tx.bots.of_account(account.workspace_id, account.id):
        if other.timeframe != timeframe:
            raise InvalidInput(
                f"Timeframe {timeframe} was given; the bots of account '{account.name}' trade {other.timeframe}.",
                hint="One account keeps one timeframe, so that its limits see all bots at the same closes.",
            )


def _config(bot: Bot, version: int, handling: Handling, *, reason: str) -> ConfigVersion:
    return ConfigVersion(
        id=new_id(),
        bot_id=bot.id,
        version=version,
        parameters={**bot.parameters, ALLOCATION: bot.allocation},
        author=handling.actor.label,
        reason=reason,
        created_at=handling.now,
    )
