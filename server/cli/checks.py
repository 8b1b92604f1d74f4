"""`check`: what must be in order before the house is trusted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trading.errors import BreakwaterError


def run_checks(data_dir: Path | None) -> list[dict[str, Any]]:
    """Run every check and give `{"name", "ok", "detail"}` each; a failed one says what to do."""
    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "settings": lambda: _settings(data_dir),
        "data folder": lambda: _data_dir(data_dir),
        "store": lambda: asyncio.run(_store(data_dir)),
        "compiled core": _core,
        "strategies": lambda: _strategies(data_dir),
        "wave engine": _waves,
    }
    return [_run(name, one) for name, one in checks.items()]


def _run(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": check()}
    except BreakwaterError as problem:
        return {"name": name, "ok": False, "detail": str(problem)}
    except OSError as problem:
        return {"name": name, "ok": False, "detail": f"{problem.strerror or problem}"}


def _python() -> str:
    return f"Python {sys.version.split()[0]}"


def _settings(data_dir: Path | None) -> str:
    from server.cli.house import settings

    found = settings(data_dir)
    return f"database {'set' if found.database_url else 'SQLite in the data folder'}, mail {'set' if found.smtp_host else 'off'}"


def _data_dir(data_dir: Path | None) -> str:
    import shutil
    import tempfile

    from server.cli.house import settings
    from trading.errors import StoreProblem

    folder = settings(data_dir).data_dir
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    free = shutil.disk_usage(folder).free
    if free < 500 * 1024**2:
        raise StoreProblem(
            f"'{folder}' has {free // 1024**2} MiB free; at least 500 MiB are needed.", hint="Make room."
        )
    return f"{folder}, {free // 1024**3} GiB free"


async def _store(data_dir: Path | None) -> str:
    from server.cli.house import opened_store

    async with opened_store(data_dir) as store, store.reading() as tx:
        workspaces = await tx.workspaces.all()
        for one in workspaces:
            bad = await tx.audit.first_bad(one.id)
            if bad is not None:
                from trading.errors import StoreProblem

                raise StoreProblem(
                    f"The audit of '{one.name}' does not follow at line {bad}.",
                    hint="Somebody changed it: restore a backup.",
                )
    return f"newest schema, {len(workspaces)} workspaces, audit chains hold"


def _core() -> str:
    from server.warm import is_warm

    return "compiled" if is_warm() else "not compiled yet: 'breakwater warm' does it ahead of time"


def _strategies(data_dir: Path | None) -> str:
    from desk.research.runs import registry
    from server.cli.house import settings

    known = registry(settings(data_dir).strategy_path)
    for failure in known.failures.values():
        raise failure
    return f"{len(known.names())} registered"


def _waves() -> str:
    from trading.analysis.elliott import WaveSettings

    return f"degrees at {', '.join(f'{one:g}' for one in WaveSettings().degrees)} ATR"
