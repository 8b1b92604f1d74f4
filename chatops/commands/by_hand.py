"""Entries by hand: through a bot on paper, whose rules size and protect them, or as an order on a live account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from chatops import kinds
from chatops.alerts import parameter
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Button, Card, Chart, Field, Money, Press, Price, Text, Tone
from chatops.kinds import Level
from chatops.problems import misheard
from chatops.reading import (
    accounts_of,
    bots_of,
    chosen_bot,
    completed_pair,
    known_pairs,
    named_bot,
    reference,
    side,
)
from chatops.room import Asked
from chatops.sightings import market_candles, market_chart
from desk.charts.specs import Mark, TradeMarks
from desk.commands import EnterByHand, PlaceOrder
from desk.entry_views import EntryByHand
from desk.ports import Unit
from desk.views import Account, Bot, Order
from trading.events import Desired
from trading.orders import OrderType, Side

PAGE = Page(Group.POSITIONS)

_FORCE = (
    Argument(name="pair", read=kinds.pair, is_required=True, offers="pair"),
    Argument(name="rate", read=kinds.amount),
    Argument(name="stake", read=kinds.amount, only_named=True),
    Argument(name="quantity", read=kinds.amount, only_named=True),
    Argument(name="sl", read=kinds.level, only_named=True),
    Argument(name="tp", read=kinds.amount, only_named=True),
    Argument(name="for", read=kinds.span, only_named=True),
    Argument(name="bot", read=kinds.name, only_named=True, offers="bot"),
    Argument(name="account", read=kinds.name, only_named=True),
)


@PAGE.word(
    "forcelong",
    example="/forcelong BTC/USDT stake=250 sl=2%",
    asks=EnterByHand,
    also=(PlaceOrder,),
    aliases=("forcebuy", "forceenter"),
    arguments=_FORCE,
)
async def forcelong(asked: Asked) -> Card:
    """Buy by hand, at the market or at a rate: through a bot on paper, or on a live account."""
    return await _force(asked, is_long=True)


@PAGE.word(
    "forceshort",
    example="/forceshort BTC/USDT stake=250 sl=2%",
    asks=EnterByHand,
    also=(PlaceOrder,),
    arguments=_FORCE,
)
async def forceshort(asked: Asked) -> Card:
    """Sell short by hand, at the market or at a rate: through a bot on paper, or on a live account."""
    return await _force(asked, is_long=False)


async def _force(asked: Asked, *, is_long: bool) -> Card:
    async with asked.store.reading() as tx:
        pair = completed_pair(asked, asked.args["pair"], await known_pairs(asked, tx))
    way = await _way_of(asked, pair)
    if isinstance(way, Bot):
        return await _on_paper(asked, way, pair, is_long=is_long)
    return await _on_live(asked, way, pair, Side.BUY if is_long else Side.SELL)


async def _way_of(asked: Asked, pair: str) -> Bot | Account:
    """Give the bot on paper or the live account that is meant: the named one, the chosen one, or the only one.

    Raises:
        Misheard: none, or several and none was named.
    """
    async with asked.store.reading() as tx:
        accounts = await accounts_of(asked, tx)
        bots = await bots_of(asked, tx)
        chosen = await chosen_bot(asked, tx)
    if asked.args["bot"] is not None:
        bot = await named_bot(asked, asked.args["bot"])
        account = accounts[bot.account_id]
        return account if account.is_live else bot
    ways = _ways(accounts, bots, pair)
    if (named := asked.args["account"]) is not None:
        ways = {
            name: way
            for name, way in ways.items()
            if named in _names_of(accounts[way.account_id] if isinstance(way, Bot) else way)
        }
    if len(ways) == 1:
        return next(iter(ways.values()))
    for way in ways.values():
        if isinstance(way, Bot) and chosen in (way.id, way.name):
            return way
    if not ways:
        raise misheard("no_way_in", problem="not_found", pair=pair)
    raise misheard(
        "which_way_in",
        advice="which_way_in",
        pair=pair,
        allowed=", ".join(ways),
        word=asked.word.name,
        first=next(iter(ways)),
    )


def _ways(accounts: Mapping[str, Account], bots: Mapping[str, Bot], pair: str) -> dict[str, Bot | Account]:
    """Give every way into a pair, as it is named: bots on paper that trade it (those that run, if any), live accounts."""
    traders = [
        one
        for one in bots.values()
        if pair in one.pairs and one.account_id in accounts and not accounts[one.account_id].is_live
    ]
    running = [one for one in traders if one.desired is Desired.RUNNING]
    ways: dict[str, Bot | Account] = {f"bot={one.name}": one for one in running or traders}
    return ways | {f"account={one.name}": one for one in accounts.values() if one.is_live}


def _names_of(account: Account) -> tuple[str, str]:
    return account.id, account.name


async def _on_paper(asked: Asked, bot: Bot, pair: str, *, is_long: bool) -> Card:
    args = asked.args
    stop: Level | None = args["sl"]
    outcome = await asked.do(
        EnterByHand(
            bot_id=bot.id,
            pair=pair,
            is_long=is_long,
            price=args["rate"],
            stake=args["stake"],
            quantity=args["quantity"],
            stop=stop.price if stop else None,
            stop_ratio=stop.ratio if stop else None,
            targets=(args["tp"],) if args["tp"] else (),
            rest_for=args["for"],
        )
    )
    entry: EntryByHand = outcome.view
    request, planned = entry.request, entry.planned
    async with asked.store.reading() as tx:
        currency = (await accounts_of(asked, tx))[bot.account_id].currency
        chart = await _chart(
            tx, bot, pair, is_long=is_long, price=planned.price, stop=planned.stop, targets=planned.targets
        )
    return Card(
        name="entry_by_hand",
        title=Text("by_hand.title", {"code": request.code, "pair": pair}),
        tone=Tone.GOOD,
        fields=(
            Field("bot", bot.name),
            Field("side", side(is_long)),
            Field("type", Text("order_type.limit" if planned.is_limit else "order_type.market")),
            Field("quantity", planned.quantity),
            Field("price", Price(planned.price)),
            Field("worth", Money(planned.quantity * planned.price, currency)),
            Field("stop", Price(planned.stop)),
            Field("at_risk", Money(planned.risk, currency)),
            Field("binding", Text(f"limit.{planned.binding}")),
            Field("targets", parameter("targets", [str(one) for one in planned.targets])),
            Field("until", request.expires_at),
        ),
        chart=chart,
        notes=(
            Text("by_hand.next_close", {"timeframe": bot.timeframe}),
            Text("by_hand.take_back", {"code": request.code}),
        ),
        buttons=(Button(name="entry_skip", press=Press.SAY, line=f"/entry {request.code} skip"),),
    )


async def _on_live(asked: Asked, account: Account, pair: str, way: Side) -> Card:
    args = asked.args
    async with asked.store.reading() as tx:
        last = await _last_price(tx, pair)
    price: Decimal | None = args["rate"] or last
    quantity: Decimal | None = args["quantity"]
    if quantity is None:
        if args["stake"] is None or price is None:
            raise misheard("missing", name="stake", usage=asked.word.usage, advice="usage")
        quantity = asked.fixed("quantity", (args["stake"] / price).quantize(Decimal("0.00000001")))
    level: Level | None = args["sl"]
    stop = None if level is None else level.at(price, is_above=way is Side.SELL)
    if stop is not None:
        stop = asked.fixed("stop", stop)
    outcome = await asked.do(
        PlaceOrder(
            pair=pair,
            side=way,
            quantity=quantity,
            order_type=OrderType.LIMIT if args["rate"] else OrderType.MARKET,
            price=args["rate"],
            stop_loss=stop,
            take_profits=(args["tp"],) if args["tp"] else (),
            rest_for=args["for"] if args["rate"] else None,
            account_id=account.id,
        )
    )
    order: Order = outcome.view
    async with asked.store.reading() as tx:
        bot = next((one for one in (await bots_of(asked, tx)).values() if pair in one.pairs), None)
        targets = (args["tp"],) if args["tp"] else ()
        at = order.price or price
        chart = (
            None
            if bot is None or at is None
            else await _chart(tx, bot, pair, is_long=way is Side.BUY, price=at, stop=stop, targets=targets)
        )
    return _placed(order, price, stop, chart, account.currency)


async def _chart(
    tx: Unit,
    bot: Bot,
    pair: str,
    *,
    is_long: bool,
    price: Decimal,
    stop: Decimal | None,
    targets: tuple[Decimal, ...],
) -> Chart | None:
    """Give the picture of an entry with its exits; None where no bar is known."""
    newest, _ = await market_candles(tx, pair, bot, 1)
    if newest is None or not len(newest):
        return None
    marks = TradeMarks(
        is_long=is_long,
        entry=Mark(ts_ms=int(newest.ts_ms[-1]), price=float(price)),
        stop=None if stop is None else float(stop),
        targets=tuple(float(one) for one in targets),
        is_open=True,
    )
    return await market_chart(tx, pair, bot, marks=marks)


async def _last_price(tx: Unit, pair: str) -> Decimal | None:
    fits = [one for one in await tx.candles.series() if one.pair == pair]
    if not fits:
        return None
    newest = max(fits, key=lambda one: one.last)
    candles = await tx.candles.last(newest.venue, pair, newest.timeframe, 1)
    return Decimal(f"{float(candles.close[-1]):.8g}") if len(candles) else None


def _placed(
    order: Order, price: Decimal | None, stop: Decimal | None, chart: Chart | None, currency: str
) -> Card:
    """Give the card of an order with its arithmetic: what it is worth, and what is lost at the stop."""
    worth = None if price is None else order.quantity * price
    at_risk = None if price is None or stop is None else order.quantity * abs(price - stop)
    return Card(
        name="order_placed",
        title=Text("orders.placed", {"pair": order.pair}),
        tone=Tone.GOOD,
        fields=(
            Field("id", reference(order.id)),
            Field("side", Text(f"order_side.{order.side.value}")),
            Field("type", Text(f"order_type.{order.order_type.value}")),
            Field("quantity", order.quantity),
            Field("price", Price(order.price)),
            Field("worth", None if worth is None else Money(worth, currency)),
            Field("at_risk", None if at_risk is None else Money(at_risk, currency)),
            Field("binding", Text(f"limit.{order.binding}") if order.binding else None),
            Field("state", Text(f"order_state.{order.state.value}")),
        ),
        chart=chart,
        notes=(Text("orders.follow", {"id": reference(order.id)}),),
    )
