"""What lies on the shelf for a version: its weights, its forecasts out of sample, the spread of what it learned from.

JSON, ONNX and safetensors only: nothing here can run when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from trading.errors import OperatorProblem
from trading.learning.drift import Reference
from trading.learning.features import FEATURES
from trading.learning.linear import LinearPredictor
from trading.learning.predictors import QUANTILES
from trading.learning.scaling import Scaler

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Names of a version's files.
LINEAR, NETWORK = "model.json", "model.onnx"
FORECASTS, REFERENCE, CARD = "forecasts.safetensors", "reference.json", "card.json"

_LINEAR_FORM = "breakwater/linear/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a walk-forward forecast for one pair, each out of sample.

    Attributes:
        close_ms: of the bars at which it was said, rising.
        expected: log return over the horizon.
    """

    close_ms: IntArray
    expected: FloatArray


def linear_body(found: LinearPredictor) -> bytes:
    """Write a linear model; its numbers come back bit for bit."""
    return orjson.dumps(
        {
            "form": _LINEAR_FORM,
            "features": list(FEATURES),
            "quantiles": list(QUANTILES),
            "centre": found.scaler.centre.tolist(),
            "width": found.scaler.width.tolist(),
            "weights": found.weights.tolist(),
            "up_weights": found.up_weights.tolist(),
            "residuals": found.residuals.tolist(),
        }
    )


def read_linear(body: bytes) -> LinearPredictor:
    """Read a linear model.

    Raises:
        OperatorProblem: it is none, or one of other features than ours.
    """
    given = _mapping(body, "linear model")
    if given.get("form") != _LINEAR_FORM or given.get("features") != list(FEATURES):
        raise OperatorProblem(
            f"A linear model of form '{str(given.get('form'))[:40]}' was read; {_LINEAR_FORM} with our "
            f"{len(FEATURES)} features is needed.",
            hint="Train it anew with this version.",
        )
    count = len(FEATURES)
    return LinearPredictor(
        scaler=Scaler(centre=_numbers(given, "centre", count), width=_numbers(given, "width", count)),
        weights=_numbers(given, "weights", count + 1),
        up_weights=_numbers(given, "up_weights", count + 1),
        residuals=_numbers(given, "residuals", len(QUANTILES)),
    )


def reference_body(found: Reference) -> bytes:
    """Write the spread of features."""
    return orjson.dumps(
        {"features": list(FEATURES), "edges": found.edges.tolist(), "shares": found.shares.tolist()}
    )


def read_reference(body: bytes) -> Reference:
    """Read the spread of features.

    Raises:
        OperatorProblem: it is none, or of other features than ours.
    """
    given = _mapping(body, "reference")
    if given.get("features") != list(FEATURES):
        raise OperatorProblem("The spread of other features than ours was read.", hint="Train it anew.")
    return Reference(
        edges=np.asarray(given["edges"], np.float64), shares=np.asarray(given["shares"], np.float64)
    )


def forecasts_body(found: Mapping[str, Heard]) -> bytes:
    """Write forecasts by pair."""
    from safetensors.numpy import save

    parts: dict[str, NDArray[Any]] = {}
    for pair, one in found.items():
        parts[f"{pair}|close_ms"] = np.ascontiguousarray(one.close_ms)
        parts[f"{pair}|expected"] = np.ascontiguousarray(one.expected)
    body: bytes = save(parts)
    return body


def read_forecasts(body: bytes) -> dict[str, Heard]:
    """Read forecasts by pair.

    Raises:
        OperatorProblem: it is no such file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        parts = load(body)
        pairs = dict.fromkeys(name.rpartition("|")[0] for name in parts)
        return {
            pair: Heard(
                close_ms=parts[f"{pair}|close_ms"].astype(np.int64),
                expected=parts[f"{pair}|expected"].astype(np.float64),
            )
            for pair in pairs
        }
    except (SafetensorError, KeyError, ValueError) as problem:
        raise OperatorProblem(f"A file of forecasts cannot be read: {problem}.") from problem


def _mapping(body: bytes, what: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise OperatorProblem(f"A {what} cannot be read: {problem}.") from problem
    if not isinstance(found, dict):
        raise OperatorProblem(f"A {what} cannot be read: it holds no names.")
    return found


def _numbers(given: Mapping[str, Any], name: str, count: int) -> FloatArray:
    try:
        found = np.asarray(given.get(name), np.float64)
    except (TypeError, ValueError) as problem:
        raise OperatorProblem(f"'{name}' of a model holds no numbers: {problem}.") from problem
    if found.shape != (count,) or not np.isfinite(found).all():
        raise OperatorProblem(
            f"'{name}' of a model has the shape {found.shape}; {count} finite numbers are needed."
        )
    return found
