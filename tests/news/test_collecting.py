"""Collecting: each piece of news once, scored, tagged, and counting from when it was known; sources fail alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from desk.clock import ManualClock
from desk.jobs.queueing import new_job
from desk.news.queries import fear_greed_of, news_of, sentiment_of
from desk.news.sources import schedule_with_news, sources_of
from desk.news.views import NewsFilter
from desk.settings import Settings, load_settings
from desk.store import SqlStore
from desk.views import Page
from tests.news.test_feeds import rss, sample
from tests.news.test_fetching import site
from trading.errors import BadSetting
from workers.kinds import Bench, Task, kinds
from workers.news.collecting import SETTLES, keep_headlines, keep_readings
from workers.news.jobs import scorer

NOW = datetime(2026, 3, 7, 10, 30, tzinfo=UTC)


def by_words(titles: Sequence[str]) -> list[tuple[int, float, str] | None]:
    """Score as a model would; one title without words stays unscored."""
    return [None if one == "?" else (1, 0.75, "stand-in") for one in titles]


async def keep(
    store: SqlStore, source: str, body: bytes, *, clock: ManualClock | None = None
) -> dict[str, int]:
    counts = await keep_headlines(store, clock or ManualClock(NOW), source, body, by_words)
    return {name: count for name, count in counts.as_values().items() if count}


async def test_news_are_kept_once_across_sources_and_runs(any_store: SqlStore) -> None:
    assert await keep(any_store, "cointelegraph", sample("cointelegraph.xml")) == {"new": 2, "foreign": 1}
    assert await keep(any_store, "coindesk", sample("coindesk.xml")) == {"new": 1, "alike": 1, "old": 1}
    assert await keep(any_store, "cointelegraph", sample("cointelegraph.xml")) == {"known": 2, "foreign": 1}
    assert await keep(any_store, "reddit", sample("reddit.json")) == {"new": 1}
    assert await keep(any_store, "reddit", sample("reddit.atom")) == {"known": 1}

    async with any_store.reading() as tx:
        items = await tx.news.page(NewsFilter(), Page(first=10))
    assert {one.assets for one in items} == {("BTC",), ("SOL",), ("ETH",), ("DOGE",)}
    assert {(one.label, one.score, one.model) for one in items} == {(1, 0.75, "stand-in")}


async def test_a_headline_counts_from_shortly_after_it_was_kept_whatever_its_source_claims(
    sqlite_store: SqlStore,
) -> None:
    clock = ManualClock(NOW)
    late = "<item><title>Tomorrow's news</title><pubDate>Sun, 08 Mar 2026 10:00:00 +0000</pubDate></item>"
    early = "<item><title>Yesterday's news of Bitcoin</title><pubDate>Fri, 06 Mar 2026 10:00:00 +0000</pubDate></item>"
    await keep(sqlite_store, "x", rss(late + early + "<item><title>?</title></item>"), clock=clock)

    async with sqlite_store.reading() as tx:
        before = await news_of(tx, now=NOW + SETTLES - timedelta(microseconds=1))
        items = await news_of(tx, now=NOW + SETTLES)
        # A backtest of yesterday does not see it, though its source says that it was out.
        yesterday = await sentiment_of(tx, "BTC/USDT", now=NOW - timedelta(hours=20))

    assert before == []
    assert {one.known_at for one in items} == {NOW + SETTLES}
    assert all(one.published_at <= one.known_at for one in items)
    assert next(one for one in items if one.title == "?").score is None
    assert yesterday.headlines == 0


async def test_days_of_the_index_that_are_over_count_from_their_end_and_today_from_now(
    any_store: SqlStore,
) -> None:
    assert await keep_readings(any_store, ManualClock(NOW), sample("fear_greed.json")) == 3
    assert await keep_readings(any_store, ManualClock(NOW), sample("fear_greed.json")) == 0

    async with any_store.reading() as tx:
        found = await fear_greed_of(tx, now=NOW + SETTLES)
        then = await fear_greed_of(tx, now=datetime(2026, 3, 6, 12, tzinfo=UTC))
    assert [one.value for one in found] == [18, 31, 27]
    assert [one.known_at for one in found] == [
        datetime(2026, 3, 6, tzinfo=UTC),
        datetime(2026, 3, 7, tzinfo=UTC),
        NOW + SETTLES,
    ]
    assert [one.value for one in then] == [18]


def settings(**given: str) -> Settings:
    return load_settings({f"BREAKWATER_{name}": value for name, value in given.items()})


async def collected(store: SqlStore, found: Settings) -> dict[str, Any]:
    bench: Any = Bench(feed=None, settings=found)  # type: ignore[arg-type]
    told: list[tuple[str, float, float]] = []
    task = Task(
        job=new_job("w", "news", title="", input={}, now=NOW),
        store=store,
        clock=ManualClock(NOW),
        bench=bench,
        tell=lambda *one: told.append(one),
    )
    duty = kinds()["news"].duty
    assert duty is not None
    result = await duty(task)
    assert len(told) == len(sources_of(found))
    return dict(result.values["sources"])


async def test_the_job_asks_every_source_and_one_that_fails_keeps_none_back(sqlite_store: SqlStore) -> None:
    async with site(
        ct=web.Response(body=sample("cointelegraph.xml")),
        cd=web.Response(body=b"<html>maintenance</html>"),
        rd=web.Response(status=429),
        fg=web.Response(body=sample("fear_greed.json")),
    ) as base:
        found = settings(
            NEWS_COINTELEGRAPH_URL=f"{base}/ct",
            NEWS_COINDESK_URL=f"{base}/cd",
            NEWS_REDDIT_URL=f"{base}/rd",
            FEAR_GREED_URL=f"{base}/fg",
        )
        result = await collected(sqlite_store, found)

    assert result["cointelegraph"] == {"new": 2, "known": 0, "alike": 0, "foreign": 1, "old": 0}
    assert "neither RSS nor Atom" in result["coindesk"]["error"]
    assert result["reddit"] == {"error": "status 429"}
    assert result["fear_greed"] == {"new": 3}
    async with sqlite_store.reading() as tx:
        (bearish, bullish) = await news_of(tx, now=NOW + SETTLES)
    # The shipped model said so: these are real scores.
    by_asset = {one.assets: one for one in (bearish, bullish)}
    assert by_asset[("BTC",)].label == 1
    assert by_asset[("SOL",)].label == -1
    assert by_asset[("SOL",)].model.startswith("breakwater-sentiment")


async def test_without_a_model_headlines_are_kept_unscored(sqlite_store: SqlStore) -> None:
    counts = await keep_headlines(
        sqlite_store, ManualClock(NOW), "x", sample("coindesk.xml"), scorer("no such folder")
    )

    assert counts.new == 2
    async with sqlite_store.reading() as tx:
        assert {one.score for one in await news_of(tx, now=NOW + SETTLES)} == {None}


def test_a_house_on_a_simulated_market_asks_nobody_by_itself() -> None:
    quiet = settings()

    assert sources_of(quiet) == ()
    assert schedule_with_news(quiet) == ("news=off",)
    assert sources_of(None) == ()


def test_sources_are_on_by_market_by_address_or_by_name() -> None:
    def names(**given: str) -> list[str]:
        return [one.name for one in sources_of(settings(**given))]

    everything = ["cointelegraph", "coindesk", "reddit", "fear_greed"]
    assert names(MARKET="binance") == everything
    assert names(MARKET="binance", NEWS_SOURCES="none") == []
    assert names(NEWS_COINDESK_URL="http://127.0.0.1:9000/feed") == ["coindesk"]
    assert names(NEWS_SOURCES="reddit, fear_greed") == ["reddit", "fear_greed"]
    assert schedule_with_news(settings(MARKET="binance", SCHEDULE="news=1h")) == ("news=1h",)
    with pytest.raises(BadSetting, match="NEWS_SOURCES is 'cnn'"):
        settings(NEWS_SOURCES="cnn")
