"""The word that draws: a pair with its waves, or a trade on its candles."""

from __future__ import annotations

from collections.abc import Sequence

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Chart, Field, Text
from chatops.commands.cases import (
    case_of,
    sight_of,
    title_of,
    trade_fields,
)
from chatops.commands.market import as_price
from chatops.problems import misheard
from chatops.reading import (
    REFERENCE,
    bots_of,
    completed_pair,
    known_pairs,
    reference,
)
from chatops.room import Asked
from chatops.sightings import LAYERS, Look, market_chart, trade_chart
from chatops.typing_repair import plain
from desk.charts.specs import Theme

PAGE = Page(Group.MARKET)


@PAGE.word(
    "chart",
    example="/chart BTC/USDT 4h elliott,fib,ema",
    arguments=(
        Argument(name="what", read=kinds.name, offers="pair"),
        Argument(name="tf", read=kinds.timeframe),
        Argument(name="layers", read=kinds.several(*LAYERS), default=("elliott", "fib"), offers=LAYERS),
        Argument(name="bars", read=kinds.whole(20, 400), only_named=True, default=150),
        Argument(name="theme", read=kinds.choice("dark", "light"), only_named=True, offers=("dark", "light")),
    ),
)
async def chart(asked: Asked) -> Card:
    """Draw a pair with its waves, another timeframe or lines, or a trade with entry, stop, targets and exits."""
    theme = Theme(asked.args["theme"] or Theme.DARK)
    typed = asked.args["what"]
    async with asked.store.reading() as tx:
        known = await known_pairs(asked, tx)
        if typed is not None and _names_trade(typed, known):
            case = await case_of(asked, tx, typed)
            drawn = await trade_chart(tx, sight_of(case), theme)
            return _chart_card(drawn, Text("chart.trade", title_of(case)), trade_fields(case))
        if not known:
            raise misheard("no_bots", advice="newbot", problem="not_found")
        pair = known[0] if typed is None else completed_pair(asked, kinds.pair("what", typed), known)
        bot = next(one for one in (await bots_of(asked, tx)).values() if pair in one.pairs)
        held = [one for one in await tx.positions.open(asked.workspace_id) if one.pair == pair]
        sight = sight_of(await case_of(asked, tx, reference(held[0].id))) if held else None
        look = Look(
            bars=asked.args["bars"],
            theme=theme,
            timeframe=asked.args["tf"] or "",
            layers=asked.args["layers"],
        )
        drawn = await market_chart(tx, pair, bot, look, sight.marks if sight else None)
    fields: tuple[Field, ...] = ()
    if drawn is not None:
        fields = (
            Field("pair", pair),
            Field("timeframe", look.timeframe or bot.timeframe),
            Field("price", as_price(drawn.spec["close"][-1])),
            Field("bars", len(drawn.spec["close"])),
        )
    return _chart_card(drawn, Text("chart.pair", {"pair": pair}), fields)


def _names_trade(typed: str, pairs: Sequence[str]) -> bool:
    """Tell a trade's number or reference from a pair: assets are written in letters that no reference needs."""
    shown = plain(typed)
    if shown.lstrip("#").isdigit() or shown.startswith("#"):
        return True
    is_reference = len(shown) in (REFERENCE, 36) and all(one in "0123456789abcdef-" for one in shown.lower())
    return is_reference and shown.upper() not in {one.split("/")[0] for one in pairs}


def _chart_card(drawn: Chart | None, title: Text, fields: tuple[Field, ...]) -> Card:
    return Card(
        name="chart",
        title=title,
        fields=fields,
        chart=drawn,
        notes=() if drawn else (Text("chart.no_candles"),),
    )
