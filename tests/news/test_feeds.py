"""Feeds are read as data: every kind in its shape, hostile ones refused, and nothing in them kept that could act."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk.news.text import TITLE_LETTERS, plain
from tests.support.data import shared_data
from workers.news.collecting import read_index
from workers.news.feeds import MOST_ENTRIES, Unreadable, canonical, read_entries

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def rss(items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()


def test_rss_gives_titles_summaries_addresses_and_times() -> None:
    first, second, _ = read_entries(sample("cointelegraph.xml"), "cointelegraph")

    assert first.title == "Bitcoin climbs past old high as funds keep buying"
    assert first.summary == "Funds took in more than miners made."
    assert first.url == "https://news.example.org/bitcoin-climbs"
    assert first.published_at == datetime(2026, 3, 7, 9, 26, 43, tzinfo=UTC)
    assert first.language == "en"
    assert second.key != first.key


def test_a_listing_and_the_feed_of_the_same_post_have_the_same_key() -> None:
    (of_listing,) = read_entries(sample("reddit.json"), "reddit")
    (of_feed,) = read_entries(sample("reddit.atom"), "reddit")

    assert of_listing.key == of_feed.key
    assert of_listing.title == of_feed.title == "Dogecoin is going nowhere and I am tired"
    assert of_listing.published_at == of_feed.published_at == datetime(2026, 3, 7, 9, tzinfo=UTC)
    assert of_feed.summary == "Selling it all ."


def test_the_days_of_the_index_are_read_oldest_first() -> None:
    assert [(at.day, value, words) for at, value, words in read_index(sample("fear_greed.json"))] == [
        (5, 18, "Extreme Fear"),
        (6, 31, "Fear"),
        (7, 27, "Fear"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"data": []}',
        b'{"data": {}}',
        b'{"data": [{"value": "101", "timestamp": "1"}]}',
        b'{"data": [{"value": "1e999", "timestamp": "1"}]}',
        b'{"data": [{"value": "5", "timestamp": "99999999999999999999"}]}',
        b'{"data": [5]}',
    ],
)
def test_another_answer_of_the_index_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_index(body)


BOMB = "".join(
    f'<!ENTITY {one} "{f"&{two};" * 10}">' for one, two in zip("bcdefghi", "abcdefgh", strict=True)
)
DECLARED = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{BOMB}]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"/etc/passwd",
        b"http://127.0.0.1/feed",
        b"<html><body>Not found</body></html>",
        b'{"data": {"children": 5}}',
        b'{"data": 5}',
        b"[1, 2]",
        b"\x00\x01\x02",
        (DECLARED + "<rss/>").encode(),
        (DECLARED.replace('"1.0"', '"1.0" encoding="utf-16"') + "<rss/>").encode("utf-16"),
        b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel/></rss>',
        b'<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd"><rss version="2.0"><channel/></rss>',
        rss("<item>" + "<a>" * 100),
        rss("<item>" + "<a/>" * 100_000 + "</item>"),
        rss("<item><title>x</item>"),
    ],
)
def test_what_is_no_feed_or_is_built_to_hurt_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_entries(body, "x")


def test_a_feed_may_not_fill_the_store() -> None:
    many = rss("".join(f"<item><title>News {at}</title></item>" for at in range(5 * MOST_ENTRIES)))

    assert len(read_entries(many, "x")) == MOST_ENTRIES


def test_entries_of_one_feed_with_the_same_address_are_one() -> None:
    item = "<item><title>News</title><link>https://e.org/a?utm_source={}</link></item>"

    assert len(read_entries(rss(item.format("rss") + item.format("mail")), "x")) == 1


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("<script>alert(1)</script>Bitcoin", "Bitcoin"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Bitcoin", "Bitcoin"),
        ("<img src=x onerror=alert(1)>Ether <b>up</b>", "Ether up"),
        ("Bit\u200bcoin\u202e up\u2066", "Bitcoin up"),
        ("\uff22itcoin ﬁnds a floor", "Bitcoin finds a floor"),
        ("[Bitcoin](https://evil.example.org/?token=1) up", "Bitcoin up"),
        ("a\x00b\x1b[31m\ud800c", "ab[31mc"),
        ("P&L < 5 %\n\n now", "P&L < 5 % now"),
        ("x" * 1_000, "x" * TITLE_LETTERS),
    ],
)
def test_only_what_a_reader_would_see_is_kept(given: str, seen: str) -> None:
    assert plain(given, TITLE_LETTERS) == seen


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://user:secret@e.org/",
        "https://e.org/a b",
        "https://[::1",
        "//e.org",
        "https://e.org/" + "a" * 2_000,
        "https://e.org:99999/",
    ],
)
def test_an_address_that_is_no_plain_web_address_is_dropped(url: str) -> None:
    assert canonical(url) == ""


@pytest.mark.parametrize("claimed", ["99999999999", "-5", '"soon"', "null", "true", "1e400"])
def test_an_absurd_time_is_no_time(claimed: str) -> None:
    body = '{"data": {"children": [{"data": {"title": "News", "name": "a", "created_utc": TIME}}]}}'
    body = body.replace("TIME", claimed)

    try:
        (entry,) = read_entries(body.encode(), "reddit")
    except Unreadable:
        assert claimed == "1e400"
    else:
        assert entry.published_at is None


def test_real_feeds_are_read() -> None:
    folder = shared_data()
    names = {"coindesk": 2, "cointelegraph": 2, "marketwatch": 1}
    bodies = {
        name: (folder / "feeds" / f"{name}.xml").read_bytes()
        if folder is not None and (folder / "feeds" / f"{name}.xml").is_file()
        else rss("<item><title>News</title></item>" + "<item><title>More</title></item>" * (count - 1))
        for name, count in names.items()
    }

    assert {name: len(read_entries(body, name)) for name, body in bodies.items()} == names
