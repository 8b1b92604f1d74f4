"""One exchange of ccxt, without the other hundred: importing the library whole costs seconds that nobody uses.

ccxt's packages import every exchange in their `__init__`. Here the packages are entered in `sys.modules` as bare
folders first, with the names that ccxt's own base files ask of them; then only the wanted exchange is imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from threading import Lock
from types import ModuleType
from typing import Any

from trading.errors import OperatorProblem

_PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")
_LOCK = Lock()


def exchange_class(exchange_id: str, *, with_streams: bool = True) -> Any:
    """Give the class of one exchange, with its websockets or without.

    Raises:
        OperatorProblem: the installed ccxt has no such exchange.
    """
    with _LOCK:
        _bare_packages()
        try:
            rest = getattr(importlib.import_module(f"ccxt.async_support.{exchange_id}"), exchange_id)
            setattr(sys.modules["ccxt.async_support"], exchange_id, rest)
            if not with_streams:
                return rest
            return getattr(importlib.import_module(f"ccxt.pro.{exchange_id}"), exchange_id)
        except ImportError as missing:
            raise OperatorProblem(
                f"The installed ccxt has no exchange '{exchange_id}': {missing}.",
                hint="Install the requirements anew, or choose another venue.",
            ) from missing


def errors() -> Any:
    """Give ccxt's error classes."""
    with _LOCK:
        _bare_packages()
        return importlib.import_module("ccxt.base.errors")


def _bare_packages() -> None:
    if "ccxt" in sys.modules:
        # Ours from before, or the whole library because somebody else needed it.
        return
    found = importlib.util.find_spec("ccxt")
    if found is None or not found.submodule_search_locations:
        raise OperatorProblem("ccxt is not installed.", hint="Install the requirements.")
    root = found.submodule_search_locations[0]
    for name in _PACKAGES:
        package = ModuleType(name)
        package.__path__ = [root if name == "ccxt" else f"{root}/{name.removeprefix('ccxt.')}"]
        sys.modules[name] = package
    base = sys.modules["ccxt"]
    base.async_support = sys.modules["ccxt.async_support"]  # type: ignore[attr-defined]
    base.pro = sys.modules["ccxt.pro"]  # type: ignore[attr-defined]
    for name, value in vars(importlib.import_module("ccxt.base.errors")).items():
        if isinstance(value, type):
            setattr(base, name, value)
    base.Exchange = importlib.import_module("ccxt.base.exchange").Exchange  # type: ignore[attr-defined]
