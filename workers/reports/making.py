"""A report of a period, in a process of its own: replays, figures, pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.reports.period.document import document_of
from desk.reports.period.files import files_of
from desk.research.runs import registry
from workers.hand import Result, Tell

_STEPS = 2


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Compute a report and write its files."""
    tell("report", 0, _STEPS)
    document = document_of(payload["facts"], registry(payload["strategy_path"]))
    tell("report", 1, _STEPS)
    files = files_of(document)
    tell("report", _STEPS, _STEPS)
    return Result(values=document.values(), files=files)
