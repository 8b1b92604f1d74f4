"""TA-Lib without pandas: importing it plainly also imports pandas where that is installed, 1.5 s that nobody needs.

With pandas in sight TA-Lib wraps each function to accept its series; we only ever hand in arrays.
"""

from __future__ import annotations

import sys
from types import ModuleType

_WRAPPED_FOR = ("pandas", "polars")


def _imported() -> tuple[ModuleType, ModuleType]:
    hidden = [name for name in _WRAPPED_FOR if name not in sys.modules]
    for name in hidden:
        # A None in sys.modules makes an import fail as if the module were not installed.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import talib as library
        from talib import stream
    finally:
        for name in hidden:
            del sys.modules[name]
    return library, stream


talib, handles = _imported()
