"""How the core is compiled: one decorator, so that cache, threads and maths flags are decided once.

The cache folder is named by `NUMBA_CACHE_DIR`, which the wiring sets before the first compiled module is
imported (`server.warm`): data folder + a hash of the core's sources, the numba version and the CPU. numba's own
cache beside the sources is never used, because after an edit of a callee in another file a cached caller gives
the old result.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def _imported() -> ModuleType:
    """Import numba without what its import can do without, half a second of a fresh process.

    It makes a million objects that stay, through which the collector of garbage goes again and again. And it asks
    scipy.linalg whether there is a BLAS, for a clear message where scipy is missing; scipy is among our requirements.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        import numba
        from numba.np import linalg
    finally:
        if was_collecting:
            gc.enable()
    ask: Any = linalg
    ask.ensure_blas = lambda: None
    return numba


numba = _imported()

#: Compiled code is kept on disk only where a cache folder was chosen on purpose.
HAS_CACHE = bool(os.environ.get("NUMBA_CACHE_DIR"))


def njit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and scalars; it releases the GIL and keeps IEEE arithmetic."""
    compiled: Any = numba.njit(nogil=True, fastmath=False, cache=HAS_CACHE)(function)
    return cast("Callable[P, R]", compiled)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a small helper that is copied into its caller."""
    compiled: Any = numba.njit(nogil=True, fastmath=False, cache=HAS_CACHE, inline="always")(function)
    return cast("Callable[P, R]", compiled)


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only compiled code calls: without the Python wrappers it compiles in half the time.

    Outside compiled code call its Python source, `function.py_func`.
    """
    # numba's type stubs do not know the last two options.
    compiler: Any = numba.njit
    compiled = compiler(
        nogil=True, fastmath=False, cache=HAS_CACHE, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return cast("Callable[P, R]", compiled)


def skeleton(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a helper that is always copied into its caller: for what runs at every step and is called once or twice."""
    compiler: Any = numba.njit
    compiled = compiler(
        nogil=True,
        fastmath=False,
        cache=HAS_CACHE,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        forceinline=True,
    )(function)
    return cast("Callable[P, R]", compiled)
