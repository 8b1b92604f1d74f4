"""All streams of the API on one socket, while facts of every kind happen in two workspaces."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from api.events.subscriptions import (
    ALERT_KINDS,
    BOT_KINDS,
    JOB_KINDS,
    ORDER_KINDS,
    POSITION_KINDS,
    SYSTEM_KINDS,
)
from api.ids import split_id
from tests.api.test_api_streams import Socket, opened, until
from tests.support.filled import filled
from tests.support.role_stage import THEIRS, Furnished, Stage
from trading.events import EVENT_TYPES, MARKET_DATA, AlertRaised, CandleClosed, Event, PriceMoved, Severity

#: Every kind of fact that is kept.
FACTS = {kind: cls for kind, cls in EVENT_TYPES.items() if cls not in MARKET_DATA}

#: What each stream of facts gives of one fact of every kind.
GIVEN: Mapping[str, frozenset[str]] = {
    "events": frozenset(FACTS),
    "orderEvents": ORDER_KINDS,
    "positionUpdates": POSITION_KINDS,
    "botEvents": BOT_KINDS,
    "alerts": ALERT_KINDS,
    "jobProgress": JOB_KINDS,
    "systemEvents": SYSTEM_KINDS,
}

#: A price that only the neighbour sees.
THEIR_PRICE = 666.25


def facts_of(stage: Stage, whose: Furnished) -> list[Event]:
    """Give one fact of every kind about a workspace's bot and job, in the workspace's word."""
    word = whose.people.workspace.name
    given = {"workspace_id": whose.workspace_id, "bot_id": split_id(whose.ids["Bot"])[1]}
    job = split_id(whose.ids["Job"])[1]
    made: list[Event] = []
    for cls in FACTS.values():
        more: dict[str, Any] = {"job_id": job} if "job_id" in cls.__dataclass_fields__ else {}
        if cls is AlertRaised:
            more["level"] = Severity.WARNING
        made.append(filled(cls, word, stage.house.clock.now(), **given, **more))
    return made


async def follow_all(
    stage: Stage, texts: Mapping[str, str], token: str
) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
    """Follow every stream; give what was wrong with each (a fact of the neighbour, or none of one's own) and what came."""
    came: dict[str, list[Any]] = {name: [] for name in texts}
    problems: dict[str, list[str]] = {name: [] for name in texts}
    seen: dict[str, Counter[str]] = {name: Counter() for name in texts}

    def note(message: Mapping[str, Any]) -> None:
        name = message["id"]
        text = json.dumps(message)
        if message["type"] != "next" or message["payload"].get("errors"):
            problems[name].append(text)
        if THEIRS in text or str(THEIR_PRICE) in text:
            problems[name].append(f"shows the neighbour: {text}")
        row = (message["payload"].get("data") or {}).get(name) or {}
        came[name].append(row)
        seen[name][row.get("kind", row.get("__typename", ""))] += 1

    listening = stage.house.bus.listeners
    async with opened(stage, token) as socket:  # type: ignore[arg-type]
        for name, text in texts.items():
            await socket.subscribe(text, name=name)
        await _read(
            socket,
            note,
            lambda: all(seen[name]["SUBSCRIBED"] for name in GIVEN) and seen["waveEvents"].total() > 1,
        )
        await until(lambda: stage.house.bus.listeners >= listening + 3)
        for whose, price in ((stage.away, THEIR_PRICE), (stage.home, 1.5)):
            await stage.house.write(whose.workspace_id, *facts_of(stage, whose))
            _move(stage, whose, price)
            # A round trip: what is on its way to a stream gets there before the next price takes its place.
            await socket.send(type="ping")
            await _until_pong(socket, note)
        await _read(
            socket,
            note,
            lambda: (
                all(sum(seen[name].values()) > len(kinds) for name, kinds in GIVEN.items())
                and seen["candles"]
                and seen["tickers"]
            ),
        )
    for name, kinds in GIVEN.items():
        if seen[name] != Counter({"SUBSCRIBED": 1, **{kind.upper(): 1 for kind in kinds}}):
            problems[name].append(str(seen[name]))
    return problems, came


def _move(stage: Stage, whose: Furnished, price: float) -> None:
    at, base = stage.house.clock.now(), {"workspace_id": whose.workspace_id, "pair": "BTC/USDT"}
    bar = filled(
        CandleClosed, "v", at, **base, timeframe="1h", ts_ms=0, open=price, high=price, low=price, close=price
    )
    stage.house.bus.publish_market(bar)
    stage.house.bus.publish_market(filled(PriceMoved, "v", at, **base, last=Decimal(str(price))))


async def _read(socket: Socket, note: Any, is_enough: Any) -> None:
    while not is_enough():
        note(await socket.receive())


async def _until_pong(socket: Socket, note: Any) -> None:
    while (message := await socket.receive())["type"] != "pong":
        note(message)
