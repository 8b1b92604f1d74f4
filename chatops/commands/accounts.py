"""The word about accounts: whose money there is, how an account at an exchange comes in, and what stands before real money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Money, Press, Table, Text, Tone, Value
from chatops.reading import accounts_of, bots_of, mode_text
from chatops.room import Asked
from desk.exchange_ports import ExchangeKey
from desk.golive import GoLiveReport, report_of
from desk.identity import Role
from desk.money import MoneyKind, kind_of
from desk.views import Account, Bot
from trading.events import Desired

PAGE = Page(Group.BOTS)

#: Somebody who goes to the machine to add an account is waited for so long.
_WAITS = timedelta(hours=1)
#: Bots whose gates are shown at most; /golive shows any other.
_MOST_BOTS = 8


@PAGE.word(
    "accounts",
    example="/accounts",
    aliases=("account", "live"),
    arguments=(Argument(name="wait", read=kinds.whole(0, 10**11), only_named=True),),
)
async def accounts(asked: Asked) -> Card:
    """List the accounts with whose money they hold; say how one at an exchange is added, and which gates stand open."""
    async with asked.store.reading() as tx:
        rows = tuple((await accounts_of(asked, tx)).values())
        keys = {one.id: one for one in await tx.exchange_keys.all(asked.workspace_id)}
        money = {one.id: kind_of(one, keys.get(one.id)) for one in rows}
        bots = [
            one for one in (await bots_of(asked, tx)).values() if money[one.account_id] is MoneyKind.PAPER
        ]
        reports = [await report_of(tx, asked.now, asked.workspace_id, one.id) for one in bots[:_MOST_BOTS]]
    at_exchange = [one for one in rows if one.is_live]
    tables = [_accounts(rows, keys, money), _gates(bots, reports)]
    return Card(
        name="accounts",
        title=Text("accounts.title", {"n": len(rows)}),
        tone=Tone.WARN if MoneyKind.LIVE in money.values() else Tone.PLAIN,
        body=(Text("accounts.some" if at_exchange else "accounts.paper_only"),),
        tables=tuple(one for one in tables if one.rows),
        notes=_way(asked, at_exchange, money),
        buttons=_buttons(bots, reports),
        renewed_by=_renewal(asked) if not at_exchange else "",
    )


def _accounts(
    rows: Sequence[Account], keys: Mapping[str, ExchangeKey], money: Mapping[str, MoneyKind]
) -> Table:
    return Table(
        name="accounts",
        columns=(
            Column("account"),
            Column("mode"),
            Column("venue", 1),
            Column("capital", 1),
            Column("state"),
            Column("key", 2),
        ),
        rows=tuple(
            (
                one.name,
                mode_text(money[one.id]),
                one.venue,
                Money(one.capital, one.currency),
                Text(f"trading.{one.trading_state.value}"),
                _key(keys.get(one.id)) if one.is_live else None,
            )
            for one in rows
        ),
    )


def _key(key: ExchangeKey | None) -> Value:
    if key is None or key.disabled_at is not None:
        return Text("accounts.no_key")
    return Text("accounts.key", {"ending": key.key_ending})


def _gates(bots: Sequence[Bot], reports: Sequence[GoLiveReport]) -> Table:
    """Say of each bot on paper how many gates it has passed, and which stand in the way."""
    return Table(
        name="gates_of_bots",
        is_titled=True,
        columns=(Column("bot"), Column("gates"), Column("missing")),
        rows=tuple(
            (
                bot.name,
                Text(
                    "golive.passed",
                    {
                        "passed": sum(1 for line in report.gate.lines if line.has_passed),
                        "of": len(report.gate.lines),
                    },
                ),
                _missing(report),
            )
            for bot, report in zip(bots, reports, strict=False)
        ),
    )


def _missing(report: GoLiveReport) -> Value:
    whole: Value = None
    for line in report.gate.failures:
        one = Text("detail.one", {"name": Text(f"gate_line.{line.gate.value}"), "value": line.needed})
        whole = one if whole is None else Text("detail.two", {"first": whole, "then": one})
    return whole


def _way(asked: Asked, at_exchange: Sequence[Account], money: Mapping[str, MoneyKind]) -> tuple[Text, ...]:
    """Say the next step: an account at an exchange first, then a bot on test money, then the gates."""
    add = (
        (Text("accounts.owner"),)
        if asked.actor.role < Role.OWNER
        else tuple(Text(one) for one in ("accounts.add", "accounts.keys"))
    )
    if not at_exchange:
        return (*add, Text("accounts.waits")) if _renewal(asked) else add
    test = next((one for one in at_exchange if money[one.id] is MoneyKind.TEST), None)
    steps = [Text("accounts.rehearse", {"account": test.name})] if test is not None else []
    if MoneyKind.LIVE in money.values():
        steps.append(Text("accounts.go"))
    return (*steps, *add)


def _buttons(bots: Sequence[Bot], reports: Sequence[GoLiveReport]) -> tuple[Button, ...]:
    """Offer the gate report of each bot, those that are nearest first."""
    ordered = sorted(
        zip(bots, reports, strict=False),
        key=lambda one: (len(one[1].gate.failures), one[0].desired is Desired.RUNNING),
    )
    return tuple(
        Button(name="gates", press=Press.SAY, line=f'/golive "{bot.name}"', params={"bot": bot.name})
        for bot, _ in ordered[:3]
    )


def _renewal(asked: Asked) -> str:
    """Give the line that shows the same again until an account is there, or nobody can be expected to add one any more."""
    given: int | None = asked.args["wait"]
    until = datetime.fromtimestamp(given, UTC) if given is not None else asked.now + _WAITS
    return f"/accounts wait={int(until.timestamp())}" if asked.now < until <= asked.now + _WAITS else ""
