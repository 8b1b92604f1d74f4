"""Send 300 orders whose answer is lost, over every dedupe policy; each is settled by evidence, none is sent again.

    python tests/proofs/unknown_outcomes.py [--full] [--count 300]

A third was accepted, a third never arrives, a third arrives up to 90 s late; the exchange refuses a known client id
always, only while the first order is open, or never. Evidence is a found order, its executions, or absence proved by
rule 4 (docs/order-path.md). A late one of a burned id is found, cancelled and raised.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from desk.order_views import IncidentKind  # noqa: E402
from desk.store import migrate  # noqa: E402
from tests.support.execution_house import a_live_house  # noqa: E402
from tests.support.fake_venue import ACCEPT_THEN_DROP, DROP, LATE  # noqa: E402
from tests.support.histories import StepClock  # noqa: E402
from tests.support.memory_store import memory_store  # noqa: E402
from trading.orders import OrderState  # noqa: E402

DEDUPES = ("always", "open", "none")
FATES = (ACCEPT_THEN_DROP, DROP, LATE)


async def prove(template: Path, count: int) -> dict[str, Any]:
    """Send them; give what became of them."""
    ended: Counter[str] = Counter()
    sent = late = complaints = 0
    clock = StepClock()
    store = memory_store(template, clock)
    per_kind = max(1, count // (len(DEDUPES) * len(FATES)))
    total = 0
    for dedupe in DEDUPES:
        for fate in FATES:
            house = await a_live_house(store, dedupe=dedupe, history_delay_ms=2_000, clock=clock)
            for number in range(per_kind):
                # Half of them rest at the exchange, half fill at once.
                order = await house.buy("0.1", **({"price": Decimal(90)} if number % 2 else {}))
                house.venue.script.append(fate)
                settled = await house.settle(order)
                ended[f"{fate}: {settled.state}"] += 1
                total += 1
            await house.work(150.0, step_s=10.0)
            await house.executor.compare(cause="proof")
            await house.work(10.0)
            sent += len(house.venue.sent) - len(set(house.venue.sent))
            late += sum(one.kind is IncidentKind.LATE_ACCEPTANCE for one in await house.incidents())
            complaints += len(await house.complaints())
    doubtful = sum(number for state, number in ended.items() if state.endswith(OrderState.UNKNOWN.value))
    return {
        "unknown_outcomes": total,
        "settled": total - doubtful,
        "resent": sent,
        "late_acceptances_raised": late,
        "complaints": complaints,
        "ended": dict(sorted(ended.items())),
    }


def main() -> int:
    """Prove it; 0 when every order was settled and none was sent again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--count", type=int, default=0)
    options = parser.parse_args()
    count = options.count or (900 if options.full else 306)
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.sqlite3"
        asyncio.run(migrate(f"sqlite:{template}"))
        result = asyncio.run(prove(template, count))
    print(json.dumps(result, indent=1))
    is_proved = (
        result["settled"] == result["unknown_outcomes"] and not result["resent"] and not result["complaints"]
    )
    return 0 if is_proved else 1


if __name__ == "__main__":
    sys.exit(main())
