"""Other words for the same news: names swapped, so that what is learned is not who it was about."""

from __future__ import annotations

import random
import re

#: A name that a post marks as traded: $TSLA.
_CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z.]{0,6}\b")

#: "$TSLA - Tesla rises": the way one source begins its headlines, and no other.
_PREFIX = re.compile(r"^(?:\$[A-Za-z.]{1,7}[ ,]*)+[-:] ")

_COINS = (
    ("bitcoin", "btc"),
    ("ethereum", "eth"),
    ("ripple", "xrp"),
    ("solana", "sol"),
    ("cardano", "ada"),
    ("litecoin", "ltc"),
    ("dogecoin", "doge"),
    ("polkadot", "dot"),
    ("avalanche", "avax"),
    ("polygon", "matic"),
    ("chainlink", "link"),
    ("stellar", "xlm"),
    ("monero", "xmr"),
    ("binance coin", "bnb"),
    ("uniswap", "uni"),
    ("tezos", "xtz"),
)
_COIN = re.compile(
    r"\b(" + "|".join(name for pair in _COINS[:12] for name in pair if name not in {"link", "dot"}) + r")\b",
    re.IGNORECASE,
)

#: Words of the stock market and what is said of coins instead.
_KIN = {
    "stock": ("token", "coin", "crypto"),
    "stocks": ("tokens", "coins", "cryptocurrencies"),
    "shares": ("tokens", "coins", "prices"),
    "share": ("token", "coin"),
    "company": ("exchange", "protocol", "startup"),
    "companies": ("exchanges", "startups"),
    "bank": ("exchange", "fund"),
    "banks": ("exchanges", "funds"),
    "oil": ("bitcoin", "ether"),
    "gold": ("bitcoin",),
    "wall street": ("crypto market",),
    "nasdaq": ("coinbase", "binance"),
}
_KINDRED = re.compile(r"\b(" + "|".join(_KIN) + r")\b", re.IGNORECASE)


def retold(text: str, dice: random.Random, *, swaps: bool = True) -> str:
    """Give the text with some names swapped; what happened to them stays as it was.

    Args:
        swaps: False leaves the names. Whoever swaps as often in texts of each label teaches that a coin's name says
            nothing about the label.

    Example:
        >>> retold("Markets are closed", random.Random(1))
        'Markets are closed'
    """
    if dice.random() < 0.3:
        text = _PREFIX.sub("", text)
    if not swaps:
        return text
    if dice.random() < 0.5:
        coin = dice.choice(_COINS)
        marked = dice.choice((coin[0], f"${coin[1]}"))
        text = _CASHTAG.sub(lambda found: marked, text)
    if dice.random() < 0.5:
        other = dice.choice(_COINS)
        text = _COIN.sub(lambda found: other[len(found[0]) <= 4], text)
    if dice.random() < 0.3:
        text = _KINDRED.sub(lambda found: dice.choice(_KIN[found[0].casefold()]), text)
    return text
