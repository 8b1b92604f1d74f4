"""Search spaces: axes of parameter values, written `fast=5:50:5` or `exit=cross,stop`, and their combinations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from trading.errors import BadParameter, nearest

#: A parameter's value as strategies take it.
Value = int | float | bool | str

#: Larger grids are refused: use the optimiser, or a coarser step.
MOST_COMBINATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One parameter and the values it takes, in order."""

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise BadParameter(f"Axis '{self.name}' has no values; at least one is needed.")
        if len(set(map(repr, self.values))) != len(self.values):
            raise BadParameter(f"Axis '{self.name}' repeats a value: {', '.join(map(str, self.values))}.")

    @property
    def is_numeric(self) -> bool:
        """Say whether the values are numbers in rising order: then neighbours mean something."""
        numbers = [
            value for value in self.values if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        return len(numbers) == len(self.values) and numbers == sorted(numbers)


def read_axis(text: str) -> Axis:
    """Read `name=first:last:step` (both ends included), `name=first:last` (step 1) or `name=a,b,c`.

    Decimal arithmetic gives the values, so that 0.1:0.5:0.1 holds 0.3 and not 0.30000000000000004.

    Raises:
        BadParameter: malformed, a step that is not positive, or last below first.

    Example:
        >>> read_axis("fast=5:20:5").values
        (5, 10, 15, 20)
    """
    name, equals, body = text.partition("=")
    name, body = name.strip(), body.strip()
    if not equals or not name or not body:
        raise BadParameter(
            f"'{text}' was given; name=first:last:step or name=a,b,c is allowed.",
            hint="For example fast=5:50:5.",
        )
    if ":" not in body:
        return Axis(name=name, values=tuple(_value(part.strip()) for part in body.split(",")))
    parts = body.split(":")
    try:
        numbers = [Decimal(part) for part in parts]
    except InvalidOperation as problem:
        raise BadParameter(f"'{text}' was given; first, last and step must be numbers.") from problem
    if len(numbers) == 2:
        numbers.append(Decimal(1))
    if len(numbers) != 3 or not all(number.is_finite() for number in numbers):
        raise BadParameter(f"'{text}' was given; name=first:last:step with finite numbers is allowed.")
    first, last, step = numbers
    if step <= 0 or last < first:
        raise BadParameter(f"'{text}' was given; step > 0 and last ≥ first are allowed.")
    count = int((last - first) / step) + 1
    if count > MOST_COMBINATIONS:
        raise BadParameter(f"'{text}' has {count} values; at most {MOST_COMBINATIONS} are allowed.")
    is_whole = all(number == number.to_integral_value() for number in (first, step))
    exact = [first + step * k for k in range(count)]
    return Axis(name=name, values=tuple(int(value) if is_whole else float(value) for value in exact))


def _value(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise BadParameter(f"'{text}' was given as a parameter value; a finite number or a word is allowed.")
    return int(number) if number == int(number) and "." not in text and "e" not in text.lower() else number


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All combinations of some axes; the last axis varies fastest."""

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if not names:
            raise BadParameter("A grid without axes was given; at least one is needed, e.g. fast=5:50:5.")
        if len(set(names)) != len(names):
            raise BadParameter(f"Axes {', '.join(names)} repeat a name; each may be given once.")
        if len(self) > MOST_COMBINATIONS:
            raise BadParameter(
                f"The grid has {len(self)} combinations; at most {MOST_COMBINATIONS} are allowed.",
                hint="Use a coarser step, or --search tpe.",
            )

    @classmethod
    def read(cls, texts: Sequence[str]) -> Grid:
        """Read one axis per text; see `read_axis`."""
        return cls(axes=tuple(read_axis(text) for text in texts))

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def __iter__(self) -> Iterator[dict[str, Value]]:
        names = [axis.name for axis in self.axes]
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield dict(zip(names, values, strict=True))

    def axis(self, name: str) -> Axis:
        """Give an axis by name."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        names = [axis.name for axis in self.axes]
        raise BadParameter(
            f"No axis '{name}'; {', '.join(names)} are there.", hint=nearest(name, names) or None
        )


def key_of(params: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """Give something hashable that tells two parameter sets apart whatever their order; 5 and 5.0 are the same."""
    return tuple(
        sorted(
            (name, repr(float(v)) if not isinstance(v, bool | str) else repr(v)) for name, v in params.items()
        )
    )
