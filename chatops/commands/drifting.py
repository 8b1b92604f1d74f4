"""The word about drift: a bot beside what a backtest of the same bars says, and what the gap is made of."""

from __future__ import annotations

from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Money, Number, Ratio, Table, Text, Tone, Value
from chatops.commands.positions import tone_of_amount
from chatops.problems import misheard
from chatops.reading import named_bot, side
from chatops.room import Asked
from desk.clock import to_ms
from desk.reports.drift.values import Drift, DriftTrade, Outcome

PAGE = Page(Group.RESULTS)

#: Trades that differ from their replay, as a card lists them; the newest are kept.
_MOST_SHOWN = 10
#: The parts that add up to the gap.
_PARTS = ("by_signals", "by_exits", "by_slippage", "by_fees", "by_size")


@PAGE.word(
    "drift",
    example="/drift demo 30",
    arguments=(
        Argument(name="bot", read=kinds.name, offers="bot"),
        Argument(name="days", read=kinds.whole(1, 366), default=30),
    ),
)
async def drift(asked: Asked) -> Card:
    """Compare a bot with the replay of its window: what was earned, which signals agree, and what the gap is made of."""
    bot = await named_bot(asked, asked.args["bot"])
    if asked.room.drifts is None:
        raise misheard("no_market", problem="not_found")
    found = await asked.room.drifts.of(asked.workspace_id, bot.id, asked.args["days"])
    differing = [one for one in found.trades if one.outcome is not Outcome.SAME][-_MOST_SHOWN:]
    return Card(
        name="drift",
        title=Text("drift.title", {"bot": found.bot}),
        tone=Tone.PLAIN if found.signal_match in (None, 1.0) else Tone.WARN,
        body=(Text("drift.span", {"since": found.since, "until": found.until, "bars": found.bars}),),
        fields=_fields(found),
        tables=(
            _parts(found),
            *((_differing(differing, found.currency),) if differing else ()),
        ),
        chart=_chart(asked, found),
        notes=(*(Text(f"drift.{code}") for code in found.notes), Text("drift.how")),
    )


def _fields(found: Drift) -> tuple[Field, ...]:
    return (
        Field("live_pnl", _money(found.live_pnl, found), tone_of_amount(found.live_pnl)),
        Field("replay_pnl", _money(found.replay_pnl, found), tone_of_amount(found.replay_pnl)),
        Field("gap", _money(found.gap, found), tone_of_amount(found.gap)),
        Field("signal_match", Ratio(found.signal_match, digits=0)),
        Field(
            "trades",
            Text(
                "drift.trades", {"n": found.matched, "of": found.live_trades, "replay": found.replay_trades}
            ),
        ),
        Field("entry_slip", Number(found.entry_slip_bps, digits=1)),
        Field("exit_slip", Number(found.exit_slip_bps, digits=1)),
    )


def _money(amount: Decimal, found: Drift) -> Money:
    return Money(amount, found.currency, is_signed=True)


def _parts(found: Drift) -> Table:
    return Table(
        name="drift_parts",
        is_titled=True,
        columns=(Column("part"), Column("pnl")),
        rows=tuple((Text(f"drift_part.{one}"), _money(getattr(found, one), found)) for one in _PARTS),
    )


def _differing(rows: list[DriftTrade], currency: str) -> Table:
    def money(amount: Decimal | None) -> Value:
        return None if amount is None else Money(amount, currency, is_signed=True)

    return Table(
        name="drift_trades",
        is_titled=True,
        columns=(
            Column("number", 1),
            Column("pair"),
            Column("side", 2),
            Column("opened", 1),
            Column("outcome"),
            Column("live"),
            Column("replay"),
        ),
        rows=tuple(
            (
                f"#{one.number}" if one.number else None,
                one.pair,
                side(one.is_long),
                one.opened_at,
                Text(f"drift_outcome.{one.outcome.value}"),
                money(one.live_pnl),
                money(one.replay_pnl),
            )
            for one in reversed(rows)
        ),
    )


def _chart(asked: Asked, found: Drift) -> Chart | None:
    if len(found.points) < 2:
        return None
    speaker = asked.speaker
    match = Text("drift.note", {"match": Ratio(found.signal_match, digits=0)})
    return Chart(
        kind="drift",
        name=f"drift-{found.bot}",
        spec={
            "title": found.bot,
            "subtitle": found.strategy,
            "note": speaker.say(match),
            "currency": found.currency,
            "ts_ms": [to_ms(one.at) for one in found.points],
            "live": [float(one.live) for one in found.points],
            "replay": [float(one.replay) for one in found.points],
        },
    )
