"""What a request says: its parameters and whose signature it carries."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote_plus

from server.sim_exchange.house import SimHouse
from server.sim_exchange.orders import SimOrder, Wallet
from server.sim_exchange.refusals import Refusal

#: Signed requests may be this old at most when they do not say so.
RECV_WINDOW_MS = 5_000

_PRICED = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
_KINDS = (*_PRICED, "MARKET", "STOP_LOSS", "TAKE_PROFIT")


def parameters(raw: str) -> dict[str, str]:
    """Read a query string or form; a name that comes twice keeps its last value."""
    pairs = (one.partition("=") for one in raw.split("&") if one)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def signer(house: SimHouse, key: str, raw: str) -> Wallet:
    """Give the wallet whose secret signed a request.

    Raises:
        Refusal: -2014/-2015 for the key, -1022 for the signature, -1021 for the time.
    """
    wallet = known_key(house, key)
    values = parameters(raw)
    signed, _, signature = raw.rpartition("signature=")
    signed = signed.rstrip("&")
    expected = hmac.new(wallet.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.split("&")[0]):
        raise Refusal(-1022, "Signature for this request is not valid.")
    check_time(house, values)
    return wallet


def known_key(house: SimHouse, key: str) -> Wallet:
    """Give the wallet of a key.

    Raises:
        Refusal: -2014 without a key, -2015 for one that is unknown or revoked.
    """
    if not key:
        raise Refusal(-2014, "API-key format invalid.", status=401)
    wallet = house.exchange.wallets.get(key)
    if wallet is None or wallet.is_revoked:
        raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return wallet


def check_time(house: SimHouse, values: Mapping[str, str]) -> None:
    """Refuse a request from another time.

    Raises:
        Refusal: -1021.
    """
    try:
        stamp, window = int(values["timestamp"]), int(values.get("recvWindow", RECV_WINDOW_MS))
    except (KeyError, ValueError):
        raise Refusal(
            -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
        ) from None
    now_ms = house.now_ms()
    if stamp >= now_ms + 1000:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - stamp > min(window, 60_000):
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def order_of(house: SimHouse, values: Mapping[str, str], *, prefix: str = "") -> SimOrder:
    """Read an order; with a prefix, one side of a pair ("above", "below").

    Raises:
        Refusal: -1102 missing, -1111 too many digits, -1116/-1117 no such type or side.
    """

    def text(name: str, default: str = "") -> str:
        found = values.get(prefix + name[0].upper() + name[1:] if prefix else name, "")
        return found or default

    kind, side = text("type"), values.get("side", "")
    if kind not in _KINDS:
        raise Refusal(-1116, "Invalid orderType.")
    if side not in ("BUY", "SELL"):
        raise Refusal(-1117, "Invalid side.")
    if kind in _PRICED and not text("price"):
        raise missing("price")
    now_ms = house.now_ms()
    number = house.exchange.next_order()
    return SimOrder(
        number=number,
        client_id=text("clientOrderId" if prefix else "newClientOrderId", f"sim-{number}"),
        symbol=values.get("symbol", ""),
        side=side,
        kind=kind,
        quantity=amount("quantity", values.get("quantity", "")),
        price=amount("price", text("price", "0")) if kind in _PRICED else Decimal(0),
        stop_price=amount("stopPrice", text("stopPrice", "0")),
        time_in_force=text("timeInForce", "GTC"),
        at_ms=now_ms,
        visible_from_ms=now_ms + house.exchange.rules.history_delay_ms,
    )


def amount(name: str, found: str) -> Decimal:
    """Read a number as the venue does.

    Raises:
        Refusal: -1100 not a plain number, -1111 more than eight places.
    """
    if not found:
        raise missing(name)
    try:
        value = Decimal(found)
    except InvalidOperation:
        raise illegal(name) from None
    exponent = value.as_tuple().exponent
    if not value.is_finite() or "e" in found.lower() or value < 0:
        raise illegal(name)
    if isinstance(exponent, int) and value.normalize().as_tuple().exponent < -8:  # type: ignore[operator]
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    return value


def missing(name: str) -> Refusal:
    """A parameter is not there."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str) -> Refusal:
    """A parameter cannot be read."""
    return Refusal(
        -1100,
        f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.",
    )
