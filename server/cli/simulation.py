"""Orders JSON in, fills JSON out (docs/cli.md, `simulate`)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from trading.backtest.simulate import SimOrder, Trailing
from trading.backtest.simulate import simulate as play
from trading.candles import Candles, fill_gaps
from trading.engine.config import Costs
from trading.errors import InvalidInput, nearest

_KEYS = (
    "bar", "side", "quantity", "type", "price", "stop_loss", "take_profits", "trailing", "exit_bar", "expiry_bars",
    "break_even_after_leg",
)  # fmt: skip


def simulated(
    bars: Candles,
    orders: Any,
    *,
    capital: Decimal,
    fee: float,
    slippage: float,
    spread: float,
    fill: str,
    trailing: str = "close",
) -> dict[str, Any]:
    """Play orders over bars and give the document."""
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
    filled, gaps = fill_gaps(bars)
    if gaps:
        raise InvalidInput(
            f"The bars have {len(gaps)} gaps ({len(filled) - len(bars)} bars), so bar numbers would be ambiguous.",
            hint="Give bars without holes.",
        )
    done = play(bars, [_order(k, one) for k, one in enumerate(orders)], capital=capital, costs=costs)
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
        "refused": [{"order": order, "reason": reason} for order, reason in done.refused],
    }


def _text(value: Decimal) -> str:
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _order(k: int, given: Any) -> SimOrder:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"Order {k} is a {type(given).__name__}; an object is needed.")
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(
                f"Order {k}: field '{key}' is unknown; {', '.join(_KEYS)} are allowed.",
                hint=nearest(key, _KEYS) or None,
            )
    for key in ("bar", "side", "quantity"):
        if key not in given:
            raise InvalidInput(f"Order {k} lacks '{key}'; bar, side and quantity are needed.")
    try:
        return SimOrder(
            bar=_whole(k, "bar", given["bar"]),
            side=given["side"],
            quantity=_decimal(k, "quantity", given["quantity"]),
            type=given.get("type") or "market",
            price=_number(k, "price", given.get("price")),
            stop_loss=_number(k, "stop_loss", given.get("stop_loss")),
            take_profits=_ladder(k, given.get("take_profits") or []),
            trailing=_trailing(k, given.get("trailing")),
            exit_bar=None if given.get("exit_bar") is None else _whole(k, "exit_bar", given["exit_bar"]),
            expiry_bars=_whole(k, "expiry_bars", given.get("expiry_bars") or 0),
            break_even_after_leg=_whole(k, "break_even_after_leg", given.get("break_even_after_leg") or 0),
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
