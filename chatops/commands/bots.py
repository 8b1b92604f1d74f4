"""Words that make, start, pause and stop bots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Field, Money, Press, Ratio, Table, Text, Tone, Value
from chatops.problems import misheard
from chatops.reading import accounts_of, bots_of, known_pairs, mode_field, mode_rank, mode_text, named_bot
from chatops.room import Asked
from desk.commands import (
    Command,
    CreateBot,
    DeleteBot,
    PauseBot,
    ResumeBot,
    StartBot,
    StopBot,
)
from desk.money import MoneyKind, kinds_of, money_kinds
from desk.ports import Unit
from desk.queries import all_trades
from desk.views import Account, Bot
from trading.events import Condition, Desired, TradingState

PAGE = Page(Group.BOTS)

#: How much of the account a bot may risk: its share bounds its positions, and each trade risks a ratio of that share.
RISKS = {"careful": Decimal("0.25"), "standard": Decimal("0.5"), "bold": Decimal(1)}

_BOT = Argument(name="bot", read=kinds.name, offers="bot")


@PAGE.word("bots", example="/bots")
async def bots(asked: Asked) -> Card:
    """List the bots with the axes of their state."""
    async with asked.store.reading() as tx:
        rows = tuple((await bots_of(asked, tx)).values())
        figures = await _figures(asked, tx)
    if not rows:
        return Card(
            name="bots",
            title=Text("bots.title", {"n": 0}),
            notes=(Text("advice.newbot"),),
        )
    return Card(
        name="bots",
        title=Text("bots.title", {"n": len(rows)}),
        tone=tone_of(rows),
        tables=(
            Table(
                name="bots",
                columns=(
                    Column("bot"),
                    Column("desired"),
                    Column("condition"),
                    Column("trading", 1),
                    Column("phases", 1),
                    Column("strategy"),
                    Column("today", 1),
                    Column("drawdown", 2),
                    Column("timeframe", 3),
                    Column("mode", mode_rank(figures.money)),
                    Column("last_bar", 3),
                ),
                rows=tuple(_row(one, figures) for one in rows),
            ),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    """Money of the bots: what each brought since midnight UTC with what is open, and how their accounts stand."""

    today: Mapping[str, Decimal]
    accounts: Mapping[str, Account]
    money: Mapping[str, MoneyKind]
    drawdowns: Mapping[str, float]


async def _figures(asked: Asked, tx: Unit) -> _Figures:
    accounts = await accounts_of(asked, tx)
    today: dict[str, Decimal] = {}
    drawdowns: dict[str, float] = {}
    for key in accounts:
        status = await tx.accounts.status(asked.workspace_id, key)
        if status is None:
            continue
        drawdowns[key] = status.drawdown
        midnight = status.as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for trade in await all_trades(tx, asked.workspace_id, key, "", midnight):
            today[trade.bot_id] = today.get(trade.bot_id, Decimal(0)) + trade.pnl
    for one in await tx.positions.open(asked.workspace_id):
        today[one.bot_id] = today.get(one.bot_id, Decimal(0)) + one.unrealized_pnl
    money = await kinds_of(tx, asked.workspace_id, accounts.values())
    return _Figures(today=today, accounts=accounts, money=money, drawdowns=drawdowns)


def _row(bot: Bot, figures: _Figures) -> tuple[Value, ...]:
    account = figures.accounts.get(bot.account_id)
    return (
        bot.name,
        Text(f"desired.{bot.desired.value}"),
        Text(f"condition.{bot.condition.value}"),
        Text(f"trading.{bot.trading_state.value}"),
        phases_text(bot),
        bot.strategy,
        Money(figures.today.get(bot.id, Decimal(0)), account.currency if account else "", is_signed=True),
        Ratio(figures.drawdowns.get(bot.account_id)),
        bot.timeframe,
        mode_text(figures.money[bot.account_id]),
        bot.last_bar_at,
    )


def phases_text(bot: Bot) -> Value:
    """Give where a bot stands with its pairs: one phase, or the nearest to a position with how many pairs are in it."""
    if not bot.phases:
        return None
    order = ("POSITION_OPEN", "SIGNAL_DETECTED", "POSITION_CLOSED", "MONITORING", "IDLE")
    first = min((one.phase.value for one in bot.phases), key=order.index)
    n = sum(1 for one in bot.phases if one.phase.value == first)
    return Text("phase.some", {"phase": Text(f"phase.{first}"), "count": n, "of": len(bot.phases)})


def tone_of(rows: Sequence[Bot]) -> Tone:
    """Give how a list of bots feels: bad with an error or a halt, warning when one is degraded or paused."""
    if any(one.condition is Condition.ERROR or one.trading_state is TradingState.HALTED for one in rows):
        return Tone.BAD
    if any(one.condition is Condition.DEGRADED or one.desired is Desired.PAUSED for one in rows):
        return Tone.WARN
    return Tone.PLAIN


def bot_card(
    name: str, bot: Bot, *, money: MoneyKind, title: str, tone: Tone, notes: tuple[Text, ...] = ()
) -> Card:
    """Give the card of one bot with its four axes."""
    fields = [
        Field("desired", Text(f"desired.{bot.desired.value}")),
        Field("condition", Text(f"condition.{bot.condition.value}")),
        Field("trading", Text(f"trading.{bot.trading_state.value}")),
        Field("phases", phases_text(bot)),
        Field("strategy", bot.strategy),
        Field("pairs", ", ".join(bot.pairs)),
        Field("timeframe", bot.timeframe),
        Field("allocation", Ratio(bot.allocation, digits=0)),
        mode_field(money),
    ]
    if bot.resume_at is not None:
        fields.append(Field("resume_at", bot.resume_at))
    if bot.condition_reason:
        fields.append(Field("reason", because(bot.condition_reason)))
    return Card(name=name, title=Text(title, {"bot": bot.name}), tone=tone, fields=tuple(fields), notes=notes)


async def _done(asked: Asked, command: Command, bot: Bot, title: str, tone: Tone, *notes: Text) -> Card:
    """Carry out a command about a bot and show the bot as it is now."""
    await asked.do(command)
    after, money = await seen_now(asked, bot)
    return bot_card("bot", after, money=money, title=title, tone=tone, notes=notes)


async def seen_now(asked: Asked, bot: Bot) -> tuple[Bot, MoneyKind]:
    """Give a bot as it is now, and whose money it trades."""
    async with asked.store.reading() as tx:
        after = await tx.bots.by_id(asked.workspace_id, bot.id) or bot
        money = await money_kinds(tx, asked.workspace_id)
    return after, money[after.account_id]


@PAGE.word("start", example="/start demo", asks=StartBot, arguments=(_BOT,))
async def start(asked: Asked) -> Card:
    """Start a bot; alone it welcomes and never trades."""
    if asked.args["bot"] is None:
        return await _welcome(asked)
    bot = await named_bot(asked, asked.args["bot"])
    return await _done(
        asked, StartBot(bot_id=bot.id), bot, "bot.started", Tone.GOOD, Text("bot.takes_effect")
    )


async def _welcome(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rows = tuple((await bots_of(asked, tx)).values())
        at_exchange = any(one.is_live for one in (await accounts_of(asked, tx)).values())
    return Card(
        name="welcome",
        title=Text("welcome.title", {"name": asked.actor.name}),
        body=(Text("welcome.body", {"n": len(rows)}),),
        notes=(
            *(() if rows else (Text("advice.newbot"),)),
            Text("welcome.start"),
            *(() if at_exchange else (Text("accounts.hint"),)),
            Text("help.hint"),
        ),
        buttons=(
            *(
                Button(name="start", press=Press.SAY, line=f'/start "{one.name}"', params={"bot": one.name})
                for one in rows
                if one.desired is not Desired.RUNNING
            ),
            *(() if at_exchange else (Button(name="accounts", press=Press.SAY, line="/accounts"),)),
        ),
    )


@PAGE.word(
    "pause",
    example="/pause demo for=2h30m news ahead",
    asks=PauseBot,
    aliases=("stopentry", "stopbuy"),
    arguments=(
        _BOT,
        Argument(name="for", read=kinds.span, only_named=True),
        Argument(name="reason", takes_rest=True, default=""),
    ),
)
async def pause(asked: Asked) -> Card:
    """Stop a bot from opening positions; open ones are still managed."""
    bot = await named_bot(asked, asked.args["bot"])
    command = PauseBot(bot_id=bot.id, duration=asked.args["for"], reason=asked.args["reason"])
    return await _done(asked, command, bot, "bot.paused", Tone.WARN, Text("bot.still_managed"))


@PAGE.word("resume", example="/resume demo", asks=ResumeBot, arguments=(_BOT,))
async def resume(asked: Asked) -> Card:
    """Let a paused bot open positions again."""
    bot = await named_bot(asked, asked.args["bot"])
    return await _done(
        asked, ResumeBot(bot_id=bot.id), bot, "bot.resumed", Tone.GOOD, Text("bot.takes_effect")
    )


@PAGE.word(
    "stop",
    example="/stop demo",
    asks=StopBot,
    arguments=(
        _BOT,
        Argument(name="close", read=kinds.flag, is_switch=True, default=False),
    ),
)
async def stop(asked: Asked) -> Card:
    """Stop a bot; open positions keep their stops, or are closed with --close."""
    bot = await named_bot(asked, asked.args["bot"])
    is_closing = asked.args["close"]
    note = Text("bot.closing" if is_closing else "bot.stops_stay")
    command = StopBot(bot_id=bot.id, close_positions=is_closing)
    return await _done(asked, command, bot, "bot.stopped", Tone.WARN, note)


@PAGE.word(
    "newbot",
    example="/newbot alpha trend_following BTC/USDT,ETH/USDT tf=1h risk=standard",
    asks=CreateBot,
    arguments=(
        Argument(name="name", read=kinds.name, is_required=True),
        Argument(name="strategy", read=kinds.name, is_required=True, offers="strategy"),
        Argument(name="pairs", read=kinds.pairs, is_required=True, offers="pair"),
        Argument(name="tf", read=kinds.name, only_named=True, default="1h"),
        Argument(name="risk", read=kinds.choice(*RISKS), only_named=True, offers=tuple(RISKS)),
        Argument(name="allocation", read=kinds.share, only_named=True),
        Argument(name="account", read=kinds.name, only_named=True, default=""),
    ),
    keeps_settings=True,
)
async def newbot(asked: Asked) -> Card:
    """Make a bot in paper mode; it starts stopped. Other key=value words are parameters of its strategy."""
    args = asked.args
    if args["risk"] is not None and args["allocation"] is not None:
        raise misheard("risk_twice", usage=asked.word.usage, advice="usage")
    share = args["allocation"] if args["risk"] is None else RISKS[args["risk"]]
    async with asked.store.reading() as tx:
        known = await known_pairs(asked, tx)
    command = CreateBot(
        name=args["name"],
        strategy=args["strategy"],
        pairs=tuple(_whole(one, known) for one in args["pairs"]),
        timeframe=args["tf"],
        parameters=tuple((key, setting(typed)) for key, typed in args["settings"].items()),
        allocation=1.0 if share is None else float(share),
        account_id=args["account"],
    )
    outcome = await asked.do(command)
    bot = outcome.view if isinstance(outcome.view, Bot) else await named_bot(asked, command.name)
    bot, money = await seen_now(asked, bot)
    card = bot_card(
        "newbot",
        bot,
        money=money,
        title="bot.created",
        tone=Tone.GOOD,
        notes=(Text("bot.start_it", {"bot": bot.name}),),
    )
    parameters = tuple((name, shown_setting(value)) for name, value in bot.parameters.items())
    if not parameters:
        return card
    table = Table(name="parameters", columns=(Column("parameter"), Column("value")), rows=parameters)
    return Card(
        name=card.name,
        title=card.title,
        tone=card.tone,
        fields=card.fields,
        tables=(table,),
        notes=card.notes,
        buttons=(
            Button(name="start", press=Press.SAY, line=f'/start "{bot.name}"', params={"bot": bot.name}),
        ),
    )


def _whole(typed: str, known: Sequence[str]) -> str:
    """Give a pair whose second part was left out, where only one of the traded pairs fits; else what was typed."""
    fits = [one for one in known if typed in (one.split("/")[0], one.replace("/", ""))]
    return fits[0] if len(fits) == 1 else typed


def setting(typed: str) -> Any:
    """Give a typed parameter as the number or yes/no it looks like; the strategy checks it."""
    try:
        return int(typed)
    except ValueError:
        pass
    try:
        return float(typed)
    except ValueError:
        pass
    return {"true": True, "yes": True, "false": False, "no": False}.get(typed.lower(), typed)


def shown_setting(value: Any) -> Value:
    """Give a parameter as a card shows it."""
    return value if isinstance(value, bool | int | float | str) else str(value)


@PAGE.word(
    "delbot",
    example="/delbot alpha",
    asks=DeleteBot,
    arguments=(Argument(name="bot", read=kinds.name, is_required=True, offers="bot"),),
)
async def delbot(asked: Asked) -> Card:
    """Archive a stopped bot; its trades stay."""
    bot = await named_bot(asked, asked.args["bot"])
    await asked.do(DeleteBot(bot_id=bot.id))
    return Card(
        name="deleted",
        title=Text("bot.deleted", {"bot": bot.name}),
        tone=Tone.WARN,
        body=(Text("bot.trades_stay"),),
    )
