"""What one forecast costs: an exported network asked for a single window, again and again, on one core.

    python benchmarks/forecast_inference.py [--quick]

Needs requirements/train.txt. The networks have the sizes of docs/forecasts.md; their weights do not matter here.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from trading.learning.features import FEATURES
from trading.learning.scaling import Scaler
from workers.forecasts.study import has_torch

WINDOW = 48

#: Longest 95th percentile in milliseconds.
ALLOWED_MS = {"lstm": 1.0, "transformer": 2.0}


def main() -> int:
    """Measure both."""
    if not has_torch():
        print("torch is not installed here: nothing was measured (requirements/train.txt).")
        return 0
    import onnxruntime

    from workers.forecasts.export import export
    from workers.forecasts.networks import NETWORKS, parameters_of

    calls = 500 if "--quick" in sys.argv else 5_000
    scaler = Scaler(centre=np.zeros(len(FEATURES)), width=np.ones(len(FEATURES)))
    windows = np.random.default_rng(1).normal(0.0, 1.0, (300, WINDOW, len(FEATURES))).astype(np.float32)
    is_slow = False
    for kind, network in NETWORKS.items():
        model = network(scaler, WINDOW)
        body, difference = export(model, windows)
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        spent = np.empty(calls)
        for call in range(calls):
            begun = time.perf_counter()
            session.run(None, {"windows": windows[call % 300][None]})
            spent[call] = (time.perf_counter() - begun) * 1_000
        begun = time.perf_counter()
        session.run(None, {"windows": windows})
        batch = (time.perf_counter() - begun) * 1_000
        p50, p95 = np.quantile(spent, (0.5, 0.95))
        is_slow |= bool(p95 > ALLOWED_MS[kind])
        print(
            f"{kind:12} {parameters_of(model):6,} weights, {len(body):,} bytes, parity {difference:.1e}; "
            f"one window p50 {p50:.3f} ms, p95 {p95:.3f} ms (allowed {ALLOWED_MS[kind]:g}); 300 at once {batch:.1f} ms"
        )
    return 1 if is_slow else 0


if __name__ == "__main__":
    sys.exit(main())
