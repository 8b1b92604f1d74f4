"""The files of a report: a PDF for people, a workbook for calculating, a CSV for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from desk.reports.exports import FORMS, exported, workbook
from desk.reports.period.document import PeriodDocument
from desk.reports.period.sheets import TRADE_COLUMNS, sheets_of, trade_rows
from trading.errors import InvalidInput, nearest

#: Name and media type of each file, by form.
FILES: Mapping[str, tuple[str, str]] = {
    "pdf": ("report.pdf", "application/pdf"),
    "xlsx": ("report.xlsx", FORMS["xlsx"]),
    "csv": ("trades.csv", FORMS["csv"]),
}


def files_of(document: PeriodDocument, forms: Sequence[str] = tuple(FILES)) -> dict[str, tuple[str, bytes]]:
    """Give the files by name, each with its media type.

    Raises:
        InvalidInput: an unknown form.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for form in forms:
        if form not in FILES:
            raise InvalidInput(
                f"Form '{form}' was given; {', '.join(FILES)} are allowed.", hint=nearest(form, FILES) or None
            )
        name, media_type = FILES[form]
        found[name] = (media_type, _made(document, form))
    return found


def _made(document: PeriodDocument, form: str) -> bytes:
    if form == "pdf":
        # Laying out pages costs a quarter of a second to import; a CSV does not need it.
        from desk.reports.period.pdf import period_pdf

        return period_pdf(document)
    if form == "xlsx":
        return workbook(sheets_of(document))
    return exported("trades", TRADE_COLUMNS, trade_rows(document), "csv")
