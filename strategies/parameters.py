"""Parameters: what a strategy can be told, with unit, default and range, and how a wrong value is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trading.errors import BadParameter, nearest

Value = int | float | bool | str
Kind = Literal["int", "float", "bool", "choice"]

_JSON_TYPES = {"int": "integer", "float": "number", "bool": "boolean", "choice": "string"}
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One adjustable value of a strategy.

    Attributes:
        name: as typed in `--set name=value`.
        kind: int, float, bool or choice.
        minimum, maximum: inclusive bounds of a number.
        step: a sensible step for sweeps; 0 = none suggested.
        choices: allowed words of a choice.
        unit: "bars", "ratio", "ATR"…; empty for plain numbers.
        text: what it does, one sentence.
    """

    name: str
    kind: Kind
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    step: float = 0.0
    choices: tuple[str, ...] = ()
    unit: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind == "choice" and not self.choices:
            raise BadParameter(f"Parameter '{self.name}' is a choice without choices; name at least one.")
        self.read(self.default)

    @property
    def allowed(self) -> str:
        """Say which values are allowed, for messages and help."""
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        noun = "a whole number" if self.kind == "int" else "a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{noun} from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{noun} from {self.minimum:g} up"
        if self.maximum is not None:
            return f"{noun} up to {self.maximum:g}"
        return noun

    def read(self, found: object) -> Value:
        """Give a value of the right type, from a value or from typed text.

        Raises:
            BadParameter: wrong type, not finite, out of range or not a choice.
        """
        value: Value | None
        if self.kind == "choice":
            value = found if isinstance(found, str) and found in self.choices else None
        elif self.kind == "bool":
            value = found if isinstance(found, bool) else _WORDS.get(str(found).strip().lower())
        else:
            value = self._number(found)
        if value is None:
            raise BadParameter(
                f"Parameter '{self.name}' is {found!r}; {self.allowed} is allowed.",
                hint=nearest(str(found), self.choices) or None,
            )
        return value

    def _number(self, found: object) -> int | float | None:
        if isinstance(found, bool) or not isinstance(found, int | float | str):
            return None
        try:
            number = float(found)
        except ValueError:
            return None
        below = self.minimum is not None and number < self.minimum
        above = self.maximum is not None and number > self.maximum
        if below or above or number != number or number in (float("inf"), float("-inf")):
            return None
        if self.kind == "float":
            return number
        return int(number) if number == int(number) else None

    def schema(self) -> dict[str, Any]:
        """Give the JSON schema of this value."""
        out: dict[str, Any] = {
            "type": _JSON_TYPES[self.kind],
            "default": self.default,
            "description": self.text,
        }
        if self.kind == "choice":
            out["enum"] = list(self.choices)
        if self.minimum is not None:
            out["minimum"] = self.minimum
        if self.maximum is not None:
            out["maximum"] = self.maximum
        if self.unit:
            out["unit"] = self.unit
        return out


def read_all(owner: str, parameters: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """Give every parameter a value: the given one or the default.

    Raises:
        BadParameter: a name is unknown (the nearest is named) or a value is not allowed.
    """
    known = {one.name: one for one in parameters}
    for name in given:
        if name not in known:
            raise BadParameter(
                f"'{owner}' has no parameter '{name}'; {', '.join(known) or 'none'} can be set.",
                hint=nearest(name, known) or None,
            )
    return {name: one.read(given.get(name, one.default)) for name, one in known.items()}
