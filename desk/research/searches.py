"""Searching a strategy's parameters: what picks them, and what was found as a document of plain values."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from desk.research.runs import Request, account_for, columns_of, details_of, prepared, registry
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from trading.backtest.evaluate import Laboratory
    from trading.backtest.sweep import Recorder
    from trading.backtest.trials import SearchResult, Trial
    from trading.backtest.walk_forward import Picker


def laboratory(request: Request) -> tuple[Laboratory, Mapping[str, Any]]:
    """Give what runs a strategy with other parameters over the same markets, and the parameters that stay."""
    from trading.backtest.evaluate import Laboratory

    markets, _ = prepared(request.candles)
    cls = registry(request.strategy_path).get_strategy(request.strategy)
    cls(**request.parameters)
    lab = Laboratory(
        markets,
        account_for(request, markets),
        lambda params: columns_of(cls(**params), markets, request.series),
        detail=details_of(request, markets),
    )
    return lab, request.parameters


def picker(
    request: Request,
    grid: Sequence[str],
    search: str,
    trials: int,
    objective: str,
    minimum_trades: int,
    *,
    known: tuple[Trial, ...] = (),
    record: Recorder | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Picker, tuple[Any, ...]]:
    """Give what picks parameters: a whole grid, or a guided search over it or over the strategy's own ranges."""
    from trading.backtest.optimizer import Interval
    from trading.backtest.optimizer import search as guided
    from trading.backtest.search_space import Axis, read_axis
    from trading.backtest.search_space import Grid as Space
    from trading.backtest.sweep import sweep
    from trading.backtest.trials import check_objective

    check_objective(objective)
    if search not in {"", "tpe"}:
        raise InvalidInput(
            f"Search '{search}' was given; tpe is allowed.", hint="Or give --grid for every combination."
        )
    parameters = {
        one.name: one for one in registry(request.strategy_path).get_strategy(request.strategy).parameters
    }
    axes = tuple(read_axis(one) for one in grid)
    for axis in axes:
        if axis.name not in parameters:
            registry(request.strategy_path).get_strategy(request.strategy)(**{axis.name: axis.values[0]})
    if not search:
        if not axes:
            raise InvalidInput("No parameters were named; --grid k=a:b:step or --search tpe is needed.")
        space = Space(axes=axes)
        return (
            lambda run: sweep(
                run,
                space,
                objective=objective,
                minimum_trades=minimum_trades,
                known=known,
                record=record,
                cancel=cancel,
            )
        ), axes
    dimensions: list[Any] = list(axes)
    for one in parameters.values():
        if axes or one.name in request.parameters:
            continue
        if one.kind == "choice":
            dimensions.append(Axis(name=one.name, values=one.choices))
        elif one.kind == "bool":
            dimensions.append(Axis(name=one.name, values=(True, False)))
        elif one.minimum is not None and one.maximum is not None:
            step = one.step or (1.0 if one.kind == "int" else None)
            dimensions.append(Interval(name=one.name, low=one.minimum, high=one.maximum, step=step))
    return (
        lambda run: guided(
            run,
            dimensions,
            trials=trials,
            objective=objective,
            minimum_trades=minimum_trades,
            known=known,
            record=record,
            cancel=cancel,
        )
    ), axes


def search_document(
    strategy: str,
    found: SearchResult,
    objective: str,
    axes: tuple[Any, ...] = (),
    models: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Give what a search found as plain values; with the axes of a grid, how the winner's neighbours did too.

    Args:
        models: whose forecasts its runs read, as plain values.
    """
    from trading.backtest.search_space import Grid as Space

    best = found.best
    return {
        "strategy": strategy,
        "objective": objective,
        "trials": [
            {
                "trial": one.number,
                "params": one.params,
                "state": one.state,
                "figures": one.figures,
                "message": one.message or None,
            }
            for one in found.trials
        ],
        "best": None
        if best is None
        else {"trial": best.number, "params": best.params, "figures": best.figures},
        "deflated": None
        if found.deflated is None
        else {
            "trials": found.deflated.trials,
            "sharpe_daily_sd": found.deflated.sharpe_daily_sd,
            "luck_sharpe": found.deflated.luck_sharpe,
            "dsr": found.deflated.dsr,
        },
        "plateau": found.plateau(Space(axes=axes)) if axes else None,
        "was_cancelled": found.was_cancelled,
        "models": list(models),
    }


def heat_picture(found: SearchResult, axes: tuple[Any, ...]) -> bytes:
    """Draw an objective over one or two searched parameters."""
    from desk.charts.drawing import draw
    from desk.charts.specs import BarSpec, HeatSpec, as_spec

    if len(axes) == 1:
        by_value = {str(one.params[axes[0].name]): one.figure(found.objective) for one in found.trials}
        spec = BarSpec(
            labels=tuple(by_value),
            values=tuple(by_value.values()),
            title=f"{found.objective} by {axes[0].name}",
        )
        return draw("daily", as_spec(spec))
    if len(axes) < 2:
        raise InvalidInput("A picture of a search needs --grid with one or two parameters.")
    heat = found.heat_map(axes[0], axes[1])
    map_spec = HeatSpec(
        x=tuple(str(one) for one in heat.x.values),
        y=tuple(str(one) for one in heat.y.values),
        values=heat.values.ravel(),  # type: ignore[arg-type]
        x_name=heat.x.name,
        y_name=heat.y.name,
        title=f"{found.objective} by {heat.x.name} and {heat.y.name}",
        subtitle=f"{len(found.trials)} trials; the best is framed",
    )
    return draw("heat", as_spec(map_spec))
