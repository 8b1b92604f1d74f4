"""Fail when less of the code is covered by tests than was promised: 90 % of the core and the desk, 80 % overall."""

from __future__ import annotations

import io
import sys

import coverage

#: Rooms whose lines must be covered to at least this percentage, each.
FLOORS = {"trading": 90.0, "strategies": 90.0, "desk": 90.0}
OVERALL = 80.0


def main() -> int:
    """Print a line per room and tell whether all floors hold."""
    measured = coverage.Coverage()
    measured.load()
    failed = False
    for room, floor in {**FLOORS, "": OVERALL}.items():
        include = [f"{room}/*", f"*/{room}/*"] if room else None
        percent = measured.report(include=include, file=io.StringIO())
        verdict = "ok" if percent >= floor else "BELOW"
        failed = failed or percent < floor
        print(f"coverage {room or 'overall':<12} {percent:5.1f} %  (floor {floor:.0f} %) {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
