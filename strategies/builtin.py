"""The strategies that come with the house: every concrete one in a file of this folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import strategies
from strategies.base import BaseStrategy
from trading.errors import InvariantBroken


def discover() -> tuple[type[BaseStrategy], ...]:
    """Give the concrete strategies of this package's files, by name; files that begin with `_` are not read."""
    found: dict[str, type[BaseStrategy]] = {}
    for module_info in pkgutil.iter_modules(strategies.__path__):
        if module_info.name.startswith("_") or module_info.name == "builtin":
            continue
        module = importlib.import_module(f"strategies.{module_info.name}")
        for cls in vars(module).values():
            if not inspect.isclass(cls) or not issubclass(cls, BaseStrategy) or inspect.isabstract(cls):
                continue
            if cls.__module__ != module.__name__:
                continue
            if cls.name in found:
                raise InvariantBroken(f"Two built-in strategies are named '{cls.name}'.")
            found[cls.name] = cls
    return tuple(found[name] for name in sorted(found))


#: Built-in strategies, by name.
BUILT_IN = discover()
