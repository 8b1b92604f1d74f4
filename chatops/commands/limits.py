"""Words about the limits: what they are, how they are set, what is used of them, and what a move of the market would do."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Ratio, Table, Text, Tone, Value
from chatops.commands.positions import tone_of_amount
from chatops.previews import limit_shown
from chatops.problems import misheard
from chatops.reading import account_named, account_text, completed_pair, known_pairs, reference, side
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.bots.plan import limits_of
from desk.commands import SetLimit
from desk.limits import COUNTS, LIMITS, OFF
from desk.money import money_kinds
from desk.ports import Unit
from desk.reports.shocks import moving_together, shocked
from desk.views import Account, AccountStatus
from trading.engine.config import RiskLimits

PAGE = Page(Group.RISK)


def limits_for(account: Account) -> RiskLimits:
    """Give an account's limits; what is not set has its default."""
    return limits_of(account.settings)


def gauge_chart(asked: Asked, account: Account, state: AccountStatus) -> Chart:
    """Give the picture of how far each limit is used."""
    limits, speaker = limits_for(account), asked.speaker
    equity = float(state.equity) or 1.0
    dials = [
        ("drawdown", abs(state.drawdown), limits.max_drawdown),
        ("daily_loss", max(0.0, -state.day_change), limits.daily_loss),
        ("open_risk", float(state.open_risk) / equity, limits.portfolio_risk),
    ]
    gauges = [
        {
            "label": speaker.label("dial", name),
            "used": used / most,
            "text": speaker.say(Text("dial.of", {"used": Ratio(used), "most": Ratio(most)})),
        }
        for name, used, most in dials
        if most
    ]
    if state.max_positions:
        gauges.append(
            {
                "label": speaker.label("dial", "slots"),
                "used": state.open_positions / state.max_positions,
                "text": speaker.say(
                    Text("slots.used", {"open": state.open_positions, "max": state.max_positions})
                ),
            }
        )
    return Chart(
        kind="gauge",
        name="risk",
        spec={
            "title": speaker.say(Text("dial.title", {"account": account.name})),
            "subtitle": speaker.value(state.as_of),
            "gauges": gauges,
            "theme": "dark",
        },
    )


async def correlation_card(asked: Asked) -> Card:
    """Show how the traded pairs move together."""
    async with asked.store.reading() as tx:
        pairs = await known_pairs(asked, tx)
        held = {one.pair for one in await tx.positions.open(asked.workspace_id)}
        moves = await moving_together(tx, pairs)
        accounts = await tx.accounts.all(asked.workspace_id)
    threshold = limits_for(accounts[0]).correlation_threshold if accounts else 0.7
    rows: list[tuple[Value, ...]] = [
        (one, other, Ratio(float(moves.correlation[row, column]), digits=0))
        for row, one in enumerate(moves.pairs)
        for column, other in enumerate(moves.pairs)
        if row < column and float(moves.correlation[row, column]) >= threshold
    ]
    speaker = asked.speaker
    return Card(
        name="correlation",
        title=Text("correlation.title", {"n": len(moves.pairs)}),
        body=(Text("correlation.linked", {"n": len(rows), "threshold": Ratio(threshold, digits=0)}),),
        tables=(
            Table(
                name="correlation",
                columns=(Column("pair"), Column("other"), Column("correlation")),
                rows=tuple(rows),
            ),
        )
        if rows
        else (),
        notes=(Text("correlation.how"),),
        chart=Chart(
            kind="correlation",
            name="correlation",
            spec={
                "title": speaker.say(Text("correlation.title", {"n": len(moves.pairs)})),
                "names": list(moves.pairs),
                "values": moves.correlation.ravel().tolist(),
                "threshold": threshold,
                "held": sorted(held),
            },
        )
        if moves.pairs
        else None,
    )


async def what_if_card(asked: Asked, rest: Sequence[str]) -> Card:
    """Show what a move of a pair would do to what is held, and which limits it would reach."""
    if len(rest) != 2:
        raise misheard("missing", name="pct", usage="/risk what_if <pair> <pct>", advice="usage")
    move = _signed_share(rest[1])
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, kinds.pair("pair", rest[0]), await known_pairs(asked, tx))
        held = await tx.positions.open(asked.workspace_id)
        moves = await moving_together(tx, sorted({pair, *(one.pair for one in held)}))
        states = await _states(asked, tx)
        money = await money_kinds(tx, asked.workspace_id)
    hits = shocked(held, pair, move, moves)
    fields: list[Field] = []
    is_reached = False
    for account, state in states:
        pnl = sum((one.pnl for one in hits if one.position.account_id == account.id), Decimal(0))
        equity = state.equity + pnl
        limits = limits_for(account)
        drawdown = float(equity / state.peak_equity - 1) if state.peak_equity else 0.0
        day = float(equity / state.day_start_equity - 1) if state.day_start_equity else 0.0
        halts = limits.max_drawdown is not None and -drawdown >= limits.max_drawdown
        ends_day = limits.daily_loss is not None and -day >= limits.daily_loss
        is_reached |= halts or ends_day
        fields += [
            Field("account", account_text(account, money)),
            Field("pnl", Money(pnl, account.currency, is_signed=True), tone_of_amount(pnl)),
            Field("equity", Money(equity, account.currency)),
            Field("drawdown", Ratio(drawdown), Tone.BAD if halts else Tone.PLAIN),
            Field("today", Ratio(day, is_signed=True), Tone.BAD if ends_day else Tone.PLAIN),
            Field(
                "breakers",
                Text("what_if.halts" if halts else "what_if.day_ends" if ends_day else "what_if.none"),
                Tone.BAD if halts or ends_day else Tone.GOOD,
            ),
        ]
    return Card(
        name="what_if",
        title=Text("what_if.title", {"pair": pair, "move": Ratio(move, is_signed=True)}),
        tone=Tone.BAD if is_reached else Tone.WARN if hits else Tone.PLAIN,
        fields=tuple(fields),
        tables=(
            Table(
                name="what_if",
                columns=(Column("id"), Column("pair"), Column("side"), Column("moves"), Column("pnl")),
                rows=tuple(
                    (
                        reference(one.position.id),
                        one.position.pair,
                        side(one.position.is_long),
                        Ratio(one.move, is_signed=True),
                        Money(one.pnl, is_signed=True),
                    )
                    for one in hits
                ),
            ),
        )
        if hits
        else (),
        notes=(Text("what_if.how"),),
    )


async def _states(asked: Asked, tx: Unit) -> list[tuple[Account, AccountStatus]]:
    found = []
    for account in await tx.accounts.all(asked.workspace_id):
        state = await tx.accounts.status(asked.workspace_id, account.id)
        if state is not None:
            found.append((account, state))
    return found


def _signed_share(typed: str) -> float:
    is_down = typed.startswith(("-", "−"))
    share = float(kinds.share("pct", typed.lstrip("+-−")))
    return -share if is_down else share


def limits_table(account: Account) -> Table:
    """Give an account's limits, by name."""
    limits = limits_for(account)
    rows: list[tuple[Value, ...]] = [
        (name, limit_shown(name, getattr(limits, name)), Text(f"limit_of.{name}")) for name in LIMITS
    ]
    return Table(
        name="limits", columns=(Column("limit"), Column("value"), Column("summary", 1)), rows=tuple(rows)
    )


@PAGE.word(
    "limits",
    example="/limits set max_position 15%",
    also=(SetLimit,),
    arguments=(
        Argument(name="action", read=kinds.choice("show", "set"), default="show", offers=("show", "set")),
        Argument(name="limit", read=kinds.choice(*LIMITS), offers=LIMITS),
        Argument(name="value", read=kinds.name),
        Argument(name="account", read=kinds.name, only_named=True),
        Argument(name="reason", read=kinds.words, only_named=True, default=""),
    ),
)
async def limits(asked: Asked) -> Card:
    """Show an account's limits; set one: lowering takes a tap, raising one of real money a second person."""
    async with asked.store.reading() as tx:
        account = await account_named(asked, tx)
    if asked.args["action"] == "show":
        return Card(
            name="limits",
            title=Text("limits.title", {"account": account.name}),
            tables=(limits_table(account),),
            notes=(Text("limits.how"),),
        )
    name, typed = asked.args["limit"], asked.args["value"]
    if name is None or typed is None:
        raise misheard("missing", name="limit" if name is None else "value", usage=_SET, advice="usage")
    await asked.do(
        SetLimit(
            limit=name,
            value=limit_value(name, typed),
            account_id=account.id,
            reason=asked.args["reason"],
        )
    )
    async with asked.store.reading() as tx:
        after = await tx.accounts.by_id(asked.workspace_id, account.id) or account
    return Card(
        name="limit_set",
        title=Text("limits.set", {"account": account.name}),
        tone=Tone.GOOD,
        body=(Text(f"limit_of.{name}"),),
        fields=(
            Field("limit", name),
            Field("before", limit_shown(name, getattr(limits_for(account), name))),
            Field("after", limit_shown(name, getattr(limits_for(after), name))),
        ),
        notes=(Text("limits.next_close"),),
    )


#: How a limit is set, as help writes it.
_SET = "/limits set <limit> <value>"
#: A share above this is a percentage whose sign was forgotten.
_LARGEST_SHARE = Decimal(10)


def limit_value(name: str, typed: str) -> Decimal | None:
    """Read a limit: 15% or 0.15, a count, or off.

    Raises:
        Misheard: it is none of them.
    """
    shown = plain(typed).lower()
    if shown in {OFF, "none", "aucun", "aucune"}:
        return None
    if shown.endswith("%") and name not in COUNTS:
        return kinds.amount("value", shown.removesuffix("%").strip()) / 100
    value = kinds.amount("value", shown)
    if name not in COUNTS and value > _LARGEST_SHARE:
        raise misheard("share", name="value", found=typed)
    return value
