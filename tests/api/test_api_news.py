"""Headlines, moods and the index through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.identity import Role
from desk.news.views import FEAR_GREED, IndexReading
from desk.store import SqlStore
from tests.support.api_house import StoreHouse, people, serving
from tests.support.records import a_headline, later


async def test_news_moods_and_the_index_are_read(sqlite_store: SqlStore) -> None:
    house = StoreHouse(sqlite_store)
    home = await people(house, "home")
    token = home.tokens[Role.VIEWER]
    day = datetime(2026, 1, 5, tzinfo=UTC)
    async with house.store.transaction() as unit:
        for at, asset in enumerate(("BTC", "ETH", "BTC")):
            await unit.news.add(a_headline(at, assets=(asset,)))
        reading = IndexReading(
            index=FEAR_GREED, at=day, value=12, words="Extreme Fear", known_at=day + timedelta(hours=1)
        )
        await unit.news.add_reading(reading)

    async with serving(house) as web:
        page = await web.data(
            '{ news(pair: "BTC/USDT", first: 1) { pageInfo { hasNextPage endCursor } edges { node '
            "{ source title assets label score knownAt } } } }",
            token=token,
        )
        cursor = page["news"]["pageInfo"]["endCursor"]
        rest = await web.data(
            f'{{ news(pair: "BTC/USDT", after: "{cursor}") {{ edges {{ node {{ title }} }} }} }}', token=token
        )
        mood = await web.data(
            '{ sentiment(pair: "ETH/USDT", points: 3) { score weight headlines path { at score } } }',
            token=token,
        )
        index = await web.data("{ fearGreed(days: 5) { at value words } }", token=token)
        refused = await web.ask("{ sentiment(points: 1000) { score } }", token=token)

    (edge,) = page["news"]["edges"]
    assert edge["node"] == {
        "source": "coindesk",
        "title": "Miners expand for the 2th time",
        "assets": ["BTC"],
        "label": 1,
        "score": 0.5,
        "knownAt": later(2).isoformat().replace("+00:00", "Z"),
    }
    assert page["news"]["pageInfo"]["hasNextPage"]
    assert [one["node"]["title"] for one in rest["news"]["edges"]] == ["Miners expand for the 0th time"]
    assert len(mood["sentiment"]["path"]) == 3
    assert index["fearGreed"] == [{"at": "2026-01-05T00:00:00.000000Z", "value": 12, "words": "Extreme Fear"}]
    assert "first is 1000; 1 to 200 is allowed." in str(refused.json()["errors"])
