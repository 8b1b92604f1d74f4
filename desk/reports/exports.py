"""Rows as files: CSV, JSON or a workbook. A cell that a spreadsheet would take for a formula is made text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson

from trading.errors import InvalidInput, nearest

#: Forms of a file, with their media types.
FORMS: Mapping[str, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

#: A spreadsheet takes a text that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page of a workbook."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def exported(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str) -> bytes:
    """Give rows as a file.

    Raises:
        InvalidInput: the form is unknown.
    """
    match form:
        case "csv":
            return _csv(columns, rows)
        case "json":
            lines = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
            return orjson.dumps(lines, option=orjson.OPT_INDENT_2)
        case "xlsx":
            return workbook([Sheet(name=name, columns=columns, rows=rows)])
    raise InvalidInput(
        f"Form '{form}' was given; {', '.join(FORMS)} are allowed.", hint=nearest(form, FORMS) or None
    )


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([harmless_cell(cell) for cell in row] for row in rows)
    # Spreadsheets take a file without the mark for the machine's own encoding.
    return b"\xef\xbb\xbf" + sink.getvalue().encode("utf-8", "replace")


def harmless_cell(cell: Any) -> Any:
    """Give a cell that no spreadsheet runs: numbers as they are, a text that looks like a formula behind a quote."""
    shown = _plain(cell)
    if isinstance(cell, Decimal | int | float | bool) or shown is None:
        return shown
    text = str(shown)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(cell: Any) -> Any:
    match cell:
        case Decimal():
            return format(cell, "f")
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case Enum():
            return cell.value
        case Mapping() | list() | tuple():
            return orjson.dumps(cell, default=str).decode()
        case str():
            return cell.encode("utf-8", "replace").decode()
        case _:
            return cell


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Give sheets as a workbook that every spreadsheet opens; no cell of it is a formula or a link."""
    import xlsxwriter

    sink = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(sink, options) as book:
        # The same rows are the same file.
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 - the library takes naive times only
        head = book.add_format({"bold": True, "bottom": 1})
        when = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for one in sheets:
            _fill(book.add_worksheet(_sheet_name(one.name)), one, head, when)
    return sink.getvalue()


def _fill(sheet: Any, one: Sheet, head: Any, when: Any) -> None:
    for column, title in enumerate(one.columns):
        sheet.write_string(0, column, title, head)
    for number, row in enumerate(one.rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell.replace(tzinfo=None), when)
            elif isinstance(cell, Decimal | int | float) and not isinstance(cell, bool):
                sheet.write_number(number, column, float(cell))
            elif cell is not None:
                sheet.write_string(number, column, str(_plain(cell))[:32_767])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(one.rows), 1), max(len(one.columns) - 1, 0))
    sheet.autofit()


def _sheet_name(name: str) -> str:
    kept = "".join(one if one.isalnum() or one in " -_" else " " for one in name)
    return kept.strip()[:31] or "rows"
