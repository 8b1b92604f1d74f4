"""From torch to a file that forecasts: ONNX, and a check that the two say the same."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trading.errors import InvariantBroken
from workers.tracing import quiet_tracing

#: Largest difference between torch and the exported file, over all outputs.
PARITY = 1e-5

#: Batches that are compared: one, a few, many.
_BATCHES = (1, 7, 300)

_OPSET = 17


def export(model: nn.Module, windows: NDArray[np.float32]) -> tuple[bytes, float]:
    """Give the file and its largest difference to torch on real windows.

    Raises:
        InvariantBroken: the difference is above PARITY.
    """
    import onnx

    model.eval()
    buffer = io.BytesIO()
    with quiet_tracing():
        torch.onnx.export(
            model,
            (torch.from_numpy(windows[:2]),),
            buffer,
            input_names=["windows"],
            output_names=["head"],
            dynamic_axes={"windows": {0: "samples"}, "head": {0: "samples"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    plain = onnx.load_model_from_string(buffer.getvalue())
    # Where and by what it was made says nothing about what it does, and would change its hash.
    plain.ClearField("metadata_props")
    for node in plain.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    body: bytes = plain.SerializeToString(deterministic=True)
    # The exporter puts parts of the model back into training mode.
    model.eval()
    difference = parity(model, body, windows)
    if difference > PARITY:
        raise InvariantBroken(
            f"The exported file differs from the model by {difference:.2e}; at most {PARITY:.0e} is allowed."
        )
    return body, difference


def parity(model: nn.Module, body: bytes, windows: NDArray[np.float32]) -> float:
    """Give the largest difference between a model and a file, over batches of several sizes."""
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])
    worst = 0.0
    with torch.inference_mode():
        for size in _BATCHES:
            batch = np.resize(windows, (size, *windows.shape[1:]))
            wanted = model(torch.from_numpy(batch)).numpy()
            (found,) = session.run(None, {"windows": batch})
            worst = max(worst, float(np.abs(found - wanted).max()))
    return worst
