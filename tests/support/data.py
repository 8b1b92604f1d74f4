"""Where the shared real data lie, when they are there."""

from __future__ import annotations

import os
from pathlib import Path


def shared_data() -> Path | None:
    """Give the folder of real candles and texts, or None: every test also works without it."""
    named = os.environ.get("BREAKWATER_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return folder if (folder / "ohlcv").is_dir() else None
