"""Headlines and index readings in the store: kept once, never rewritten, read as they were known, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from desk.cursors import cursor_of
from desk.identity import new_id
from desk.news.queries import fear_greed_of, news_of, sentiment_of, sentiment_path
from desk.news.views import FEAR_GREED, IndexReading, NewsFilter, NewsItem
from desk.store import SqlStore
from desk.views import Page

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _item(
    key: str, *, hours: float = 0.0, assets: tuple[str, ...] = ("BTC",), score: float | None = 0.5
) -> NewsItem:
    at = _NOON + timedelta(hours=hours)
    return NewsItem(
        id=new_id(),
        source="coindesk",
        key=key,
        title=f"Headline {key} \u2028 «ünïcode» <b>",
        summary="",
        url="",
        language="en",
        assets=assets,
        label=None if score is None else (score > 0) - (score < 0),
        score=score,
        model="m",
        published_at=at,
        known_at=at,
    )


async def test_a_headline_is_kept_once_and_comes_back_as_it_was(any_store: SqlStore) -> None:
    first = _item("a", assets=("BTC", "ETH"))

    async with any_store.transaction() as tx:
        assert await tx.news.add(first)
        assert not await tx.news.add(replace(first, id=new_id(), title="Rewritten later"))
        assert await tx.news.add(_item("b", score=None, assets=()))

    async with any_store.reading() as tx:
        assert await tx.news.by_id(first.id) == first
        assert await tx.news.known_keys(["a", "b", "c"]) == {"a", "b"}
        assert sorted(await tx.news.titles(_NOON)) == sorted([first.title, _item("b").title])
        assert [one.key for one in await news_of(tx, "ETH/USDT", now=_NOON)] == ["a"]
        assert len(await tx.news.scores("", _NOON, _NOON)) == 1


async def test_pages_go_on_where_the_last_one_ended(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        for number in range(5):
            await tx.news.add(_item(str(number), hours=number // 2))

    async with any_store.reading() as tx:
        first = await tx.news.page(NewsFilter(), Page(first=2))
        rest = await tx.news.page(NewsFilter(), Page(first=9, after=cursor_of(first[-1])))
        until = await tx.news.page(NewsFilter(asset="BTC", until=_NOON, since=_NOON), Page(first=9))
        foreign = await tx.news.page(NewsFilter(source="reddit"), Page(first=9))

    assert [one.key for one in first] == ["4", *[one.key for one in first[1:]]]
    assert sorted(one.key for one in [*first, *rest]) == ["0", "1", "2", "3", "4"]
    assert {one.key for one in until} == {"0", "1"}
    assert foreign == []


async def test_a_sentiment_is_asked_for_at_a_time_and_does_not_know_what_came_later(
    any_store: SqlStore,
) -> None:
    async with any_store.transaction() as tx:
        await tx.news.add(_item("early", score=0.9))
        await tx.news.add(_item("late", hours=5, score=-0.9))
        await tx.news.add(_item("other", assets=("ETH",), score=-0.9))

    async with any_store.reading() as tx:
        before = await sentiment_of(tx, "BTC/USDT", now=_NOON + timedelta(hours=4))
        after = await sentiment_of(tx, "BTC/USDT", now=_NOON + timedelta(hours=5))
        market = await sentiment_of(tx, now=_NOON)
        silent = await sentiment_of(tx, "SOL/USDT", now=_NOON)
        path = await sentiment_path(tx, "BTC/USDT", now=_NOON + timedelta(hours=5), points=7)

    assert before.score is not None
    assert before.score > 0
    assert (before.headlines, before.bullish, before.bearish) == (1, 1, 0)
    assert after.score is not None
    assert after.score < 0
    assert market.headlines == 2
    assert (silent.score, silent.weight, silent.headlines) == (None, 0.0, 0)
    assert path[0] == (_NOON - timedelta(hours=1), None)
    assert path[-1] == (after.at, after.score)


async def test_a_day_of_the_index_is_kept_as_it_was_first_known(any_store: SqlStore) -> None:
    def reading(day: int, value: int) -> IndexReading:
        at = datetime(2026, 3, day, tzinfo=UTC)
        return IndexReading(
            index=FEAR_GREED, at=at, value=value, words="Fear", known_at=at + timedelta(hours=1)
        )

    async with any_store.transaction() as tx:
        assert await tx.news.add_reading(reading(1, 30))
        assert not await tx.news.add_reading(reading(1, 99))
        assert await tx.news.add_reading(reading(2, 40))

    async with any_store.reading() as tx:
        assert [one.value for one in await fear_greed_of(tx, now=_NOON + timedelta(days=5))] == [30, 40]
        assert [one.value for one in await fear_greed_of(tx, now=_NOON)] == [30]
        assert [one.value for one in await tx.news.readings(FEAR_GREED, since=_NOON)] == [40]
        assert [one.value for one in await fear_greed_of(tx, now=_NOON + timedelta(days=5), days=1)] == [40]
