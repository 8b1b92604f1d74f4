"""Networks over windows of features: an LSTM and a transformer, both small, both with the scaling inside.

Needs torch (requirements/train.txt); nothing at run time does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from trading.learning.predictors import QUANTILES
from trading.learning.scaling import MOST, Scaler

#: What a network gives per sample: the mean, the log odds of a rise, the lowest quantile, and the steps up from it.
HEAD = 2 + len(QUANTILES)


class Scaled(nn.Module):  # type: ignore[misc]
    """Scales raw features as they were scaled while learning, so that a file needs nothing beside it."""

    def __init__(self, scaler: Scaler) -> None:
        super().__init__()
        self.register_buffer("centre", torch.tensor(scaler.centre, dtype=torch.float32))
        self.register_buffer("width", torch.tensor(scaler.width, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give scaled features."""
        return torch.clamp((x - self.centre) / self.width, -MOST, MOST)


class Head(nn.Module):  # type: ignore[misc]
    """Mean, log odds and quantiles that cannot cross."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, HEAD)
        # Begin with "nothing is known": mean 0, even odds, the spread of a usual day.
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():
            self.out.bias.copy_(torch.tensor([0.0, 0.0, -1.5, 0.55, 0.35, 0.35, 0.55]))

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        """Give shape (samples, 2 + quantiles)."""
        raw = self.out(state)
        steps = nn.functional.softplus(raw[:, 3:])
        # A sum of five is written out: some runtimes have no cumulative sum in the exported form.
        lowest = raw[:, 2:3]
        quantiles = [lowest]
        for k in range(len(QUANTILES) - 1):
            quantiles.append(quantiles[-1] + steps[:, k : k + 1])
        return torch.cat([raw[:, :2], *quantiles], dim=1)


class Lstm(nn.Module):  # type: ignore[misc]
    """One recurrent layer over the window; its last state speaks."""

    def __init__(self, scaler: Scaler, window_bars: int, width: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        self.scaled = Scaled(scaler)
        self.body = nn.LSTM(len(scaler.centre), width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = Head(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the head's values for windows of shape (samples, bars, features)."""
        states, _ = self.body(self.scaled(x))
        return self.head(self.dropout(states[:, -1]))


class Transformer(nn.Module):  # type: ignore[misc]
    """Two encoder layers with learned places; the last bar speaks. No later bar is in a window, so no mask is needed."""

    def __init__(
        self,
        scaler: Scaler,
        window_bars: int,
        width: int = 32,
        heads: int = 2,
        layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.scaled = Scaled(scaler)
        self.enter = nn.Linear(len(scaler.centre), width)
        self.places = nn.Parameter(torch.randn(1, window_bars, width) * 0.02)
        layer: Any = nn.TransformerEncoderLayer(
            width, heads, dim_feedforward=2 * width, dropout=dropout, batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.rest = nn.LayerNorm(width)
        self.head = Head(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the head's values for windows of shape (samples, bars, features)."""
        states = self.body(self.enter(self.scaled(x)) + self.places)
        return self.head(self.rest(states[:, -1]))


#: Networks by the name that `train` takes.
NETWORKS: dict[str, type[nn.Module]] = {"lstm": Lstm, "transformer": Transformer}


def loss(out: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Add up the squared error of the mean, the log-loss of the direction and the pinball loss of the quantiles."""
    levels = torch.tensor(QUANTILES, dtype=out.dtype)
    beside = target[:, None] - out[:, 2:]
    pinball = torch.maximum(levels * beside, (levels - 1.0) * beside).mean()
    direction = nn.functional.binary_cross_entropy_with_logits(out[:, 1], (target > 0.0).to(out.dtype))
    return nn.functional.mse_loss(out[:, 0], target) + direction + 2.0 * pinball


def parameters_of(model: nn.Module) -> int:
    """Count what is learned."""
    return sum(one.numel() for one in model.parameters())


def weights_of(model: nn.Module) -> bytes:
    """Give all weights and buffers as bytes, in the order of their names: what an artefact's identity rests on."""
    state = model.state_dict()
    return b"".join(
        name.encode() + np.ascontiguousarray(state[name].numpy()).tobytes() for name in sorted(state)
    )
