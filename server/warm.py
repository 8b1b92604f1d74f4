"""Where compiled code is kept, and compiling it before anything waits for it.

numba looks only at the caller's file when it decides whether a cached result still holds: after an edit of a callee
in another file the cached caller gives the old result. So the cache folder is named after everything that could
change the result: all sources of the core, the numba version, the interpreter and the CPU.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

#: Older builds that are kept, so that going back and forth between two versions stays fast.
KEPT_BUILDS = 3

_SOURCES = ("trading", "strategies")
_IMPORT = re.compile(r"^\s*(?:from|import)\s+((?:trading|strategies)[.\w]*)", re.MULTILINE)


def fingerprint(root: Path | None = None) -> str:
    """Give a digest of what is compiled, the numba version, the interpreter and the CPU."""
    root = root or Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in compiled_sources(root):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    for text in (
        metadata.version("numba"),
        metadata.version("numpy"),
        sys.version,
        platform.machine(),
        _cpu(),
    ):
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def compiled_sources(root: Path) -> list[Path]:
    """Give the files whose edit could change compiled code: those that compile, and all that they import of ours."""
    texts = {
        path: path.read_text(encoding="utf-8") for room in _SOURCES for path in (root / room).rglob("*.py")
    }
    wanted = {path for path, text in texts.items() if "trading.jit" in text}
    waiting = list(wanted)
    while waiting:
        for module in _IMPORT.findall(texts[waiting.pop()]):
            place = root.joinpath(*module.split("."))
            # From a package any of its modules may be meant.
            for found in (place.with_suffix(".py"), *(place.glob("*.py") if place.is_dir() else ())):
                if found in texts and found not in wanted:
                    wanted.add(found)
                    waiting.append(found)
    return sorted(wanted)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({one for one in lines if one.startswith(("model name", "flags", "Features"))}))


def use_cache(data_dir: Path) -> Path | None:
    """Choose the cache folder; call this before the first import of the core.

    Returns:
        The folder, or None when it cannot be written: then everything still works, compiled anew each time.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return Path(os.environ["NUMBA_CACHE_DIR"])
    builds = data_dir / "kernel"
    folder = builds / fingerprint()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        _forget_old(builds)
    except OSError:
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def _forget_old(builds: Path) -> None:
    folders = sorted(builds.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in folders[KEPT_BUILDS:]:
        shutil.rmtree(old, ignore_errors=True)


def is_warm() -> bool:
    """Tell whether this build was compiled before, all that is compiled ahead today."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if not folder:
        return False
    mark = Path(folder) / "warm"
    return mark.is_file() and mark.read_text(encoding="utf-8", errors="replace") == _paths_digest()


def _paths_digest() -> str:
    """Digest what is compiled ahead: a build that an older list has warmed is warmed again."""
    return hashlib.sha256(Path(__file__).with_name("warm_paths.py").read_bytes()).hexdigest()[:16]


def warm_in_subprocess() -> None:
    """Compile the core in a process of its own, so that this one neither waits in its loop nor keeps the memory."""
    if is_warm():
        return
    subprocess.run([sys.executable, "-m", "server.warm"], check=True)


def mark_warm() -> None:
    """Remember that this build is compiled."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if folder:
        (Path(folder) / "warm").write_text(_paths_digest(), encoding="utf-8")


def compile_everything() -> None:
    """Run each compiled path once on a small market, the way the house runs them."""
    from server.warm_paths import run

    run()
    mark_warm()


if __name__ == "__main__":
    compile_everything()
