"""Which stored series are looked after, and what the settings ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.ports import Unit
from desk.settings import Settings
from trading.errors import BadSetting
from trading.timeframes import Timeframe

#: A stored series that ended so long ago is not refreshed any more, unless the settings name it.
IN_USE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Series:
    """A series of a venue."""

    venue: str
    pair: str
    timeframe: str

    @property
    def name(self) -> str:
        """As the settings and the command line write it."""
        return f"{self.venue}:{self.pair}:{self.timeframe}"

    @property
    def step(self) -> Timeframe:
        """Its timeframe."""
        return Timeframe.parse(self.timeframe)


def read_series(text: str) -> Series:
    """Read `binance:BTC/USDT:1h`.

    Raises:
        BadSetting: something else, or a venue that is not known.
        InvalidInput: no such timeframe.
    """
    from desk.venues.quirks import quirks_of

    venue, _, rest = text.partition(":")
    pair, _, timeframe = rest.partition(":")
    if not (venue and "/" in pair and timeframe):
        raise BadSetting(
            f"The list of candles holds '{text}'; VENUE:PAIR:TIMEFRAME is allowed.",
            hint="For example binance:BTC/USDT:1h.",
        )
    quirks_of(venue)
    return Series(venue=venue, pair=pair.upper(), timeframe=str(Timeframe.parse(timeframe)))


async def kept_series(tx: Unit, settings: Settings | None, now: datetime) -> tuple[Series, ...]:
    """Give the series to look after: those that the settings name, and stored ones of real venues that are in use."""
    from desk.venues.quirks import QUIRKS

    named = {read_series(one) for one in settings.candles} if settings else set()
    stored = {
        Series(venue=one.venue, pair=one.pair, timeframe=one.timeframe)
        for one in await tx.candles.series()
        if one.venue in QUIRKS and now - one.last < IN_USE
    }
    return tuple(sorted(named | stored))


def read_spans(settings: Settings) -> dict[str, timedelta]:
    """Read how long bars are kept: `1m=90d,5m=365d`; a timeframe that is not named is kept for ever.

    Raises:
        BadSetting: something else.
    """
    spans = {}
    for one in settings.candles_keep:
        name, equals, days = one.partition("=")
        if not equals or not days.endswith("d") or not days[:-1].isdigit() or int(days[:-1]) < 1:
            raise BadSetting(
                f"Setting BREAKWATER_CANDLES_KEEP holds '{one}'; TIMEFRAME=DAYS with a d is allowed, like 1m=90d."
            )
        spans[str(Timeframe.parse(name.strip()))] = timedelta(days=int(days[:-1]))
    return spans


def longer(settings: Settings) -> Sequence[Timeframe]:
    """Give the timeframes that are derived from shorter ones."""
    return [Timeframe.parse(one) for one in settings.candles_resample]
