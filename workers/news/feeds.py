"""Reading feeds: RSS, Atom, and Reddit's listings, each entry checked and cut to size."""

from __future__ import annotations

import calendar
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.parsers import expat

import orjson

from desk.news.text import SUMMARY_LETTERS, TITLE_LETTERS, plain

#: Entries of one feed that are looked at, and how deep its markup may be nested.
MOST_ENTRIES = 300
_MOST_DEPTH = 40
_MOST_ELEMENTS = 60_000

_LONGEST_URL = 1_000
_TRACKING = frozenset({"fbclid", "gclid", "ref", "mod", "mc_cid", "mc_eid"})


class Unreadable(Exception):
    """A feed is not one; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a feed, as plain text.

    Attributes:
        key: the same for the same entry, at every fetch; entries with the same address share it across feeds.
        published_at: as the feed claims; None where it says nothing that can be read.
        language: as the feed claims, as in "en"; may be empty.
    """

    key: str
    title: str
    summary: str
    url: str
    published_at: datetime | None
    language: str


def read_entries(body: bytes, source: str) -> list[Entry]:
    """Read a feed: JSON as Reddit gives it, else RSS or Atom.

    Raises:
        Unreadable: it is neither, or it is built to hurt.
    """
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    found = _of_listing(body, source) if start in {b"{", b"["} else _of_feed(body, source)
    entries: dict[str, Entry] = {}
    for one in found:
        entries.setdefault(one.key, one)
        if len(entries) >= MOST_ENTRIES:
            break
    return list(entries.values())


def _of_feed(body: bytes, source: str) -> Iterator[Entry]:
    _require_harmless(body)
    # A third of a second that only collectors should pay.
    import feedparser

    # A stream: the library takes bare bytes for the name of a file first.
    found: Any = feedparser.parse(io.BytesIO(body))
    if not found.get("version"):
        raise Unreadable("it is XML, but neither RSS nor Atom")
    language = str(found.feed.get("language") or "").partition("-")[0].lower()[:8]
    for one in found.entries:
        entry = _entry(
            source,
            guid=str(one.get("id") or ""),
            title=str(one.get("title") or ""),
            summary=str(one.get("summary") or ""),
            url=str(one.get("link") or ""),
            published_at=_of_struct(one.get("published_parsed") or one.get("updated_parsed")),
            language=language,
        )
        if entry is not None:
            yield entry


def _of_listing(body: bytes, source: str) -> Iterator[Entry]:
    """Read Reddit's listing: {"data": {"children": [{"data": {"title", "permalink", "created_utc", …}}]}}."""
    try:
        found = orjson.loads(body)
        children = found["data"]["children"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise Unreadable("it is JSON, but no listing") from problem
    if not isinstance(children, list):
        raise Unreadable("it is JSON, but no listing")
    for child in children[: 4 * MOST_ENTRIES]:
        post = child.get("data") if isinstance(child, dict) else None
        if not isinstance(post, dict) or post.get("stickied") is True or post.get("over_18") is True:
            continue
        path = _text(post.get("permalink"))
        entry = _entry(
            source,
            guid=_text(post.get("name")),
            title=_text(post.get("title")),
            summary=_text(post.get("selftext")),
            url=f"https://www.reddit.com{path}" if path.startswith("/") else "",
            published_at=_of_seconds(post.get("created_utc")),
            language="",
        )
        if entry is not None:
            yield entry


def _entry(
    source: str,
    *,
    guid: str,
    title: str,
    summary: str,
    url: str,
    published_at: datetime | None,
    language: str,
) -> Entry | None:
    shown = plain(title, TITLE_LETTERS)
    if not shown:
        return None
    address = canonical(url)
    same = address or f"{source}\n{guid[:_LONGEST_URL] or shown}"
    return Entry(
        key=hashlib.sha256(same.encode("utf-8", "replace")).hexdigest(),
        title=shown,
        summary=plain(summary, SUMMARY_LETTERS),
        url=address,
        published_at=published_at,
        language=language,
    )


def canonical(url: str) -> str:
    """Give a web address without what only tracks readers; empty for anything that is no web address.

    Example:
        >>> canonical("HTTPS://Example.org/a?utm_source=rss&id=1#top")
        'https://example.org/a?id=1'
    """
    if len(url) > _LONGEST_URL or any(one.isspace() or ord(one) < 32 for one in url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query)
        if name.lower() not in _TRACKING and not name.lower().startswith("utm_")
    ]
    host = parts.hostname if port is None else f"{parts.hostname}:{port}"
    return urlunsplit((parts.scheme.lower(), host, parts.path, urlencode(kept), ""))


def _require_harmless(body: bytes) -> None:
    """Walk the XML once, without building anything.

    Raises:
        Unreadable: it declares entities, is nested too deep or has too many elements, or is not well-formed.
    """
    depth = count = 0

    def begin(name: str, attributes: Any) -> None:
        nonlocal depth, count
        depth += 1
        count += 1
        if depth > _MOST_DEPTH or count > _MOST_ELEMENTS:
            raise Unreadable(f"more than {_MOST_DEPTH} levels or {_MOST_ELEMENTS} elements")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def declares(*anything: Any) -> None:
        raise Unreadable("it declares a document type; feeds need none")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = declares
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as problem:
        raise Unreadable(f"it is not well-formed: {problem}"[:200]) from problem


def _of_struct(found: Any) -> datetime | None:
    try:
        return None if found is None else _of_seconds(calendar.timegm(found))
    except (TypeError, ValueError, OverflowError):
        return None


def _of_seconds(found: Any) -> datetime | None:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 4e9:
        return None
    return datetime.fromtimestamp(found, UTC)


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
