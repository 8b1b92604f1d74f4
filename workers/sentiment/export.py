"""From torch to the file that scores: ONNX, eight-bit weights, and a check that the two say the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from workers.tracing import quiet_tracing

if TYPE_CHECKING:
    from workers.sentiment.fit import Classifier

#: Largest difference of the logits between torch and the exported file before its weights are rounded.
PARITY = 1e-4

_OPSET = 17


def export(model: Classifier, base: Path, out: Path) -> float:
    """Write `model.onnx` and `tokenizer.json`; give the largest difference to torch before rounding."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out.mkdir(parents=True, exist_ok=True)
    model.eval()
    ids = torch.randint(1_000, 20_000, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    with tempfile.TemporaryDirectory() as name:
        exact = Path(name) / "exact.onnx"
        with quiet_tracing():
            torch.onnx.export(
                model,
                (ids, mask),
                str(exact),
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_axes={
                    "input_ids": {0: "texts", 1: "tokens"},
                    "attention_mask": {0: "texts", 1: "tokens"},
                    "logits": {0: "texts"},
                },
                opset_version=_OPSET,
                dynamo=False,
            )
        with torch.inference_mode():
            wanted = model(ids, mask).numpy()
        session = onnxruntime.InferenceSession(str(exact), providers=["CPUExecutionProvider"])
        found = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0]
        difference = float(np.abs(found - wanted).max())
        assert difference < PARITY, f"the export differs from torch by {difference}"
        quantize_dynamic(
            str(exact),
            str(out / "model.onnx"),
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        )
    shutil.copyfile(base / "tokenizer.json", out / "tokenizer.json")
    return difference
