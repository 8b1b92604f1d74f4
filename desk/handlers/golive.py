"""From paper to real money and back: a bot moves to another account when its gates are passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from desk.commands import GoLive, GoPaper
from desk.desk import Desk, Handling, Preview
from desk.golive import GoLiveReport, refusal_of_real_money, report_of
from desk.handlers.finding import bot_of, require_version
from desk.identity import Actor
from desk.money import MoneyKind, money_kinds, money_of
from desk.ports import Unit
from desk.views import Account, Bot, StateChange
from trading.errors import Conflict, InvalidInput, NotFound, nearest
from trading.events import BotStateChanged, Desired


class GoLiveHandlers:
    """Moves bots between paper accounts and live ones."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake

    def register(self) -> None:
        """Enter the handlers."""
        self._desk.handle(GoLive, self.go_live, preview=self.preview_live)
        self._desk.handle(GoPaper, self.go_paper, preview=preview_paper)

    async def preview_live(self, command: GoLive, tx: Unit, actor: Actor) -> Preview:
        """Say which money it would trade; what its gates refuse is refused before anybody is asked."""
        bot, account, report = await self._checked(command, tx, actor)
        is_test = await money_of(tx, account) is MoneyKind.TEST
        return Preview(
            code="confirm.GoLive.test" if is_test else "confirm.GoLive",
            params={
                "bot": bot.name,
                "account": account.name,
                "capital": f"{account.capital.normalize():f} {account.currency}",
                "allocation": f"{bot.allocation:.0%}",
                "psr": _share(report.gate.psr),
                "luck": _share(report.gate.false_pass_rate),
            },
            type_word=bot.name,
        )

    async def go_live(self, command: GoLive, handling: Handling) -> Bot:
        """Move a stopped, flat bot with passed gates to a live account; it stays stopped."""
        bot, account, report = await self._checked(command, handling.tx, handling.actor)
        psr = _share(report.gate.psr)
        return await self._moved(
            handling, bot, account, cause=f"gates passed, probabilistic Sharpe {psr}; now on '{account.name}'"
        )

    async def go_paper(self, command: GoPaper, handling: Handling) -> Bot:
        """Move a stopped, flat bot to a paper account; it stays stopped."""
        bot, account = await _paper_target(command, handling.tx, handling.actor)
        return await self._moved(handling, bot, account, cause=f"now on '{account.name}'")

    async def _checked(self, command: GoLive, tx: Unit, actor: Actor) -> tuple[Bot, Account, GoLiveReport]:
        bot = await bot_of(tx, actor, command.bot_id)
        require_version(f"Bot '{bot.name}'", command.expected_version, bot.version)
        if bot.is_live:
            raise await _not_from_here(tx, bot)
        account = await _target(tx, actor, command.account_id, is_live=True)
        key = await tx.exchange_keys.by_account(actor.workspace_id, account.id)
        if key is None or key.disabled_at is not None:
            raise Conflict(
                f"Account '{account.name}' has no key that can be used; a bot cannot go live on it.",
                hint="Give it a key, or name another account.",
            )
        await _refuse_at_work(tx, bot, "goes live")
        await _refuse_other_timeframe(tx, bot, account)
        report = await report_of(tx, self._desk.clock.now(), actor.workspace_id, bot.id)
        if not report.has_passed:
            raise Conflict(
                f"Bot '{bot.name}' may not go live: {report.refusal}.",
                hint="Let it trade on paper until every gate is passed.",
            )
        await self._refuse_unreal(tx, bot, account)
        return bot, account, report

    async def _refuse_unreal(self, tx: Unit, bot: Bot, account: Account) -> None:
        """Refuse real money on the word of a market that was not real; test money is for trying."""
        if await money_of(tx, account) is not MoneyKind.LIVE:
            return
        why = await refusal_of_real_money(tx, bot, self._desk.clock.now())
        if why:
            raise Conflict(
                f"Bot '{bot.name}' may not go live: {why}.",
                hint="Let it trade on paper at an exchange's prices, or take an account in a test environment.",
            )

    async def _moved(self, handling: Handling, bot: Bot, account: Account, *, cause: str) -> Bot:
        # How the two sides of the switch are called in a bot's history.
        kinds = await money_kinds(handling.tx, bot.workspace_id)
        before, after = kinds[bot.account_id].name, kinds[account.id].name
        actor = handling.actor
        saved = await handling.tx.bots.save(
            replace(bot, account_id=account.id, is_live=account.is_live, condition_reason=""),
            expected_version=bot.version,
        )
        await handling.tx.bots.add_state_change(
            bot.workspace_id,
            StateChange(
                at=handling.now,
                bot_id=bot.id,
                axis="mode",
                pair="",
                before=before,
                after=after,
                cause=cause,
                actor=actor.label,
            ),
        )
        handling.emit(
            BotStateChanged(
                workspace_id=bot.workspace_id,
                occurred_at=handling.now,
                account_id=account.id,
                bot_id=bot.id,
                axis="mode",
                before=before,
                after=after,
                cause=cause,
                actor=actor.label,
            )
        )
        handling.after_commit.append(self._wake)
        return await handling.tx.bots.by_id(bot.workspace_id, bot.id) or saved


async def preview_paper(command: GoPaper, tx: Unit, actor: Actor) -> Preview:
    """Say which bot leaves real money."""
    bot, account = await _paper_target(command, tx, actor)
    return Preview(code="confirm.GoPaper", params={"bot": bot.name, "account": account.name})


async def _paper_target(command: GoPaper, tx: Unit, actor: Actor) -> tuple[Bot, Account]:
    bot = await bot_of(tx, actor, command.bot_id)
    require_version(f"Bot '{bot.name}'", command.expected_version, bot.version)
    if not bot.is_live:
        raise Conflict(f"Bot '{bot.name}' trades paper money already; only a live bot goes back to paper.")
    account = await _target(tx, actor, command.account_id, is_live=False)
    await _refuse_at_work(tx, bot, "goes back to paper")
    await _refuse_other_timeframe(tx, bot, account)
    return bot, account


async def _target(tx: Unit, actor: Actor, account_id: str, *, is_live: bool) -> Account:
    """Give the account to move to: the named one, or the only one of its kind."""
    kind = "live" if is_live else "paper"
    fitting = [one for one in await tx.accounts.all(actor.workspace_id) if one.is_live == is_live]
    names = [one.name for one in fitting]
    if account_id:
        for one in fitting:
            if account_id in (one.id, one.name):
                return one
        raise NotFound(
            f"No {kind} account is called '{account_id}'; {', '.join(names) or 'none exists yet'}.",
            hint=nearest(account_id, names) or None,
        )
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise NotFound(
            f"This workspace has no {kind} account.",
            hint="Add an account at an exchange with its key first: /accounts says how."
            if is_live
            else "`breakwater up` makes one.",
        )
    raise InvalidInput(
        f"No account was named; the {kind} accounts {', '.join(names)} exist.", hint="Name one of them."
    )


async def _not_from_here(tx: Unit, bot: Bot) -> Conflict:
    """Say why a bot that is not on paper does not go live."""
    kinds = await money_kinds(tx, bot.workspace_id)
    if kinds[bot.account_id] is MoneyKind.TEST:
        return Conflict(
            f"Bot '{bot.name}' trades test money already; a paper bot goes live.",
            hint="Bring it to paper first: there it passes its gates.",
        )
    return Conflict(f"Bot '{bot.name}' trades live money already; a paper bot goes live.")


async def _refuse_at_work(tx: Unit, bot: Bot, verb: str) -> None:
    """Refuse to move a bot that works or holds something: its orders and positions stay with their account."""
    if bot.desired is not Desired.STOPPED:
        raise Conflict(
            f"Bot '{bot.name}' is {bot.desired}; only a stopped bot {verb}.", hint="Stop it first."
        )
    held = [
        one.pair for one in await tx.positions.open(bot.workspace_id, bot.account_id) if one.bot_id == bot.id
    ]
    if held:
        raise Conflict(
            f"Bot '{bot.name}' still holds {', '.join(held)}; only a flat bot {verb}.",
            hint="Close the positions first.",
        )
    unsettled = [
        one.pair
        for one in await tx.orders.unsettled(bot.workspace_id, bot.account_id)
        if one.bot_id == bot.id
    ]
    if unsettled:
        raise Conflict(
            f"Bot '{bot.name}' still has orders on {', '.join(sorted(set(unsettled)))}; only a bot without any {verb}.",
            hint="Wait until they are settled, or cancel them.",
        )


async def _refuse_other_timeframe(tx: Unit, bot: Bot, account: Account) -> None:
    for other in await tx.bots.of_account(bot.workspace_id, account.id):
        if other.timeframe != bot.timeframe:
            raise InvalidInput(
                f"Bot '{bot.name}' trades {bot.timeframe}; the bots of account '{account.name}' trade {other.timeframe}.",
                hint="One account keeps one timeframe, so that its limits see all bots at the same closes.",
            )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
