"""What a backtest, a search and a walk are asked alike: strategy, candles, money, costs, limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from server.cli import inputs

if TYPE_CHECKING:
    from desk.research.runs import Request


def request(
    strategy: str,
    candles: list[str],
    *,
    set_: list[str] | None,
    limit: list[str] | None,
    from_: str,
    to: str,
    capital: str,
    fee: float,
    slippage: float,
    spread: float,
    fill: str,
    trailing: str,
    spot: bool,
    detail: list[str] | None,
    strategy_path: Path | None,
    model: str = "",
    data_dir: Path | None = None,
) -> Request:
    """Read the options into a request, with the series that the strategy reads as the registry and the store know them.

    Raises:
        InvalidInput: candles, a number or a date cannot be read.
    """
    from desk.research.runs import Request
    from server.cli.forecasts import heard

    series = tuple(inputs.candles(one, from_=from_, to=to, data_dir=data_dir) for one in candles)
    parameters = inputs.settings(set_ or [])
    known = heard(strategy, parameters, series, strategy_path, model=model, data_dir=data_dir)
    return Request(
        strategy=strategy,
        parameters=parameters,
        limits=inputs.settings(limit or []),
        candles=series,
        detail=tuple(inputs.candles(one, from_=from_, to=to, data_dir=data_dir) for one in detail or []),
        capital=inputs.money("capital", capital),
        fee=fee,
        slippage=slippage,
        spread=spread,
        fill=fill,
        trailing=trailing,
        can_short=not spot,
        strategy_path=strategy_path,
        series=known.series,
        models=known.models,
    )
