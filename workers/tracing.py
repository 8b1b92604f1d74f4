"""Torch's older exporter, with what it says of itself left out; parity checks are where it must prove itself (ADR 0185)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Silence what the exporter announces, inside the block only."""
    with warnings.catch_warnings():
        # It says of itself that another exporter is newer (slower and larger here), and traces sizes that are fixed.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        # An LSTM of several batch sizes "can cause an error": parity looks at several.
        warnings.filterwarnings(
            "ignore", message="Exporting a model to ONNX with a batch_size", category=UserWarning
        )
        # Indices below zero would come out wrong; a BERT that counts positions has none.
        warnings.filterwarnings("ignore", message="Exporting aten::index operator", category=UserWarning)
        yield
