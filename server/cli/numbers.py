"""Numbers for people's eyes: 85.1608 where arithmetic gave 85.16080000000001."""

from __future__ import annotations

from typing import Any

#: What a float says for certain.
_CERTAIN_DIGITS = 14
#: A value that is so short once it is rounded was meant so; a longer one is left as it is.
_SHORT_DIGITS = 11


def without_noise(document: Any) -> Any:
    """Give a document whose floats, and decimals in texts, lost what only arithmetic put behind their last digit.

    A value that has many digits of its own stays exactly what it was.

    Example:
        >>> without_noise({"price": "85.16080000000001", "share": 0.30000000000000004, "score": 0.9821541659391625})
        {'price': '85.1608', 'share': 0.3, 'score': 0.9821541659391625}
    """
    if isinstance(document, dict):
        return {name: without_noise(one) for name, one in document.items()}
    if isinstance(document, list | tuple):
        return [without_noise(one) for one in document]
    if isinstance(document, float):
        return _shortened(document)
    if isinstance(document, str) and len(document) > _CERTAIN_DIGITS and _is_decimal(document):
        return _plain(_shortened(float(document)), document)
    return document


def _shortened(value: float) -> float:
    rounded = float(f"{value:.{_CERTAIN_DIGITS}g}")
    digits = f"{rounded:.{_CERTAIN_DIGITS - 1}e}".partition("e")[0].replace(".", "").strip("-").rstrip("0")
    return rounded if len(digits) <= _SHORT_DIGITS else value


def _is_decimal(text: str) -> bool:
    whole, dot, part = text.removeprefix("-").partition(".")
    return bool(dot) and whole.isdecimal() and part.isdecimal()


def _plain(value: float, text: str) -> str:
    """Give a decimal without an exponent; what did not change stays the text that it was."""
    if value == float(text):
        return text
    from decimal import Decimal

    return format(Decimal(repr(value)), "f")
