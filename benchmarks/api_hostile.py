"""CPU time that each hostile document costs before it is refused: parse, measure, validate. Limit: 50 ms each.

python -m benchmarks.api_hostile
"""

from __future__ import annotations

import time

from api.documents import Documents
from api.schema import SCHEMA
from api.view import MAX_BODY
from tests.support.hostile import HOSTILE

LIMIT_MS = 50.0


def cpu_ms(text: str) -> float:
    """Give the best of three, each with a cold cache."""
    times = []
    for _ in range(3):
        documents = Documents()
        began = time.process_time()
        documents.look_up(SCHEMA._schema, text)
        times.append((time.process_time() - began) * 1000)
    return min(times)


def main() -> None:
    """Print the slowest ten and how many break the limit."""
    Documents().look_up(SCHEMA._schema, "{ viewer { role } }")
    times = sorted(
        ((cpu_ms(text), name) for name, text in HOSTILE.items() if len(text) <= MAX_BODY), reverse=True
    )
    for milliseconds, name in times[:10]:
        print(f"{milliseconds:8.2f} ms  {name}")
    over = [name for milliseconds, name in times if milliseconds > LIMIT_MS]
    print(
        f"{len(times)} documents, {len(HOSTILE) - len(times)} more are over the body limit; above {LIMIT_MS:g} ms: {over}"
    )


if __name__ == "__main__":
    main()
