"""Kinds of research jobs: backtests, searches, walks, bias checks."""

from __future__ import annotations

from workers.kinds import Kind, markets, part_markets, with_parts
from workers.sweeps import split

KINDS = (
    Kind(name="backtest", function="workers.backtests:run", prepare=markets),
    Kind(
        name="optimization",
        function="workers.sweeps:run",
        prepare=with_parts,
        split=split,
        part="optimization_part",
    ),
    Kind(name="optimization_part", function="workers.sweeps:run_part", prepare=part_markets),
    Kind(name="walk_forward", function="workers.sweeps:walk", prepare=markets),
    Kind(name="bias_check", function="workers.checks:run", prepare=markets),
)
