"""What a key may do at its venue. A key that can withdraw is refused: nobody who steals it may move money out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from desk.venues.ccxt_loader import errors
from desk.venues.reading import Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRights:
    """Rights of a key; None = the venue does not say."""

    can_trade: bool | None
    can_withdraw: bool | None


async def rights_of(client: Any) -> KeyRights:
    """Ask a venue what our key may do.

    Raises:
        Unreadable: the answer does not say it.
    """
    ask = _ASK.get(client.id)
    return KeyRights(can_trade=None, can_withdraw=None) if ask is None else await ask(client)


async def _binance(client: Any) -> KeyRights:
    found = _object(await client.sapi_get_account_apirestrictions())
    return KeyRights(
        can_trade=_flag(found, "enableSpotAndMarginTrading"),
        # Transfers to other people's accounts move money out as well.
        can_withdraw=_flag(found, "enableWithdrawals") or bool(found.get("permitsUniversalTransfer", False)),
    )


async def _okx(client: Any) -> KeyRights:
    rows = _object(await client.private_get_account_config()).get("data")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], Mapping):
        raise Unreadable("the account's configuration is empty")
    words = str(rows[0].get("perm", "")).split(",")
    if words == [""]:
        raise Unreadable("the account's configuration names no permissions")
    return KeyRights(can_trade="trade" in words, can_withdraw="withdraw" in words)


async def _coinbase(client: Any) -> KeyRights:
    found = _object(await client.v3_private_get_brokerage_key_permissions())
    return KeyRights(can_trade=_flag(found, "can_trade"), can_withdraw=_flag(found, "can_transfer"))


async def _kraken(client: Any) -> KeyRights:
    # Kraken has no list of rights: the question for withdrawal methods is only answered to keys that may withdraw.
    try:
        await client.private_post_withdrawmethods()
    except errors().PermissionDenied:
        return KeyRights(can_trade=None, can_withdraw=False)
    return KeyRights(can_trade=None, can_withdraw=True)


_ASK: Mapping[str, Callable[[Any], Awaitable[KeyRights]]] = {
    "binance": _binance,
    "okx": _okx,
    "coinbase": _coinbase,
    "kraken": _kraken,
}


def _object(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise Unreadable("the key's rights are no object")
    return found


def _flag(found: Mapping[str, Any], name: str) -> bool:
    value = found.get(name)
    if not isinstance(value, bool):
        raise Unreadable(f"the key's rights do not say '{name}'")
    return value
