"""Running a strategy over candle series: from a request to a document of plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading.candles import Candles, fill_gaps
from trading.errors import BadParameter, InvalidInput, nearest

if TYPE_CHECKING:
    from desk.models.book import Speech
    from strategies.base import BaseStrategy, ColumnStrategy
    from strategies.registry import StrategyRegistry
    from trading.backtest.result import BacktestResult, Trade
    from trading.engine.config import AccountConfig, RiskLimits
    from trading.market import MarketView, Series
    from trading.risk.sizing import SizingMethod
    from trading.signals import SignalColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a backtest is asked to do.

    Attributes:
        detail: shorter candles of some pairs, which settle what came first inside a bar.
        models: whose forecasts `series` holds; told in what comes of the run.
    """

    strategy: str
    parameters: Mapping[str, Any]
    limits: Mapping[str, Any]
    candles: tuple[Candles, ...]
    capital: Decimal
    fee: float
    slippage: float
    spread: float
    fill: str
    can_short: bool
    strategy_path: Path | None = None
    trailing: str = "close"
    series: Mapping[str, Series] = field(default_factory=dict)
    detail: tuple[Candles, ...] = ()
    models: tuple[Speech, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished backtest: the document of cli.md, and what audits, pictures and reports need."""

    request: Request
    strategy: ColumnStrategy
    markets: tuple[Candles, ...]
    signals: tuple[SignalColumns, ...]
    result: BacktestResult
    document: dict[str, Any]


def registry(strategy_path: Path | None = None) -> StrategyRegistry:
    """Give the strategies: built in, from packages, and from the folder if one is named."""
    from strategies.registry import default_registry

    known = default_registry()
    known.load_entry_points()
    if strategy_path is not None:
        known.load_folder(strategy_path)
    return known


def prepared(series: tuple[Candles, ...]) -> tuple[tuple[Candles, ...], int]:
    """Give the markets with gaps filled, named and in one timeframe, and how many bars were filled.

    Raises:
        InvalidInput: different timeframes, or a pair twice.
    """
    frames = {str(one.timeframe) for one in series}
    if len(frames) > 1:
        raise InvalidInput(
            f"Candles of {', '.join(sorted(frames))} were given; one timeframe per run is allowed."
        )
    named = tuple(
        one if one.pair else replace(one, pair=f"PAIR{i + 1}/QUOTE") for i, one in enumerate(series)
    )
    twice = [pair for pair, count in Counter(one.pair for one in named).items() if count > 1]
    if twice:
        raise InvalidInput(f"Pair {twice[0]} was given twice; each pair once is allowed.")
    filled = [fill_gaps(one) for one in named]
    return tuple(one for one, _ in filled), sum(gap.bars for _, gaps in filled for gap in gaps)


def details_of(request: Request, markets: tuple[Candles, ...]) -> dict[str, Candles]:
    """Give the shorter candles by pair; one unnamed series belongs to the only market.

    Raises:
        InvalidInput: candles of a pair that is not traded, or of one pair twice.
    """
    found: dict[str, Candles] = {}
    pairs = [one.pair for one in markets]
    for one in request.detail:
        pair = one.pair or (pairs[0] if len(pairs) == 1 else "")
        if pair not in pairs or pair in found:
            raise InvalidInput(
                f"Detail candles of '{pair or 'no pair'}' were given{' twice' if pair in found else ''}; one series for "
                f"each of {', '.join(pairs)} is allowed.",
                hint=nearest(pair, pairs) or None,
            )
        found[pair] = one
    return found


def account_for(request: Request, markets: tuple[Candles, ...], tags: tuple[str, ...] = ()) -> AccountConfig:
    """Give one account with a line per market."""
    from desk.feeds.instruments import instrument_for
    from trading.engine.config import AccountConfig, Costs, LineConfig

    return AccountConfig(
        account_id="backtest",
        capital=request.capital,
        lines=tuple(
            LineConfig(
                bot_id=request.strategy,
                instrument=instrument_for(one.pair, float(one.close[0]), can_short=request.can_short),
                tags=tags,
            )
            for one in markets
        ),
        timeframe_ms=markets[0].timeframe.ms,
        costs=Costs(
            maker_fee=request.fee,
            taker_fee=request.fee,
            slippage=request.slippage,
            spread=request.spread,
            fill=fill_rule(request.fill),
            trailing=trailing_rule(request.trailing),
        ),
        limits=risk_limits(request.limits),
    )


def fill_rule(text: str) -> Any:
    """Give the rule by which limits fill.

    Raises:
        BadParameter: there is no such rule.
    """
    if text not in {"through", "touch"}:
        raise BadParameter(f"Fill rule '{text}' was given; through or touch is allowed.")
    return text


def trailing_rule(text: str) -> Any:
    """Give who moves trailing stops.

    Raises:
        BadParameter: neither the bot nor the venue.
    """
    if text not in {"close", "venue"}:
        raise BadParameter(f"Trailing '{text}' was given; close or venue is allowed.")
    return text


def risk_limits(given: Mapping[str, Any], base: RiskLimits | None = None) -> RiskLimits:
    """Give the account's limits and protections by name; what is left out stays as in `base`, or at its default.

    Raises:
        BadParameter: an unknown name, or a value of the wrong kind.
    """
    from dataclasses import fields

    from trading.engine.config import Protections, RiskLimits

    of_account = [one.name for one in fields(RiskLimits) if one.name != "protections"]
    of_locks = [one.name for one in fields(Protections)]
    for name in given:
        if name not in (*of_account, *of_locks):
            raise BadParameter(
                f"Limit '{name}' is unknown; {', '.join((*of_account, *of_locks))} are known.",
                hint=nearest(name, (*of_account, *of_locks)) or None,
            )
    values: Any = {name: None if value == "none" else value for name, value in given.items()}
    start = base or RiskLimits()
    try:
        if "method" in values:
            values["method"] = _method(values["method"])
        locks = replace(start.protections, **{k: v for k, v in values.items() if k in of_locks})
        return replace(start, **{k: v for k, v in values.items() if k in of_account}, protections=locks)
    except TypeError as wrong:
        raise BadParameter(
            f"A limit has a value of the wrong kind: {wrong}.", hint="Numbers, or none to switch it off."
        ) from wrong


def _method(text: Any) -> SizingMethod:
    from trading.risk.sizing import SizingMethod

    if text not in set(SizingMethod):
        raise BadParameter(
            f"Limit method is '{text}'; {', '.join(SizingMethod)} are allowed.",
            hint=nearest(str(text), SizingMethod) or None,
        )
    return SizingMethod(text)


def with_columns(strategy: BaseStrategy) -> ColumnStrategy:
    """Give the strategy as one that says everything at once.

    Raises:
        InvalidInput: it is driven bar by bar.
    """
    from strategies.base import ColumnStrategy

    if not isinstance(strategy, ColumnStrategy):
        raise InvalidInput(
            f"Strategy '{strategy.name}' has no columns; strategies that are driven bar by bar run on the bar driver only."
        )
    return strategy


def views_of(markets: tuple[Candles, ...], series: Mapping[str, Series]) -> tuple[MarketView, ...]:
    """Give what a strategy sees of each market: the others and external series beside it."""
    from trading.market import MarketView

    by_pair = {one.pair: one for one in markets}
    return tuple(
        MarketView(candles=one, others={k: v for k, v in by_pair.items() if k != one.pair}, series=series)
        for one in markets
    )


def columns_of(
    strategy: BaseStrategy, markets: tuple[Candles, ...], series: Mapping[str, Series]
) -> tuple[SignalColumns, ...]:
    """Compute the strategy's signal columns for each market, which may look at the others and at external series."""
    known = with_columns(strategy)
    return tuple(known.columns(view) for view in views_of(markets, series))


def run_backtest(request: Request) -> Done:
    """Run a strategy over its markets on one account."""
    from trading.backtest.evaluate import metrics_of
    from trading.backtest.run import backtest

    strategy = with_columns(
        registry(request.strategy_path).get_strategy(request.strategy)(**request.parameters)
    )
    markets, gap_bars = prepared(request.candles)
    signals = columns_of(strategy, markets, request.series)
    detail = details_of(request, markets)
    result = backtest(markets, signals, account_for(request, markets, signals[0].tags), detail=detail)
    figures = metrics_of(result)
    document = {
        "strategy": strategy.name,
        "params": strategy.params,
        "pairs": [one.pair for one in markets],
        "timeframe": str(markets[0].timeframe),
        "bars": sum(len(one) for one in request.candles),
        "from": moment(min(int(one.ts_ms[0]) for one in markets)),
        "to": moment(max(int(one.ts_ms[-1]) for one in markets)),
        "capital": request.capital,
        "final_equity": Decimal(repr(round(float(result.equity[-1]), 8))),
        "metrics": figures.values,
        "reasons": figures.reasons,
        "trades": [_trade(i + 1, one) for i, one in enumerate(result.trades)],
        "denied": dict(result.denied),
        "gaps": gap_bars,
        "costs": {
            "fee": request.fee,
            "slippage": request.slippage,
            "spread": request.spread,
            "fill": request.fill,
            "trailing": request.trailing,
            "detail": {pair: str(one.timeframe) for pair, one in detail.items()},
        },
        "models": spoken(request.models),
    }
    return Done(
        request=request, strategy=strategy, markets=markets, signals=signals, result=result, document=document
    )


def spoken(models: Sequence[Speech]) -> list[dict[str, Any]]:
    """Give whose forecasts a run read as plain values."""
    return [
        {
            "pair": one.pair,
            "model": one.model,
            "version": one.version,
            "from": moment(one.from_ms),
            "to": moment(one.until_ms - 1),
            "learned_until": moment(one.learned_ms),
        }
        for one in models
    ]


def spoken_sentences(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell people whose forecasts a run read."""
    return tuple(
        f"Forecasts of {one['pair']}: {one['model']} v{one['version']}, which learned until {one['learned_until'][:16]}"
        f"{'; before that its walk-forward' if one['from'] < one['learned_until'] else ''}."
        for one in document["models"]
    )


def moment(ts_ms: int) -> str:
    """Give a time as people and JSON write it."""
    from desk.clock import from_ms

    return from_ms(ts_ms).isoformat().replace("+00:00", "Z")


def _trade(number: int, one: Trade) -> dict[str, Any]:
    return {
        "number": number,
        "pair": one.pair,
        "side": "long" if one.is_long else "short",
        "quantity": one.quantity,
        "entry_at": moment(one.entry_ms),
        "entry_price": one.entry_price,
        "exit_at": moment(one.exit_ms),
        "exit_price": one.exit_price,
        "pnl": one.pnl,
        "pnl_ratio": one.pnl_ratio,
        "fees": one.fees,
        "reason": one.reason,
        "tag": one.tag,
        "exit_tag": one.exit_tag,
        "bars": one.bars,
        "binding": one.binding,
        "is_open": one.is_open,
        "mae": one.mae,
        "mfe": one.mfe,
    }
