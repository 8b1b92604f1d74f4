"""Words about moods: what headlines and the Fear & Greed index say. Their texts come from strangers and act on nothing."""

from __future__ import annotations

from collections.abc import Sequence

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Age, Card, Chart, Column, Field, Number, Ratio, Table, Text, Tone, Value
from chatops.reading import completed_pair, known_pairs
from chatops.room import Asked
from desk.news.queries import fear_greed_of, news_of, sentiment_of
from desk.news.views import IndexReading, NewsItem, PairSentiment
from desk.ports import Unit
from desk.views import Page as RowPage

PAGE = Page(Group.MARKET)

_PAIR = Argument(name="pair", read=kinds.pair, offers="pair", default="")
#: Headlines beside a mood; more are /news.
_BESIDE = 5
#: A mood beyond this has a tone.
_SOUNDS = 1 / 3


async def _pair(asked: Asked, tx: Unit) -> str:
    typed = asked.args["pair"]
    return completed_pair(asked, typed, await known_pairs(asked, tx)) if typed else ""


@PAGE.word("sentiment", example="/sentiment BTC/USDT", arguments=(_PAIR,))
async def sentiment(asked: Asked) -> Card:
    """Show the mood of the headlines about a pair, or about the market, with the Fear & Greed index."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        mood = await sentiment_of(tx, pair, now=asked.now)
        index = await fear_greed_of(tx, now=asked.now, days=1)
        items = await news_of(tx, pair, now=asked.now, page=RowPage(first=_BESIDE))
    fields = [
        Field("pair", pair or Text("sentiment.market")),
        Field("mood", Number(mood.score), _tone(mood.score)),
        Field("weight", Ratio(mood.weight, digits=0)),
        Field("headlines", mood.headlines),
        Field("bullish", mood.bullish),
        Field("neutral", mood.neutral),
        Field("bearish", mood.bearish),
    ]
    if index:
        newest = index[-1]
        fields += [
            Field("fear_greed", Text("sentiment.index", {"value": newest.value, "words": newest.words})),
            Field("as_of", newest.at),
        ]
    is_known = mood.headlines > 0 or bool(index)
    return Card(
        name="sentiment",
        title=Text("sentiment.title", {"pair": pair or Text("sentiment.market")}),
        tone=_tone(mood.score),
        fields=tuple(fields),
        tables=(_headlines(asked, items),) if items else (),
        chart=_gauges(asked, mood, index),
        notes=(Text("sentiment.data") if is_known else Text("sentiment.none"),),
    )


@PAGE.word(
    "news",
    example="/news BTC/USDT",
    arguments=(_PAIR, Argument(name="n", read=kinds.whole(1, 50), only_named=True, default=10)),
)
async def news(asked: Asked) -> Card:
    """List the newest headlines about a pair, or all of them, with how they sound."""
    async with asked.store.reading() as tx:
        pair = await _pair(asked, tx)
        items = await news_of(tx, pair, now=asked.now, page=RowPage(first=asked.args["n"]))
    return Card(
        name="news",
        title=Text("news.title", {"n": len(items), "pair": pair or Text("sentiment.market")}),
        tables=(_headlines(asked, items),) if items else (),
        notes=(Text("sentiment.data") if items else Text("sentiment.none"),),
    )


def _headlines(asked: Asked, items: Sequence[NewsItem]) -> Table:
    return Table(
        name="headlines",
        is_titled=True,
        columns=(Column("headline"), Column("score"), Column("source", 1), Column("known", 1)),
        rows=tuple(_headline(asked, one) for one in items),
    )


def _headline(asked: Asked, item: NewsItem) -> tuple[Value, ...]:
    return (item.title, Number(item.score), item.source, Age(item.known_at, asked.now))


def _tone(score: float | None) -> Tone:
    if score is None or abs(score) <= _SOUNDS:
        return Tone.PLAIN
    return Tone.GOOD if score > 0 else Tone.BAD


def _gauges(asked: Asked, mood: PairSentiment, index: Sequence[IndexReading]) -> Chart | None:
    """Give the dials of index and mood; None where neither is known."""
    speaker = asked.speaker
    gauges: list[dict[str, object]] = []
    if index:
        newest = index[-1]
        gauges.append(
            {
                "label": speaker.label("field", "fear_greed"),
                "used": newest.value / 100,
                "text": newest.words,
                "is_scale": True,
            }
        )
    if mood.score is not None:
        gauges.append(
            {
                "label": speaker.label("field", "mood"),
                "used": (mood.score + 1) / 2,
                "text": speaker.say(Text("sentiment.of", {"n": mood.headlines})),
                "is_scale": True,
            }
        )
    if not gauges:
        return None
    title = Text("sentiment.title", {"pair": mood.pair or Text("sentiment.market")})
    return Chart(
        kind="gauge",
        name="sentiment",
        spec={"title": speaker.say(title), "subtitle": speaker.value(mood.at), "gauges": gauges},
    )
