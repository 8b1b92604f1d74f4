"""Which assets a headline is about: names and tickers of a list, so that nobody can make one up."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Ticker → names in lower case. Only these are ever tagged.
NAMES: Mapping[str, tuple[str, ...]] = {
    "BTC": ("bitcoin", "btc", "xbt", "bitcoins"),
    "ETH": ("ethereum", "eth", "ether"),
    "SOL": ("solana",),
    "XRP": ("xrp", "ripple"),
    "BNB": ("bnb", "binance coin"),
    "ADA": ("cardano",),
    "DOGE": ("dogecoin", "doge"),
    "TRX": ("tron", "trx"),
    "LINK": ("chainlink",),
    "AVAX": ("avalanche", "avax"),
    "DOT": ("polkadot",),
    "LTC": ("litecoin", "ltc"),
    "BCH": ("bitcoin cash", "bch"),
    "UNI": ("uniswap",),
    "XLM": ("stellar lumens", "xlm"),
    "XMR": ("monero", "xmr"),
    "ATOM": ("cosmos hub",),
    "ETC": ("ethereum classic",),
    "NEAR": ("near protocol",),
    "APT": ("aptos",),
    "ARB": ("arbitrum",),
    "OP": ("optimism network",),
    "SUI": ("sui network", "sui blockchain"),
    "TON": ("toncoin", "the open network"),
    "SHIB": ("shiba inu", "shib"),
    "PEPE": ("pepecoin",),
    "POL": ("polygon", "matic"),
    "AAVE": ("aave",),
    "MKR": ("makerdao",),
    "FIL": ("filecoin",),
    "ALGO": ("algorand",),
    "HBAR": ("hedera", "hbar"),
    "ICP": ("internet computer",),
    "XTZ": ("tezos", "xtz"),
    "HYPE": ("hyperliquid",),
}

#: Tickers that are also words or other abbreviations: they count with a $ or in brackets only.
_WORDS = frozenset(
    {"LINK", "DOT", "UNI", "NEAR", "OP", "SUI", "TON", "ATOM", "APT", "ETC", "ADA", "SOL", "POL", "HYPE"}
)

_BY_NAME = {name: asset for asset, names in NAMES.items() for name in names}
# Longer names first: "bitcoin cash" is not bitcoin.
_NAME = re.compile(
    r"(?<![\w$])(" + "|".join(sorted(map(re.escape, _BY_NAME), key=len, reverse=True)) + r")(?!\w)",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?:\$|\()([A-Za-z]{2,6})(?!\w)")
_BARE = re.compile(r"(?<![\w$])(" + "|".join(sorted(set(NAMES) - _WORDS, key=len, reverse=True)) + r")(?!\w)")


def assets_of(title: str, summary: str = "") -> tuple[str, ...]:
    """Give the assets that a title is about, in their order; those of the summary where the title names none.

    Example:
        >>> assets_of("Bitcoin Cash and $SOL slide as Ether holds")
        ('BCH', 'SOL', 'ETH')
    """
    return _named_in(title) or _named_in(summary)[:3]


def _named_in(text: str) -> tuple[str, ...]:
    found = [(one.start(), _BY_NAME[one[1].lower()]) for one in _NAME.finditer(text)]
    found += [(one.start(), one[1].upper()) for one in _MARKED.finditer(text) if one[1].upper() in NAMES]
    found += [(one.start(), one[1]) for one in _BARE.finditer(text)]
    return tuple(dict.fromkeys(asset for _, asset in sorted(found)))
