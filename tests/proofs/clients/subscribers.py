"""Many subscribers with forced reconnects, each reading the whole journal with `gql` as our example does.

python subscribers.py URL TOKEN SUBSCRIBERS RECONNECTS FACTS   prints one JSON object
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys

from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

EVENTS = (
    "subscription ($after: Cursor) { events(after: $after) { cursor sequence kind occurredAt pair payload } }"
)


async def subscriber(url: str, token: str, number: int, reconnects: int, facts: int) -> tuple[list[int], int]:
    """Read everything; give the sequences and how often the connection was cut."""
    left = sorted(random.Random(number).sample(range(1, facts), reconnects))
    seen: list[int] = []
    cut = 0
    cursor = base64.urlsafe_b64encode(b"journal:0").decode().rstrip("=")
    while len(seen) < facts:
        transport = WebsocketsTransport(url=url, init_payload={"Authorization": f"Bearer {token}"})
        try:
            async with Client(transport=transport) as session:
                request = gql(EVENTS)
                request.variable_values = {"after": cursor}
                async for answer in session.subscribe(request):
                    event = answer["events"]
                    cursor = event["cursor"]
                    if event["kind"] == "SUBSCRIBED":
                        continue
                    seen.append(event["sequence"])
                    if len(seen) >= facts:
                        break
                    if left and len(seen) >= left[0]:
                        left.pop(0)
                        cut += 1
                        # Without a goodbye, as a network does.
                        assert transport.adapter.websocket is not None
                        transport.adapter.websocket.transport.abort()
        except (TransportError, OSError):
            await asyncio.sleep(0.01)
    return seen, cut


async def main() -> None:
    """Read with all of them and print what they saw."""
    url, token, *numbers = sys.argv[1:]
    subscribers, reconnects, facts = (int(one) for one in numbers)
    found = await asyncio.gather(
        *(subscriber(url, token, number, reconnects, facts) for number in range(subscribers))
    )
    whole = list(range(1, facts + 1))
    print(
        json.dumps(
            {
                "subscribers": subscribers,
                "reconnects": sum(cut for _, cut in found),
                "missing": sum(facts - len(set(seen)) for seen, _ in found),
                "duplicate": sum(len(seen) - len(set(seen)) for seen, _ in found),
                "out_of_order": sum(seen != whole for seen, _ in found),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
