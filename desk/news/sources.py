"""Where news come from, as the settings have it."""

from __future__ import annotations

from dataclasses import dataclass

from desk.settings import Settings, default_of, single_settings

#: Sources of headlines, each with its setting.
HEADLINES = {
    "cointelegraph": "news_cointelegraph_url",
    "coindesk": "news_coindesk_url",
    "reddit": "news_reddit_url",
}

#: The index of moods, and its setting.
INDEX, INDEX_SETTING = "fear_greed", "fear_greed_url"

#: Every name that the setting of the sources takes, beside "auto" and "none".
SOURCES = (*HEADLINES, INDEX)


@dataclass(frozen=True, slots=True)
class Source:
    """A source that is on."""

    name: str
    url: str


def sources_of(settings: Settings | None) -> tuple[Source, ...]:
    """Give the sources that are on.

    "auto" is every source where a live market is traded, and otherwise those whose address was set: a house that
    plays on a simulated market asks nobody by itself.
    """
    if settings is None:
        return ()
    fields = {**HEADLINES, INDEX: INDEX_SETTING}
    defaults = {one.name: default_of(one) for one in single_settings() if one.name in fields.values()}
    urls = {name: str(getattr(settings, field)) for name, field in fields.items()}
    on: set[str] = set()
    for wanted in settings.news_sources:
        if wanted in urls:
            on.add(wanted)
        elif wanted == "auto":
            on |= {name for name in urls if settings.market or urls[name] != defaults[fields[name]]}
    return tuple(Source(name, urls[name]) for name in SOURCES if name in on)


def schedule_with_news(settings: Settings) -> tuple[str, ...]:
    """Give the setting of the schedule; news are off in it where no source is on, unless it says when itself."""
    return settings.schedule if sources_of(settings) else ("news=off", *settings.schedule)
