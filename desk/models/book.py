"""Which version speaks for a pair at which time, and the series of forecasts that follows from it.

A bot at its bar and a backtest over a year go by the same book: at each close speaks the version that was promoted by
then. Before the first promotion speaks that first version's walk-forward: each forecast by a model that had learned
only what was known before it, the version itself after everything that it learned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from desk.clock import to_ms
from desk.models.speaking import Speaker, speaker_of
from desk.models.views import Promotion, Spoken
from strategies.learned_signal import SERIES
from trading.candles import Candles, fill_gaps
from trading.errors import InvalidInput
from trading.market import Series

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """A stretch of closes [from_ms, until_ms) with its speaker; None: nobody."""

    from_ms: int
    until_ms: int
    version: Spoken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Whose forecasts a run was given for a pair at the closes [from_ms, until_ms).

    Attributes:
        learned_ms: at closes before it spoke the version's walk-forward, from it on the version itself.
    """

    pair: str
    model: str
    version: int
    from_ms: int
    until_ms: int
    learned_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything that forecasts of a pair rest on, as data: it may travel to another process.

    Attributes:
        reigns: by time, without holes; empty where no version of the pair was ever promoted.
        files: by version id and name.
    """

    reigns: tuple[Reign, ...]
    files: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def speeches(self, candles: Candles) -> tuple[Speech, ...]:
        """Give whose forecasts a pair's bars were given, in the order of time."""
        if not len(candles):
            return ()
        first = int(candles.ts_ms[0]) + candles.timeframe.ms
        last = int(candles.ts_ms[-1]) + candles.timeframe.ms
        return tuple(
            Speech(
                pair=candles.pair,
                model=one.version.model,
                version=one.version.version,
                from_ms=max(one.from_ms, first),
                until_ms=min(one.until_ms, last + 1),
                learned_ms=to_ms(one.version.retrain_at),
            )
            for one in self.reigns
            if one.version is not None and one.from_ms <= last and one.until_ms > first
        )

    def speakers(self) -> dict[str, Speaker]:
        """Give the speakers by version id."""
        versions = {one.version.id: one.version for one in self.reigns if one.version is not None}
        return {name: speaker_of(version, self.files[name]) for name, version in versions.items()}


def may_read_forecasts(strategy: str) -> bool:
    """Tell whether a strategy may read forecasts; one that is not built in may read anything."""
    from strategies.registry import default_registry

    known = {one.name: one for one in default_registry().list_strategies()}
    return strategy not in known or any(one.startswith("forecast:") for one in known[strategy].series_needed)


def refuse_deaf(strategy: str, model: str, *, is_heard: bool) -> None:
    """Refuse a model that is named for a strategy which reads no forecasts.

    Raises:
        InvalidInput: it is named for nothing.
    """
    if model and not is_heard:
        raise InvalidInput(
            f"Model '{model[:60]}' was named, but {strategy} reads no forecasts.",
            hint="Leave it out, or choose a strategy that does, such as learned_signal.",
        )


def whole_reign(version: Spoken) -> tuple[Reign, ...]:
    """Give one version the word at all times: before what it learned until speaks its walk-forward."""
    return (Reign(from_ms=0, until_ms=_FOREVER, version=version),)


def reigns_of(
    versions: Sequence[Spoken], promotions: Sequence[Promotion], pair: str, timeframe: str
) -> tuple[Reign, ...]:
    """Give who speaks for a pair at which closes.

    Of several models that cover a pair the one that was promoted last speaks.

    Args:
        promotions: oldest first.
    """
    known = {(one.model, one.version): one for one in versions}
    active: dict[str, Spoken] = {}
    changes: list[tuple[int, Spoken | None]] = []
    for one in promotions:
        # Taken out first: the order of the names is the order of promotion.
        active.pop(one.model, None)
        version = known.get((one.model, one.version))
        if version is not None and pair in version.pairs and version.timeframe == timeframe:
            active[one.model] = version
        speaks = next(reversed(active.values()), None)
        if changes or speaks is not None:
            changes.append((to_ms(one.at), speaks))
    reigns: list[Reign] = []
    for number, (start, version) in enumerate(changes):
        end = changes[number + 1][0] if number + 1 < len(changes) else _FOREVER
        if number == 0:
            start = 0
        if end > start:
            reigns.append(Reign(from_ms=start, until_ms=end, version=version))
    return tuple(reigns)


def forecast_series(reigns: Sequence[Reign], speakers: Mapping[str, Speaker], candles: Candles) -> Series:
    """Give what was expected at each close of a pair's bars, as log return over the version's horizon.

    A version is asked about closes after everything that it learned from; for closes before that its walk-forward is.
    """
    closes: list[IntArray] = []
    values: list[FloatArray] = []
    for reign in reigns:
        if reign.version is None or not len(candles):
            continue
        speaker, learned_ms = speakers[reign.version.id], to_ms(reign.version.retrain_at)
        heard = speaker.heard.get(candles.pair)
        if heard is not None:
            inside = _within(heard.close_ms, reign.from_ms, min(reign.until_ms, learned_ms))
            closes.append(heard.close_ms[inside])
            values.append(heard.expected[inside])
        own = _reach(candles, speaker, max(reign.from_ms, learned_ms), reign.until_ms)
        if len(own):
            said = speaker.say(own)
            inside = _within(said.close_ms, max(reign.from_ms, learned_ms), reign.until_ms)
            closes.append(said.close_ms[inside])
            values.append(said.expected[inside])
    if not closes:
        return Series(available_ms=np.empty(0, np.int64), values=np.empty(0))
    available = np.concatenate(closes)
    return _with_silences(available, np.concatenate(values), candles)


def _within(close_ms: IntArray, start: int, end: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (close_ms >= start) & (close_ms < end)
    return inside


def _reach(candles: Candles, speaker: Speaker, start: int, end: int) -> Candles:
    """Give the bars that closes in [start, end) are forecast from: those and what comes before them."""
    closes = candles.ts_ms + candles.timeframe.ms
    first = int(np.searchsorted(closes, start, "left"))
    last = int(np.searchsorted(closes, end, "left"))
    if first >= last:
        return candles.rows(0, 0)
    return candles.rows(max(0, first - speaker.least_bars), last)


def _with_silences(available: IntArray, values: FloatArray, candles: Candles) -> Series:
    """Say nothing at closes without a forecast: the last one does not speak on into bars that it did not see."""
    closes = candles.ts_ms + candles.timeframe.ms
    silent = closes[~np.isin(closes, available)]
    every = np.concatenate((available, silent))
    said = np.concatenate((values, np.full(len(silent), np.nan)))
    order = np.argsort(every, kind="stable")
    return Series(available_ms=every[order], values=said[order])


def forecasts_of(books: Mapping[str, Book], markets: Sequence[Candles]) -> dict[str, Series]:
    """Give the series of forecasts of markets, each by the version that spoke at the time."""
    found = {}
    for candles in markets:
        if (book := books.get(candles.pair)) is not None and book.reigns:
            whole, _ = fill_gaps(candles)
            found[SERIES.format(pair=candles.pair)] = forecast_series(book.reigns, book.speakers(), whole)
    return found


def speeches_of(books: Mapping[str, Book], markets: Sequence[Candles]) -> tuple[Speech, ...]:
    """Give whose forecasts markets were given, by pair and time."""
    return tuple(
        one for candles in markets if candles.pair in books for one in books[candles.pair].speeches(candles)
    )
