"""Bots on a live account: the same engine decides, the venue fills, and a restart in the middle changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from desk.execution import executor
from desk.store import SqlStore, open_store
from tests.desk.desk_house import at_work
from tests.support.live_house import BARS, HISTORY, live_bots, on_paper, series
from tests.support.stores import SqliteTemplate


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at prices and at freed coins sooner than in service."""
    monkeypatch.setattr(executor, "WATCH_S", 0.02)
    monkeypatch.setattr(executor, "ROOM_S", 0.02)


BOT: dict[str, Any] = {
    "strategy": "trend_following",
    "parameters": (
        ("fast_bars", 5),
        ("slow_bars", 12),
        ("trend_bars", 20),
        ("entry", "cross"),
        ("sides", "long"),
    ),
}


async def test_a_live_bot_trades_like_its_paper_twin_also_when_it_is_stopped_and_started_in_between(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    data = series()
    other = open_store(sqlite_template.copy(tmp_path / "paper.sqlite3"))
    paper = await on_paper(other, data, **BOT)
    await other.close()

    async with live_bots(sqlite_store, data, **BOT) as live:
        thirds = [range(HISTORY, 320), range(320, 390), range(390, BARS)]
        for rows in thirds:
            async with at_work(live.house):
                await live.play(data, rows)
                await live.counts_exactly()
            live.restarted()
            await live.forget_saved_state()
        trades = await live.told()

    assert len(trades) >= 3
    assert len(trades) == len(paper)
    assert [(a, b) for a, b in zip(trades, paper, strict=True) if not a.is_like(b)] == []
