"""Named points of an order's life at which a harness may end the process; in service they do nothing.

k00 before the intent's insert, k01 inserted, k02 committed, k03 the executor woke, k04 claim committed, k05 bytes are
going out, k06 the answer is on its way, k07 answer read, k08 answer committed, k09 evidence read, k10 fill written but
not committed, k11 evidence committed, k12 alert claimed, k13 alert sent, k14 inside a snapshot, k15a-e inside the
start-up's comparison, k16a-c inside a cancel or a replacement, k17 inside a graceful stop.
"""

from __future__ import annotations

from collections.abc import Callable

#: Every point, in the order of an order's life.
POINTS = (
    *(f"k{number:02}" for number in range(15)),
    *(f"k15{letter}" for letter in "abcde"),
    *(f"k16{letter}" for letter in "abc"),
    "k17",
)

_hooks: list[Callable[[str], None]] = []


def faultpoint(name: str) -> None:
    """Pass a point; whoever is armed hears of it and may end the process."""
    for hook in _hooks:
        hook(name)


def arm(hook: Callable[[str], None]) -> Callable[[], None]:
    """Hear of every point that is passed; call what is given back to stop. For harnesses only."""
    _hooks.append(hook)
    return lambda: _hooks.remove(hook)
