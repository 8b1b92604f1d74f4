"""`simulate`, `metrics`, `size`: the rules of trading applied to files and numbers from anywhere."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli import inputs, output
from server.cli.options import AsJson, Capital, Fee, FillRule, Limits, Slippage, Spot, Spread, Trailing
from server.cli.performance import metrics
from trading.errors import InvalidInput, nearest


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("simulate")(simulate)
    app.command("metrics")(metrics)
    app.command("size")(size)


def simulate(
    bars: Annotated[list[Path], typer.Option(help="A candle file; repeat it for several markets.")],
    orders: Annotated[Path, typer.Option(help="A JSON file: a list of orders.")],
    capital: Capital = "10000",
    fee: Fee = 0.001,
    slippage: Slippage = 0.0,
    spread: Spread = 0.0,
    fill: FillRule = "through",
    trailing: Trailing = "close",
    step: Annotated[str, typer.Option(help="Quantity step of the venue.")] = "0.00000001",
    min_quantity: Annotated[str, typer.Option(help="Smallest quantity that the venue takes.")] = "0",
    min_notional: Annotated[str, typer.Option(help="Smallest notional that the venue takes.")] = "0",
    limit: Limits = None,
    spot: Spot = False,
    as_json: AsJson = False,
) -> None:
    """Show what happens to given orders on given bars. The fill rules apply, and limits where some are given."""
    from desk.feeds.files import load_candles
    from server.cli.simulation import simulated
    from trading.backtest.simulate import Venue

    answer = simulated(
        [load_candles(one, has_whole_bodies=False) for one in bars],
        inputs.json_file(orders, "Orders"),
        capital=inputs.money("capital", capital),
        fee=fee,
        slippage=slippage,
        spread=spread,
        fill=fill,
        trailing=trailing,
        venue=Venue(
            step=inputs.money("step", step),
            min_quantity=_amount("min-quantity", min_quantity),
            min_notional=_amount("min-notional", min_notional),
            can_short=not spot,
        ),
        limits=inputs.settings(limit or []),
    )
    if as_json:
        output.emit_json(answer)
    else:
        _print_simulation(answer)


def _print_simulation(answer: dict[str, Any]) -> None:
    names = ("bar", "order", "side", "price", "quantity", "fee", "reason")
    rows = [tuple(str(one[name]) for name in names) for one in answer["fills"]]
    output.table("Fills", names, rows, right=(0, 1, 3, 4, 5))
    for one in answer["refused"]:
        output.console().print(f"Order {one['order']} was refused: {one['reason']}.")
    for one in answer["notices"]:
        output.console().print(f"{one['at']}: {one['kind']}{' ' + one['reason'] if one['reason'] else ''}.")
    account = answer["account"]
    output.console().print(
        f"Cash {account['cash']}, equity {account['equity']}, open positions {len(account['positions'])}, "
        f"state {account['state']}."
    )


def size(
    equity: Annotated[str, typer.Option(help="Equity of the account in quote currency.")],
    entry: Annotated[str, typer.Option(help="Entry price.")],
    stop: Annotated[str | None, typer.Option(help="Protective stop price.")] = None,
    atr: Annotated[str | None, typer.Option(help="Average true range in price units.")] = None,
    multiple: Annotated[float, typer.Option(help="Stop distance as a multiple of the ATR.")] = 2.0,
    method: Annotated[str, typer.Option(help="kelly, fixed or atr.")] = "fixed",
    risk: Annotated[float, typer.Option(help="Risk per trade as a ratio of equity.")] = 0.01,
    max_position: Annotated[float, typer.Option(help="Largest position as a ratio of equity.")] = 0.10,
    kelly_fraction: Annotated[float, typer.Option(help="Share of the full Kelly fraction.")] = 0.5,
    win_rate: Annotated[float | None, typer.Option(help="Share of winning trades, for kelly.")] = None,
    payoff: Annotated[float | None, typer.Option(help="Average win / average loss, for kelly.")] = None,
    trades: Annotated[
        int | None, typer.Option(help="Closed out-of-sample trades behind win rate and payoff.")
    ] = None,
    fee: Annotated[float, typer.Option(help="Fee per side as a ratio.")] = 0.0,
    slippage: Annotated[float, typer.Option(help="Slippage per side as a ratio.")] = 0.0,
    spread: Annotated[float, typer.Option(help="Bid-ask spread as a ratio.")] = 0.0,
    step: Annotated[str, typer.Option(help="Quantity step.")] = "0.00000001",
    min_quantity: Annotated[str, typer.Option(help="Smallest quantity.")] = "0",
    min_notional: Annotated[str, typer.Option(help="Smallest notional.")] = "0",
    max_quantity: Annotated[str | None, typer.Option(help="Largest quantity.")] = None,
    free_balance: Annotated[
        str | None, typer.Option(help="Quote currency that may be spent; default: all equity.")
    ] = None,
    open_risk: Annotated[str, typer.Option(help="What the open positions lose at their stops.")] = "0",
    portfolio_risk: Annotated[
        float | None, typer.Option(help="Limit of all open risk as a ratio of equity.")
    ] = None,
    asset_exposure: Annotated[
        str, typer.Option(help="Notional already held or ordered in the same asset.")
    ] = "0",
    as_json: AsJson = False,
) -> None:
    """Compute a position size. Shows each limit's arithmetic and the binding constraint."""
    from trading.risk.sizing import SizingMethod, SizingRequest
    from trading.risk.sizing import size as sized

    if method not in set(SizingMethod):
        raise InvalidInput(
            f"Method '{method}' was given; {', '.join(SizingMethod)} are allowed.",
            hint=nearest(method, SizingMethod) or None,
        )
    answer = sized(
        SizingRequest(
            equity=inputs.money("equity", equity),
            entry=inputs.money("entry", entry),
            stop=None if stop is None else inputs.money("stop", stop),
            atr=None if atr is None else inputs.money("atr", atr),
            multiple=multiple,
            method=SizingMethod(method),
            risk_per_trade=risk,
            max_position=max_position,
            kelly_fraction=kelly_fraction,
            win_rate=win_rate,
            payoff=payoff,
            trades=trades,
            fee=fee,
            slippage=slippage,
            spread=spread,
            step=inputs.money("step", step),
            min_quantity=_amount("min-quantity", min_quantity),
            min_notional=_amount("min-notional", min_notional),
            max_quantity=None if max_quantity is None else inputs.money("max-quantity", max_quantity),
            free_balance=None if free_balance is None else _amount("free-balance", free_balance),
            open_risk=_amount("open-risk", open_risk),
            portfolio_risk=portfolio_risk,
            asset_exposure=_amount("asset-exposure", asset_exposure),
        )
    )
    document: dict[str, Any] = {
        "quantity": answer.quantity,
        "notional": answer.notional,
        "risk": answer.risk,
        "binding": answer.binding,
        "limits": answer.limits,
        "reason": answer.reason or None,
        "note": answer.note or None,
    }
    if as_json:
        output.emit_json(document)
        return
    rows = [
        (("→ " if name == answer.binding else "  ") + name, _short(value))
        for name, value in answer.limits.items()
    ]
    output.table("Each limit's quantity", ("limit", "quantity"), rows, right=(1,))
    verdict = (
        f"rejected: {answer.reason}"
        if answer.reason
        else f"{_short(answer.quantity)} (notional {_short(answer.notional)}, risk {_short(answer.risk)})"
    )
    output.console().print(
        f"Size: {verdict}; bound by {answer.binding}.{' ' + answer.note + '.' if answer.note else ''}"
    )


def _short(value: Decimal) -> str:
    """Write a decimal without the zeros that its step leaves behind."""
    return f"{value.normalize():f}"


def _amount(name: str, text: str) -> Decimal:
    return Decimal(0) if text.strip() in {"0", "0.0"} else inputs.money(name, text)
