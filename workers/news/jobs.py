"""The collectors as kinds of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import structlog

from desk.news.sources import INDEX, Source, sources_of
from desk.predictors import SentimentModel, sentiment_model
from trading.errors import OperatorProblem
from workers.hand import Result
from workers.kinds import Kind, Task
from workers.news.collecting import Scorer, keep_headlines, keep_readings
from workers.news.feeds import Unreadable
from workers.news.fetching import Unfetchable, fetch

log = structlog.get_logger(__name__)

#: All sources together.
_TIME_LIMIT_S = 300.0


async def collect(task: Task) -> Result:
    """Ask every source that is on; one that is away or talks nonsense is told in the result and keeps none back."""
    settings = task.bench.settings
    sources = sources_of(settings)
    values: dict[str, Any] = {}
    for number, source in enumerate(sources):
        try:
            values[source.name] = await _collect_from(task, source)
        except (Unfetchable, Unreadable) as problem:
            log.warning("source_failed", source=source.name, problem=str(problem))
            values[source.name] = {"error": str(problem)}
        task.tell("sources", number + 1, len(sources))
    return Result(values={"sources": values})


async def _collect_from(task: Task, source: Source) -> dict[str, Any]:
    if source.name == INDEX:
        mark = "&" if "?" in source.url else "?"
        body = await fetch(source.url if "limit=" in source.url else f"{source.url}{mark}limit=30")
        return {"new": await keep_readings(task.store, task.clock, body)}
    assert task.bench.settings is not None, "sources come from settings"
    counts = await keep_headlines(
        task.store,
        task.clock,
        source.name,
        await fetch(source.url),
        scorer(task.bench.settings.sentiment_model),
        languages=task.bench.settings.news_languages,
    )
    return counts.as_values()


def scorer(wanted: str) -> Scorer:
    """Give what scores titles with the model of the settings; without a model titles are kept unscored."""

    def score(titles: Sequence[str]) -> list[tuple[int, float, str] | None]:
        try:
            model = _model(wanted)
        except OperatorProblem as problem:
            log.error("sentiment_model_failed", problem=str(problem))
            return [None] * len(titles)
        return [_said(model, one) for one in titles]

    return score


def _said(model: SentimentModel, title: str) -> tuple[int, float, str] | None:
    if not model.has_words(title):
        return None
    found = model.score(title)
    return found.label, round(found.score, 6), model.name


@lru_cache(maxsize=2)
def _model(wanted: str) -> SentimentModel:
    """Load a model once per process."""
    return sentiment_model(wanted)


KINDS = (Kind(name="news", duty=collect, time_limit_s=_TIME_LIMIT_S),)
