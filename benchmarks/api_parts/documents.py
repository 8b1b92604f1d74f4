"""The mix: 70 % small queries and 30 % pages of twenty; the same texts go to both servers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SMALL: dict[str, str] = {
    "order": "query OneOrder($id: ID!) { order(id: $id) "
    "{ id pair side orderType quantity averagePrice filledQuantity state createdAt } }",
    "trade": "query OneTrade($id: ID!) { trade(id: $id) { id number pair isLong pnl pnlRatio reason closedAt } }",
    "account": "query OneAccount($id: ID!) { account(id: $id) "
    "{ id name currency tradingState status { asOf equity cash drawdown openPositions } } }",
    "bot": "query OneBot($id: ID!) { bot(id: $id) { id name desired condition tradingState "
    "phases { pair phase } } }",
    "bots": "query FewBots { bots(first: 5) { edges { node { id name desired condition } } } }",
}

PAGES: dict[str, str] = {
    "orders": "query OrderPage($after: Cursor) { orders(first: 20, after: $after) { edges { cursor node "
    "{ id pair side orderType quantity filledQuantity averagePrice state createdAt } } "
    "pageInfo { hasNextPage endCursor } } }",
    "trades": "query TradePage($after: Cursor) { trades(first: 20, after: $after) { edges { cursor node "
    "{ id number pair isLong quantity entryPrice exitPrice pnl fees reason closedAt } } "
    "pageInfo { hasNextPage endCursor } } }",
    "positions": "query OpenPositions { positions(first: 20, filter: { isOpen: true }) { edges { cursor node "
    "{ id pair isLong quantity entryPrice markPrice unrealizedPnl stop openedAt asOf bot { name } } } "
    "pageInfo { hasNextPage endCursor } } }",
}

#: Share of small queries.
SMALL_SHARE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the queries may ask for: global ids, and cursors of pages."""

    ids: Mapping[str, tuple[str, ...]]
    cursors: Mapping[str, tuple[str | None, ...]]


def bodies(targets: Targets, count: int, seed: int) -> list[dict[str, Any]]:
    """Give so many requests of the mix, over different rows and pages."""
    dice = random.Random(seed)
    found: list[dict[str, Any]] = []
    for _ in range(count):
        if dice.random() < SMALL_SHARE:
            name = dice.choice(tuple(SMALL))
            ids = targets.ids.get(name)
            found.append({"query": SMALL[name], "variables": {"id": dice.choice(ids)} if ids else None})
        else:
            name = dice.choice(tuple(PAGES))
            cursors = targets.cursors.get(name)
            variables: dict[str, Any] | None = {"after": dice.choice(cursors)} if cursors else None
            found.append({"query": PAGES[name], "variables": variables})
    return found
