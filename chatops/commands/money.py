"""The word about money: cash, positions and equity, and what lies at venues and is not the house's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Price, Ratio, Table, Text, Tone, Value
from chatops.reading import account_text, accounts_of
from chatops.room import Asked
from desk.money import kinds_of
from desk.ports import Unit
from desk.views import Account

PAGE = Page(Group.RESULTS)


@PAGE.word(
    "balance",
    example="/balance full",
    arguments=(Argument(name="full", read=kinds.flag, is_switch=True, default=False),),
)
async def balance(asked: Asked) -> Card:
    """Show cash, positions and equity of every account; full also what lies at the venues and is not the house's."""
    fields: list[Field] = []
    rows: list[tuple[Value, ...]] = []
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        positions = await tx.positions.open(asked.workspace_id)
        states = {key: await tx.accounts.status(asked.workspace_id, key) for key in accounts}
        money = await kinds_of(tx, asked.workspace_id, accounts.values())
        foreign = await _not_ours(asked, tx, accounts) if asked.args["full"] else ()
    for key, account in accounts.items():
        state = states[key]
        cash = state.cash if state else account.capital
        equity = state.equity if state else account.capital
        fields += [
            Field("account", account_text(account, money)),
            Field("equity", Money(equity, account.currency)),
            Field("cash", Money(cash, account.currency)),
        ]
        rows.append((account.currency, None, None, Money(cash, account.currency), _share(cash, equity)))
        for one in positions:
            if one.account_id == key:
                worth = one.quantity * one.mark_price
                signed = worth if one.is_long else -worth
                rows.append(
                    (
                        one.pair,
                        one.quantity if one.is_long else -one.quantity,
                        Price(one.mark_price),
                        Money(signed, account.currency),
                        _share(signed, equity),
                    )
                )
    return Card(
        name="balance",
        title=Text("balance.title", {"n": len(accounts)}),
        tone=Tone.PLAIN,
        fields=tuple(fields),
        tables=(
            Table(
                name="balance",
                columns=(
                    Column("asset"),
                    Column("quantity"),
                    Column("price", 1),
                    Column("worth"),
                    Column("share"),
                ),
                rows=tuple(rows),
            ),
            *foreign,
        ),
        chart=holdings_chart(
            asked,
            [(str(row[0]), row[3].amount) for row in rows if isinstance(row[3], Money)],
            currency=next((one.currency for one in accounts.values()), ""),
        ),
    )


async def _not_ours(asked: Asked, tx: Unit, accounts: Mapping[str, Account]) -> tuple[Table, ...]:
    """Give what venues held before the house came: it is never sold."""
    rows: list[tuple[Value, ...]] = []
    for key, account in accounts.items():
        baseline = await tx.execution.baseline(asked.workspace_id, key) if account.is_live else None
        if baseline is not None:
            rows += [(account.name, asset, Decimal(held)) for asset, held in baseline.holdings.items()]
    if not rows:
        return ()
    columns = (Column("account"), Column("asset"), Column("quantity"))
    return (Table(name="not_ours", is_titled=True, columns=columns, rows=tuple(rows)),)


def holdings_chart(
    asked: Asked, parts: Sequence[tuple[str, Decimal]], *, currency: str, name: str = "balance"
) -> Chart | None:
    """Give the picture of what the capital consists of; None where there is none."""
    if not parts:
        return None
    return Chart(
        kind="allocation",
        name=name,
        spec={
            "title": asked.speaker.say(Text(f"{name}.picture")),
            "currency": currency,
            "labels": [label for label, _ in parts],
            "values": [float(value) for _, value in parts],
        },
    )


def _share(part: Decimal, whole: Decimal) -> Ratio:
    return Ratio(float(part / whole) if whole else None, digits=1)
