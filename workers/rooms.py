"""Where kinds of jobs come from: a line for each module, which offers them as `KINDS`, a tuple of `workers.kinds.Kind`.

What is done by the clock is entered in `desk.jobs.timetable`.
"""

from __future__ import annotations

#: Modules are imported where jobs are done, so what they need at import must be light.
ROOMS: tuple[str, ...] = (
    "workers.research",
    "workers.daily_summary",
    "workers.market_data.jobs",
    "workers.news.jobs",
    "workers.reports.jobs",
    "workers.retention",
    "workers.forecasts.jobs",
    "workers.forecasts.tidying",
)
