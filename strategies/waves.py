"""Elliott waves as an input of strategies, and the entries that several strategies share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strategies.base import BaseStrategy
from strategies.frame import Frame, InputStream
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Rule
from strategies.sides import beyond, word
from trading.analysis.divergence import DivergenceStream, divergences
from trading.analysis.elliott import WaveColumnStream, WaveSettings, wave_columns
from trading.analysis.fibonacci import retracement
from trading.analysis.indicators import parse
from trading.analysis.streams import Bar, IndicatorStream
from trading.market import MarketView
from trading.signals import EntryType, Exit

FloatArray = NDArray[np.float64]

#: Values of the `setup` column: which pivot was confirmed at the close of this bar.
WAVE_2, ABC, WAVE_4, WAVE_5, CORRECTION = 2, 3, 4, 5, 6

#: Values of the `current_label` column while a correction is in progress.
LABEL_A, LABEL_B, LABEL_C = 11, 12, 13

#: Columns that strategies read; all are known at the close of their row.
FIELDS = (
    "setup",
    "direction",
    "p0",
    "p1",
    "p2",
    "p3",
    "p4",
    "p5",
    "invalidation",
    "retrace",
    "score",
    "current_label",
    "a0",
    "a",
    "b",
    "c",
    "range_low",
    "range_high",
    "pivot_price",
    "pivot_kind",
    "pivot_index",
)

#: Multiples of the ATR, one per degree of detection.
MULTIPLES = (3.0, 6.0, 12.0, 24.0)

DEGREE = Parameter(
    name="degree",
    kind="int",
    default=0,
    minimum=0,
    maximum=3,
    step=1,
    text="Degree of the waves traded: 0…3 for swings of 3, 6, 12 and 24 ATR.",
)
SCALE = Parameter(
    name="scale",
    kind="choice",
    default="log",
    choices=("log", "linear"),
    text="Scale in which wave lengths are compared.",
)
SCORE_MIN = Parameter(
    name="score_min",
    kind="float",
    default=0.0,
    minimum=0.0,
    maximum=1.0,
    step=0.1,
    text="Guideline score below which a count is not traded.",
)
STOP_BUFFER = Parameter(
    name="stop_buffer_atr",
    kind="float",
    default=0.25,
    minimum=0.0,
    maximum=3.0,
    step=0.25,
    unit="ATR",
    text="Distance of the stop beyond the price that invalidates the count.",
)
STOP_MIN = Parameter(
    name="stop_min_ratio",
    kind="float",
    default=0.02,
    minimum=0.0,
    maximum=0.5,
    step=0.005,
    unit="ratio",
    text="Stops nearer than this are skipped: noise would hit them.",
)
STOP_MAX = Parameter(
    name="stop_max_ratio",
    kind="float",
    default=0.05,
    minimum=0.001,
    maximum=0.9,
    step=0.01,
    unit="ratio",
    text="Stops further than this are skipped or sized down.",
)
WIDE_STOP = Parameter(
    name="wide_stop",
    kind="choice",
    default="skip",
    choices=("skip", "size_down"),
    text="What to do with a stop beyond stop_max_ratio: skip it, or risk less in proportion.",
)
ZONES = (
    Parameter(
        name="wave2_from",
        kind="float",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        unit="ratio",
        text="Least retracement of wave 1 by wave 2.",
    ),
    Parameter(
        name="wave2_to",
        kind="float",
        default=0.786,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        unit="ratio",
        text="Greatest retracement of wave 1 by wave 2.",
    ),
    Parameter(
        name="wave4_from",
        kind="float",
        default=0.236,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        unit="ratio",
        text="Least retracement of wave 3 by wave 4.",
    ),
    Parameter(
        name="wave4_to",
        kind="float",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        unit="ratio",
        text="Greatest retracement of wave 3 by wave 4.",
    ),
)

#: Everything that decides a wave-2 or wave-4 entry.
WAVE_PARAMETERS = (DEGREE, SCALE, *ZONES, SCORE_MIN, STOP_BUFFER, STOP_MIN, STOP_MAX, WIDE_STOP)

#: Risk per trade assumed when a wide stop is sized down, as a ratio of equity.
NORMAL_RISK = 0.01

#: Bars a limit order in the zone waits.
LIMIT_BARS = 12

#: Lengths of wave 1 measured from the end of wave 2 or 4; a first target already passed moves the ladder one up.
TARGETS = {WAVE_2: (1.0, 1.618, 2.618, 4.236), WAVE_4: (0.618, 1.0, 1.618, 2.618)}


class WaveInput:
    """The wave columns of one degree; with an oscillator also its divergences at the confirmed pivots.

    Args:
        oscillator: an indicator's spec, `rsi:14`; adds the columns `divergence` and `hidden`.
    """

    def __init__(self, degree: int, scale: str, oscillator: str | None = None) -> None:
        #: Which degree of MULTIPLES is read.
        self.degree = degree
        # Higher degrees cannot change lower ones; the score of a degree looks at the one below it.
        self._settings = WaveSettings(
            degrees=MULTIPLES[: degree + 1], scale="linear" if scale == "linear" else "log"
        )
        self._oscillator = parse(oscillator) if oscillator else None

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns."""
        return FIELDS if self._oscillator is None else (*FIELDS, "divergence", "hidden")

    @property
    def warmup_bars(self) -> int:
        """Bars after which pivots and counts no longer depend on where the history begins."""
        # A walk turns by m·ATR about every 2·m² bars; counts look back at twelve pivots, a score at the degree below.
        return int(32 * MULTIPLES[self.degree] ** 2) + 200

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        """Give the columns named in `outputs`."""
        found = wave_columns(market.candles, self._settings, self.degree)
        waves = tuple(np.asarray(getattr(found, name), np.float64) for name in FIELDS)
        if self._oscillator is None:
            return waves
        (oscillator, *_) = self._oscillator.columns(market.candles)
        pivots = dict(zip(FIELDS, waves, strict=True))
        both = divergences(pivots["pivot_kind"], pivots["pivot_index"], pivots["pivot_price"], oscillator)
        return (*waves, both.regular, both.hidden)

    def stream(self) -> InputStream:
        """Open the running twin."""
        oscillator = self._oscillator.stream() if self._oscillator is not None else None
        return _WaveInputStream(WaveColumnStream(self._settings, self.degree), oscillator)


class _WaveInputStream:
    def __init__(self, stream: WaveColumnStream, oscillator: IndicatorStream | None) -> None:
        self._stream = stream
        self._oscillator = oscillator
        self._divergences = DivergenceStream()

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> tuple[float, ...]:
        row = self._stream.step(ts_ms, *bar)
        waves = tuple(float(row[name]) for name in FIELDS)
        if self._oscillator is None:
            return waves
        reading = self._oscillator.step(bar)[0]
        pivot = (float(row["pivot_kind"]), float(row["pivot_index"]), float(row["pivot_price"]))
        return (*waves, *self._divergences.step(*pivot, reading))


class WaveRules:
    """The wave-2 and wave-4 entries of trading-rules A.9, told by the parameters of WAVE_PARAMETERS.

    Long entries are described; short ones mirror them.
    """

    def __init__(self, strategy: BaseStrategy) -> None:
        self._strategy = strategy

    def check_parameters(self) -> None:
        """Refuse zones whose ends are the wrong way round and stops whose bounds are."""
        number, refuse_unless = self._strategy.number, self._strategy.refuse_unless
        pairs = (("wave2_from", "wave2_to"), ("wave4_from", "wave4_to"), ("stop_min_ratio", "stop_max_ratio"))
        for low, high in pairs:
            refuse_unless(
                number(low) < number(high), f"{low} {number(low):g} must be below {high} {number(high):g}."
            )

    def entry(
        self, frame: Frame, side: int, wave: int, more: tuple[Rule, ...] = (), order: str = "market"
    ) -> Entry:
        """Enter when the end of wave 2 or 4 is confirmed: stop beyond invalidation, targets by the length of wave 1.

        Args:
            wave: WAVE_2 or WAVE_4.
            more: further conditions of the strategy, checked after the wave's own.
            order: "market" at the next open, or "limit" at the near edge of the zone.
        """
        number = self._strategy.number
        close, atr = frame["close"], frame["atr"]
        guard = frame["wave.p0" if wave == WAVE_2 else "wave.p1"]
        base = frame["wave.p2" if wave == WAVE_2 else "wave.p4"]
        length = np.abs(frame["wave.p1"] - frame["wave.p0"])
        price = self._limit(frame, side, wave) if order == "limit" else close
        stop = guard - side * number("stop_buffer_atr") * atr
        distance = side * (price - stop) / price
        ladder = [base + side * ratio * length for ratio in TARGETS[wave]]
        is_ahead = side * (ladder[0] - price) > 0.0
        return Entry(
            side=side,
            tag=f"wave{wave}_{word(side)}",
            rules=(
                Rule("wave_confirmed", frame["wave.setup"], "==", float(wave)),
                Rule("wave_direction", frame["wave.direction"], "==", float(side)),
                Rule("retrace_above", frame["wave.retrace"], ">=", number(f"wave{wave}_from")),
                Rule("retrace_below", frame["wave.retrace"], "<=", number(f"wave{wave}_to")),
                Rule("score", frame["wave.score"], ">=", number("score_min")),
                *more,
                Rule("stop_not_too_near", distance, ">=", number("stop_min_ratio")),
                *self._width_rule(distance),
                Rule("target_ahead", ladder[1], beyond(side), price),
            ),
            stop=stop,
            targets=tuple(np.where(is_ahead, ladder[leg], ladder[leg + 1]) for leg in range(3)),
            entry_type=EntryType.LIMIT if order == "limit" else EntryType.MARKET,
            entry_price=price if order == "limit" else None,
            expiry_bars=LIMIT_BARS if order == "limit" else 0,
            break_even_after_leg=1,
            score=frame["wave.score"],
            size_hint=self._size_hint(distance),
        )

    def _limit(self, frame: Frame, side: int, wave: int) -> FloatArray:
        start, end = ("wave.p0", "wave.p1") if wave == WAVE_2 else ("wave.p2", "wave.p3")
        edge = retracement(frame[start], frame[end], self._strategy.number(f"wave{wave}_from"))
        # A limit on the wrong side of the market would only be a market order in disguise.
        return np.minimum(edge, frame["close"]) if side > 0 else np.maximum(edge, frame["close"])

    def _width_rule(self, distance: FloatArray) -> tuple[Rule, ...]:
        if self._strategy.choice("wide_stop") == "size_down":
            return ()
        return (Rule("stop_not_too_far", distance, "<=", self._strategy.number("stop_max_ratio")),)

    def _size_hint(self, distance: FloatArray) -> FloatArray | None:
        if self._strategy.choice("wide_stop") == "skip":
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return NORMAL_RISK * np.minimum(1.0, self._strategy.number("stop_max_ratio") / distance)

    def wave_5_exit(self, frame: Frame, side: int) -> ExitPlan:
        """Leave when the end of wave 5 in the direction of the trade is confirmed; never at the top tick."""
        return ExitPlan(
            closes=Exit.LONG if side > 0 else Exit.SHORT,
            tag="wave5_done",
            rules=(
                Rule("wave5_confirmed", frame["wave.setup"], "==", float(WAVE_5)),
                Rule("wave5_direction", frame["wave.direction"], "==", float(side)),
            ),
        )
