"""The word about learned models: what one expects of a pair, and how much its words were worth so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Column, Field, Number, Price, Ratio, Table, Text, Tone
from chatops.commands.market import as_price
from chatops.problems import misheard
from chatops.reading import completed_pair, known_pairs
from chatops.room import Asked
from desk.clock import to_ms

if TYPE_CHECKING:
    from desk.models.queries import PairForecast
    from trading.candles import Candles

PAGE = Page(Group.MARKET)

#: Bars before now in the picture.
_PAST = 60


@PAGE.word(
    "ml",
    example="/ml BTC/USDT",
    aliases=("forecast",),
    arguments=(Argument(name="pair", read=kinds.pair, offers="pair"),),
)
async def ml(asked: Asked) -> Card:
    """Show what the model that speaks for a pair expects, how well calibrated it was, and when it learns again."""
    if asked.room.forecast is None:
        raise misheard("no_market", problem="not_found")
    async with asked.store.reading() as tx:
        known = await known_pairs(asked, tx)
    typed = asked.args["pair"]
    if typed is None and len(known) != 1:
        raise misheard("which_pair", advice="usage", allowed=", ".join(known) or "–", usage=asked.word.usage)
    pair = known[0] if typed is None else completed_pair(asked, typed, known)
    found = await asked.room.forecast(asked.workspace_id, pair)
    async with asked.store.reading() as tx:
        series = [
            one for one in await tx.candles.series() if (one.pair, one.timeframe) == (pair, found.timeframe)
        ]
        newest = max(series, key=lambda one: one.last, default=None)
        past = await tx.candles.last(newest.venue, pair, found.timeframe, _PAST) if newest else None
    return Card(
        name="ml",
        title=Text("ml.title", {"pair": pair, "tf": found.timeframe}),
        tone=Tone.PLAIN if found.is_useful else Tone.WARN,
        body=(Text("ml.useful" if found.is_useful else "ml.useless"),),
        fields=_fields(found),
        tables=(_quantiles(found), *_against(found)),
        chart=_fan(found, past, asked.speaker.value(found.at)),
        notes=(Text("ml.fan"), Text("ml.costs", {"cost": Ratio(found.round_trip_cost)})),
    )


def _fields(found: PairForecast) -> tuple[Field, ...]:
    drift = found.drift
    return (
        Field(
            "model", Text("ml.version", {"model": found.model, "version": found.version, "kind": found.kind})
        ),
        Field("price", as_price(found.price)),
        Field("expected", Ratio(found.expected, is_signed=True)),
        Field("up", Ratio(found.up, digits=0)),
        Field("until", found.until),
        Field("skill", Number(found.skill, digits=3)),
        Field("retrained_at", found.retrained_at),
        Field("next_training", found.next_at),
        *(
            (
                Field(
                    "model_drift",
                    Text("ml.drifted" if drift.is_alarming else "ml.steady", {"feature": drift.worst or "–"}),
                    Tone.BAD if drift.is_alarming else Tone.PLAIN,
                ),
            )
            if drift
            else ()
        ),
    )


def _quantiles(found: PairForecast) -> Table:
    """Give each quantile with what lay below it in the walk-forward: near it, the model is calibrated."""
    coverage = (*found.coverage, *([None] * len(found.quantiles)))
    return Table(
        name="quantiles",
        is_titled=True,
        columns=(Column("quantile"), Column("return"), Column("price"), Column("lay_below")),
        rows=tuple(
            (
                Ratio(quantile, digits=0),
                Ratio(move, is_signed=True),
                Price(as_price(found.price * (1.0 + move)).value),
                Ratio(below, digits=0),
            )
            for quantile, move, below in zip(found.quantiles, found.returns, coverage, strict=False)
        ),
    )


def _against(found: PairForecast) -> tuple[Table, ...]:
    if not found.against:
        return ()
    rows = tuple((name.replace("_", " "), Number(skill, digits=3)) for name, skill in found.against)
    columns = (Column("baseline"), Column("skill"))
    return (Table(name="baselines", is_titled=True, columns=columns, rows=rows),)


def _fan(found: PairForecast, past: Candles | None, subtitle: str) -> Chart:
    closes = [] if past is None else [float(one) for one in past.close]
    times = [] if past is None else [int(one) + past.timeframe.ms for one in past.ts_ms]
    return Chart(
        kind="fan",
        name="forecast",
        spec={
            "title": f"{found.pair} {found.timeframe}, {found.model} v{found.version}",
            "subtitle": subtitle,
            "ts_ms": times,
            "close": closes,
            "ahead_ms": [to_ms(one.at) for one in found.fan],
            "bands": [one.prices[row] for row in range(len(found.quantiles)) for one in found.fan],
            "quantiles": list(found.quantiles),
        },
    )
