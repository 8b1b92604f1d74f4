"""Follow the journal and survive lost connections: nothing is missed, nothing comes twice.

Needs `gql[websockets]`. Give the address and the token that `up` printed:

    BREAKWATER_SUBSCRIPTIONS=ws://127.0.0.1:8080/graphql BREAKWATER_TOKEN=bwk_… python follow_journal.py
"""

from __future__ import annotations

import asyncio
import os
import sys

from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

EVENTS = gql(
    "subscription ($after: Cursor) { events(after: $after) { cursor sequence kind occurredAt pair payload } }"
)


async def follow(address: str, token: str, *, until: int | None = None) -> list[int]:
    """Print every fact; after a lost connection go on after the last cursor.

    Args:
        until: stop at this sequence; None follows for ever.

    Returns:
        the sequences that were seen.
    """
    cursor: str | None = None
    seen: list[int] = []
    while True:
        transport = WebsocketsTransport(url=address, init_payload={"Authorization": f"Bearer {token}"})
        try:
            async with Client(transport=transport) as session:
                request = EVENTS
                request.variable_values = {"after": cursor}
                async for answer in session.subscribe(request):
                    event = answer["events"]
                    cursor = event["cursor"]
                    if event["kind"] == "SUBSCRIBED":
                        continue
                    seen.append(event["sequence"])
                    print(event["occurredAt"], event["kind"], event["pair"], event["payload"])
                    if until is not None and event["sequence"] >= until:
                        return seen
        except (TransportError, OSError) as error:
            print(f"connection lost ({error}); going on after {cursor}", file=sys.stderr)
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(
        follow(
            os.environ.get("BREAKWATER_SUBSCRIPTIONS", "ws://127.0.0.1:8080/graphql"),
            os.environ["BREAKWATER_TOKEN"],
        )
    )
