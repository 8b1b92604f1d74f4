"""Words between paper and real money: the gate report, the release by two people, the way back; a running bot's configuration."""

from __future__ import annotations

import asyncio

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Field, File, Number, Press, Ratio, Table, Text, Tone, Value
from chatops.commands.bots import bot_card, seen_now
from chatops.reading import mode_field, named_bot
from chatops.room import Asked
from desk.commands import GoLive, GoPaper, ReloadConfig
from desk.golive import GoLiveLine, GoLiveReport, report_of
from desk.money import MoneyKind
from desk.reports.period_report import period_pdf
from desk.views import Bot

PAGE = Page(Group.BOTS)

_BOT = Argument(name="bot", read=kinds.name, is_required=True, offers="bot")
_ACCOUNT = Argument(name="account", read=kinds.name, only_named=True, default="")

#: Figures that people read as shares.
_SHARES = frozenset({"roi", "drawdown", "risk", "loss"})
#: Figures that are counted.
_COUNTS = frozenset({"trades", "limit_max_positions"})
_HEAD = ("gate", "found", "needed", "verdict", "source")


@PAGE.word(
    "golive",
    example="/golive demo",
    asks=GoLive,
    arguments=(_BOT, _ACCOUNT, Argument(name="go", read=kinds.flag, is_switch=True, default=False)),
)
async def golive(asked: Asked) -> Card:
    """Show a bot's gate report, as a PDF too; --go asks for real money, to which a second person has to agree."""
    bot = await named_bot(asked, asked.args["bot"])
    if asked.args["go"] or asked.confirmation:
        await asked.do(GoLive(bot_id=bot.id, account_id=asked.args["account"]))
        after, money = await seen_now(asked, bot)
        return bot_card(
            "mode",
            after,
            money=money,
            title="golive.done_test" if money is MoneyKind.TEST else "golive.done",
            tone=Tone.WARN,
            notes=(Text("golive.stopped"),),
        )
    async with asked.store.reading() as tx:
        report = await report_of(tx, asked.now, asked.workspace_id, bot.id)
        accounts = await tx.accounts.all(asked.workspace_id)
    passed = sum(1 for one in report.lines if one.has_passed)
    of = sum(1 for one in report.lines if one.has_passed is not None)
    doubt = report.gate
    fields = (
        Field("bot", bot.name),
        mode_field(report.money),
        Field("since", report.since),
        Field("until", report.until),
        Field("gates", Text("golive.passed", {"passed": passed, "of": of})),
        Field("edge", Ratio(doubt.psr, digits=0)),
        Field("luck", Ratio(doubt.false_pass_rate, digits=0)),
        Field("days_needed", Number(doubt.days_needed, digits=0)),
    )
    table = Table(
        name="gates",
        columns=tuple(Column(name, 1 if name == "source" else 0) for name in _HEAD),
        rows=tuple(_row(one) for one in report.lines),
    )
    can_go = report.has_passed and not report.is_live
    return Card(
        name="gate_report",
        title=Text("golive.title", {"bot": bot.name}),
        tone=Tone.GOOD if report.has_passed else Tone.WARN,
        body=(Text(_verdict(report), {"bot": bot.name}),),
        fields=fields,
        tables=(table,),
        notes=(
            Text("golive.doubt"),
            *(() if any(one.is_live for one in accounts) else (Text("accounts.hint"),)),
        ),
        file=await _pdf(asked, bot, report, fields, table),
        buttons=(
            Button(
                name="golive", press=Press.SAY, line=f'/golive "{bot.name}" --go', params={"bot": bot.name}
            ),
        )
        if can_go
        else (),
    )


def _verdict(report: GoLiveReport) -> str:
    """Give the sentence above the gates: what they mean for the money that the bot trades now."""
    if report.money is not MoneyKind.PAPER:
        return f"golive.is_{report.money.value}"
    return "golive.may" if report.has_passed else "golive.may_not"


def _row(line: GoLiveLine) -> tuple[Value, ...]:
    found: Value
    needed: Value = line.needed or None
    if line.value is None:
        found = because(line.reason) if line.reason else None
    elif _is_share(line.name):
        found = Ratio(line.value)
    else:
        found = Number(line.value, digits=0) if line.name in _COUNTS else Number(line.value)
    if line.needed and _is_share(line.name):
        sign, share = line.needed.split(" ")
        needed = Text("golive.needed", {"sign": sign, "share": Ratio(float(share))})
    verdict = (
        None if line.has_passed is None else Text("verdict.passed" if line.has_passed else "verdict.failed")
    )
    name = line.name.removeprefix("limit_")
    label = Text(f"gate_line.{name}" if name == line.name else f"limit_of.{name}")
    return (label, found, needed, verdict, because(line.source))


def _is_share(name: str) -> bool:
    return name == "win_rate" or bool(set(name.split("_")) & _SHARES)


async def _pdf(asked: Asked, bot: Bot, report: GoLiveReport, fields: tuple[Field, ...], table: Table) -> File:
    speaker = asked.speaker
    content = await asyncio.to_thread(
        period_pdf,
        title=speaker.say(Text("golive.title", {"bot": bot.name})),
        subtitle=speaker.value(report.until),
        figures=[(speaker.label("field", one.name), speaker.value(one.value)) for one in fields],
        head=[speaker.label("column", one) for one in _HEAD],
        rows=[[speaker.value(cell) for cell in row] for row in table.rows],
    )
    return File(name=f"golive-{bot.name}.pdf", media_type="application/pdf", content=content)


@PAGE.word("paper", example="/paper demo", asks=GoPaper, arguments=(_BOT, _ACCOUNT))
async def paper(asked: Asked) -> Card:
    """Move a stopped bot from real money back to paper."""
    bot = await named_bot(asked, asked.args["bot"])
    await asked.do(GoPaper(bot_id=bot.id, account_id=asked.args["account"]))
    after, money = await seen_now(asked, bot)
    return bot_card(
        "mode",
        after,
        money=money,
        title="golive.back",
        tone=Tone.GOOD,
        notes=(Text("golive.stopped"),),
    )


@PAGE.word(
    "reload_config",
    aliases=("reload_conf",),
    example="/reload_config demo",
    asks=ReloadConfig,
    arguments=(Argument(name="bot", read=kinds.name, offers="bot"),),
)
async def reload_config(asked: Asked) -> Card:
    """Let a running bot go on with its newest configuration from the next bar, without a stop."""
    bot = await named_bot(asked, asked.args["bot"])
    await asked.do(ReloadConfig(bot_id=bot.id))
    _, money = await seen_now(asked, bot)
    return bot_card(
        "bot",
        bot,
        money=money,
        title="bot.reloading",
        tone=Tone.GOOD,
        notes=(Text("config.reloads", {"version": bot.config_version}),),
    )
