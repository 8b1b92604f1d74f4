"""Orders JSON in, fills JSON out (docs/research.md, `simulate`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from desk.research.runs import moment, risk_limits
from trading.backtest.simulate import Range, SimOrder, Simulation, Trailing, Venue
from trading.backtest.simulate import simulate as play
from trading.candles import Candles, fill_gaps
from trading.engine.config import Costs, RiskLimits
from trading.errors import InvalidInput, nearest

_KEYS = (
    "bar", "side", "quantity", "type", "price", "stop_loss", "take_profits", "trailing", "exit_bar", "expiry_bars",
    "break_even_after_leg", "max_bars", "market", "bot", "score", "hedge_beta", "grid",
)  # fmt: skip


def simulated(
    bars: Sequence[Candles],
    orders: Any,
    *,
    capital: Decimal,
    fee: float,
    slippage: float,
    spread: float,
    fill: str,
    trailing: str = "close",
    venue: Venue | None = None,
    limits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Play orders over bars and give the document; without limits only cash bounds an order."""
    if not isinstance(orders, list):
        raise InvalidInput(f"Orders are a {type(orders).__name__}; a list of orders is needed.")
    if fill not in {"through", "touch"}:
        raise InvalidInput(
            f"Fill rule '{fill}' was given; through or touch is allowed.",
            hint=nearest(fill, ("through", "touch")) or None,
        )
    if trailing not in {"close", "venue"}:
        raise InvalidInput(
            f"Trailing '{trailing}' was given; close or venue is allowed.",
            hint=nearest(trailing, ("close", "venue")) or None,
        )
    costs = Costs(
        maker_fee=fee,
        taker_fee=fee,
        slippage=slippage,
        spread=spread,
        fill=fill,  # type: ignore[arg-type]
        trailing=trailing,  # type: ignore[arg-type]
    )
    done = play(
        [_whole_series(one) for one in bars],
        [_order(k, one, is_sized=bool(limits)) for k, one in enumerate(orders)],
        capital=capital,
        costs=costs,
        venue=venue,
        limits=risk_limits(limits or {}, RiskLimits.off()),
    )
    return _document(done)


def _whole_series(bars: Candles) -> Candles:
    filled, gaps = fill_gaps(bars)
    if gaps:
        raise InvalidInput(
            f"The bars have {len(gaps)} gaps ({len(filled) - len(bars)} bars), so bar numbers would be ambiguous.",
            hint="Give bars without holes.",
        )
    return replace(bars, pair="")


def _document(done: Simulation) -> dict[str, Any]:
    return {
        "fills": [
            {
                "bar": one.bar,
                "order": one.order,
                "side": one.side,
                "price": _text(one.price),
                "quantity": _text(one.quantity),
                "fee": _text(one.fee),
                "reason": one.reason,
            }
            for one in done.fills
        ],
        "account": {
            "cash": _text(done.cash),
            "equity": _text(done.equity),
            "state": done.account.state,
            "positions": [
                {
                    "order": one.order,
                    "side": one.side,
                    "quantity": _text(one.quantity),
                    "entry_price": _text(one.entry_price),
                    "stop": one.stop,
                    "unrealised": _text(one.unrealised),
                }
                for one in done.positions
            ],
        },
        "decisions": [
            {
                "bar": one.bar,
                "order": one.order,
                "quantity": _text(one.quantity),
                "binding": one.binding or None,
                "denied": one.denied or None,
                "limits": {name: value for name, value in one.limits.items() if value != float("inf")},
            }
            for one in done.decisions
        ],
        "refused": [{"order": order, "reason": reason} for order, reason in done.refused],
        "notices": [
            {
                "at": moment(one.ts_ms),
                "kind": one.kind,
                "order": one.line if one.line >= 0 else None,
                "reason": one.reason,
                "value": one.value,
            }
            for one in done.notices
        ],
    }


def _text(value: Decimal) -> str:
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _order(k: int, given: Any, *, is_sized: bool) -> SimOrder:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"Order {k} is a {type(given).__name__}; an object is needed.")
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(
                f"Order {k}: field '{key}' is unknown; {', '.join(_KEYS)} are allowed.",
                hint=nearest(key, _KEYS) or None,
            )
    is_sized = is_sized or given.get("grid") is not None or given.get("hedge_beta") is not None
    needed = ("bar", "side") if is_sized else ("bar", "side", "quantity")
    for key in needed:
        if key not in given:
            raise InvalidInput(
                f"Order {k} lacks '{key}'; {' and '.join(', '.join(needed).rsplit(', ', 1))} are needed.",
                hint="With --limit an order without a quantity is sized by the limits."
                if key == "quantity"
                else None,
            )
    try:
        return SimOrder(
            bar=_whole(k, "bar", given["bar"]),
            side=given["side"],
            quantity=None if given.get("quantity") is None else _decimal(k, "quantity", given["quantity"]),
            market=_whole(k, "market", given.get("market") or 0),
            type=given.get("type") or "market",
            price=_number(k, "price", given.get("price")),
            stop_loss=_number(k, "stop_loss", given.get("stop_loss")),
            take_profits=_ladder(k, given.get("take_profits") or []),
            trailing=_trailing(k, given.get("trailing")),
            exit_bar=None if given.get("exit_bar") is None else _whole(k, "exit_bar", given["exit_bar"]),
            expiry_bars=_whole(k, "expiry_bars", given.get("expiry_bars") or 0),
            break_even_after_leg=_whole(k, "break_even_after_leg", given.get("break_even_after_leg") or 0),
            max_bars=_whole(k, "max_bars", given.get("max_bars") or 0),
            score=float(_decimal(k, "score", given.get("score") or 0)),
            bot=str(given.get("bot") or ""),
            hedge_beta=_number(k, "hedge_beta", given.get("hedge_beta")),
            grid=_grid(k, given.get("grid")),
        )
    except InvalidInput as wrong:
        raise InvalidInput(
            f"Order {k}: {wrong.message}" if not wrong.message.startswith("Order ") else wrong.message,
            hint=wrong.hint,
        ) from wrong


def _whole(k: int, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"Order {k}: {name} is {value!r}; a whole number is allowed.")
    return value


def _decimal(k: int, name: str, value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite():
        raise InvalidInput(f"Order {k}: {name} is {value!r}; a number is allowed.")
    return found


def _number(k: int, name: str, value: Any) -> float | None:
    return None if value is None else float(_decimal(k, name, value))


def _ladder(k: int, given: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(given, list) or not all(
        isinstance(one, list | tuple) and len(one) == 2 for one in given
    ):
        raise InvalidInput(f"Order {k}: take_profits is {given!r}; a list of [fraction, price] is allowed.")
    return tuple((float(_decimal(k, "fraction", a)), float(_decimal(k, "target price", b))) for a, b in given)


def _trailing(k: int, given: Any) -> Trailing | None:
    if given is None:
        return None
    if not isinstance(given, Mapping) or "distance" not in given or set(given) - {"distance", "active_from"}:
        raise InvalidInput(f'Order {k}: trailing is {given!r}; {{"distance", "active_from"}} is allowed.')
    return Trailing(
        distance=float(_decimal(k, "trailing distance", given["distance"])),
        active_from=float(_decimal(k, "active_from", given.get("active_from") or 0)),
    )


def _grid(k: int, given: Any) -> Range | None:
    if given is None:
        return None
    if not isinstance(given, Mapping) or set(given) != {"low", "high", "levels"}:
        raise InvalidInput(f'Order {k}: grid is {given!r}; {{"low", "high", "levels"}} is allowed.')
    return Range(
        low=float(_decimal(k, "grid low", given["low"])),
        high=float(_decimal(k, "grid high", given["high"])),
        levels=_whole(k, "grid levels", given["levels"]),
    )
