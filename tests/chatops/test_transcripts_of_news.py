"""Say this, expect that card: moods and headlines, which act on nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatops.cards import Text, Tone
from chatops.testing import Chat, column, field, spoken
from desk.charts.drawing import draw
from desk.news.views import FEAR_GREED, IndexReading, NewsItem
from desk.store import SqlStore
from tests.chatops.chat_house import NOON, ChatHouse, furnished


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


def a_headline(number: int, title: str, score: float, *, asset: str = "BTC") -> NewsItem:
    at = NOON - timedelta(hours=number)
    return NewsItem(
        id=f"n{number}",
        source="coindesk",
        key=f"k{number}",
        title=title,
        summary="",
        url="https://news.example.org/1",
        language="en",
        assets=(asset,),
        label=1 if score > 0 else -1,
        score=score,
        model="m",
        published_at=at,
        known_at=at,
    )


async def with_news(house: ChatHouse) -> None:
    async with house.store.transaction() as tx:
        await tx.news.add(a_headline(1, "Bitcoin @everyone [rises](https://evil.example)", 0.9))
        await tx.news.add(a_headline(2, "Bitcoin adopted by a bank", 0.8))
        await tx.news.add(a_headline(3, "Ether falls", -0.9, asset="ETH"))
        await tx.news.add_reading(
            IndexReading(index=FEAR_GREED, at=NOON, value=23, words="Extreme Fear", known_at=NOON)
        )


async def test_a_mood_shows_headlines_index_and_dials(house: ChatHouse) -> None:
    chat: Chat = house.chat()
    empty = await chat.say("/sentiment", expect="sentiment")
    assert empty.chart is None
    assert empty.notes == (Text("sentiment.none"),)

    await with_news(house)
    card = await chat.say("/sentiment btc", expect="sentiment")

    assert field(card, "pair") == "BTC/USDT"
    assert field(card, "headlines") == 2
    assert field(card, "fear_greed") == Text("sentiment.index", {"value": 23, "words": "Extreme Fear"})
    assert card.chart is not None
    assert next(one["used"] for one in card.chart.spec["gauges"]) == 0.23
    assert all(one["is_scale"] for one in card.chart.spec["gauges"])
    assert draw(card.chart.kind, card.chart.spec).startswith(b"\x89PNG")
    assert (await chat.say("/sentiment ETH/USDT", expect="sentiment")).tone in (Tone.BAD, Tone.PLAIN)


async def test_news_lists_headlines_as_text(house: ChatHouse) -> None:
    await with_news(house)
    chat: Chat = house.chat()

    every = await chat.say("/news n=2", expect="news")
    assert len(column(every, "headlines", "headline")) == 2
    of_ether = await chat.say("/news ETH/USDT", expect="news")
    assert column(of_ether, "headlines", "headline") == ["Ether falls"]
    assert "@everyone" in spoken(await chat.say("/news BTC/USDT", expect="news"))
