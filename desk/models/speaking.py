"""Forecasting with a model from the shelf: the same code and the same bits for one bar, live, and for a whole history."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from desk.models.files import FORECASTS, LINEAR, NETWORK, Heard, read_forecasts, read_linear
from desk.models.views import Spoken
from desk.predictors import onnx_session
from trading.candles import Candles
from trading.errors import OperatorProblem
from trading.learning.features import FEATURES, WARMUP_BARS
from trading.learning.linear import LinearPredictor
from trading.learning.panel import Inputs, inputs_of
from trading.learning.predictors import QUANTILES, Forecasts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: What a network gives per window: the mean, the log odds of a rise, the quantiles.
_HEAD = 2 + len(QUANTILES)

#: Windows whose answer a network remembers: a bot asks for the last few hundred bars again at each bar.
_REMEMBERED = 16_384


class Voice(Protocol):
    """The weights of a version."""

    def say(self, asked: Inputs, window_bars: int) -> Forecasts:
        """Forecast at each bar that is asked about."""
        ...


@dataclass(frozen=True, slots=True)
class LinearVoice:
    """A linear model."""

    model: LinearPredictor

    def say(self, asked: Inputs, window_bars: int) -> Forecasts:
        """Forecast from the last bar of each window."""
        return self.model.predict_rows(asked.table[asked.bars])


class NetworkVoice:
    """A network in ONNX. Each window goes through alone: in batches the rounding would depend on the neighbours.

    Raises:
        OperatorProblem: the file is no network over our features.
    """

    def __init__(self, body: bytes) -> None:
        self._session: Any = onnx_session(body)
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 3 or shape[2] != len(FEATURES):
            raise OperatorProblem(
                f"A network with inputs of shape {shape} was read; windows of {len(FEATURES)} features are needed.",
                hint="Train it anew with this version.",
            )
        self._name = inputs[0].name
        self._known: OrderedDict[bytes, FloatArray] = OrderedDict()

    def say(self, asked: Inputs, window_bars: int) -> Forecasts:
        """Forecast from each window."""
        windows = asked.windows(window_bars)
        heads = np.array([self._one(one) for one in windows]).reshape(len(windows), _HEAD)
        return Forecasts(mean=heads[:, 0], up=1.0 / (1.0 + np.exp(-heads[:, 1])), quantiles=heads[:, 2:])

    def _one(self, window: NDArray[np.float32]) -> FloatArray:
        key = hashlib.blake2b(window.tobytes(), digest_size=16).digest()
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        (found,) = self._session.run(None, {self._name: window[None]})
        head = np.asarray(found, np.float64).reshape(-1)
        if head.shape != (_HEAD,):
            raise OperatorProblem(f"A network gave {head.size} values for a window; {_HEAD} are needed.")
        self._known[key] = head
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return head


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Forecasts at bars of one pair.

    Attributes:
        close_ms: of the bars, rising.
        forecasts: in units of `scale`.
        scale: what one unit is worth as log return over the horizon.
    """

    close_ms: IntArray
    forecasts: Forecasts
    scale: FloatArray

    @property
    def expected(self) -> FloatArray:
        """Log return over the horizon, per bar."""
        found: FloatArray = self.forecasts.mean * self.scale
        return found


@dataclass(frozen=True, slots=True)
class Speaker:
    """A version with its weights in memory."""

    version: Spoken
    voice: Voice
    heard: Mapping[str, Heard]

    @property
    def least_bars(self) -> int:
        """Bars of history that one forecast needs."""
        return WARMUP_BARS + self.version.window_bars

    def say(self, candles: Candles) -> Said:
        """Forecast at every bar at which everything needed is there; nothing later than a bar is looked at."""
        version = self.version
        asked = inputs_of(candles, window_bars=version.window_bars, horizon_bars=version.horizon_bars)
        return Said(
            close_ms=candles.ts_ms[asked.bars] + candles.timeframe.ms,
            forecasts=self.voice.say(asked, version.window_bars),
            scale=asked.scale,
        )


def needed_files(version: Spoken) -> tuple[str, ...]:
    """Give the names of the files that a speaker is made of."""
    return (LINEAR if version.kind == "linear" else NETWORK, FORECASTS)


def speaker_of(version: Spoken, files: Mapping[str, bytes]) -> Speaker:
    """Make a speaker of a version's files, by their names.

    Raises:
        OperatorProblem: a file is not what it should be.
    """
    model, forecasts = needed_files(version)
    voice = LinearVoice(read_linear(files[model])) if model == LINEAR else NetworkVoice(files[model])
    return Speaker(version, voice, read_forecasts(files[forecasts]))
