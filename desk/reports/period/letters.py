"""The files of a report in the letter that tells of it."""

from __future__ import annotations

from collections.abc import Mapping

from desk.ports import Store
from desk.views import Alert

#: Mail servers refuse larger letters; the files are then fetched from the job.
MOST_BYTES = 8 * 1024**2

_ATTACHED = ("report.pdf", "report.xlsx")


class ReportFiles:
    """Reads what a letter about a report carries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, alert: Alert) -> Mapping[str, bytes]:
        """Give the report's pages and workbook; nothing where they are gone or too large."""
        job_id = str(alert.params.get("job_id") or "")
        if alert.kind != "report_ready" or not job_id:
            return {}
        async with self._store.reading() as tx:
            listed = {one.name: one.size for one in await tx.jobs.files(alert.workspace_id, [job_id])}
            wanted = [name for name in _ATTACHED if name in listed]
            if sum(listed[name] for name in wanted) > MOST_BYTES:
                return {}
            found = {name: await tx.jobs.file(alert.workspace_id, job_id, name) for name in wanted}
        return {name: data for name, data in found.items() if data is not None}
