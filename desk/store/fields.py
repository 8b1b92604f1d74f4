"""Column types that keep their value exactly on both databases.

SQLite has no decimal and no time type: money is kept as its plain text, times as fixed-width UTC text that sorts.
On PostgreSQL the same columns are NUMERIC (without a scale, so 1.50 stays 1.50) and TIMESTAMPTZ.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from tortoise.fields.base import Field


class TextColumn(Field[str], str):  # type: ignore[misc]
    """Text of any length; ids are text too."""

    SQL_TYPE = "TEXT"


class MoneyColumn(Field[Decimal], Decimal):  # type: ignore[misc]
    """An exact decimal. Never add up or compare it in SQL: on SQLite it is text."""

    SQL_TYPE = "VARCHAR(80)"

    class _db_postgres:  # noqa: N801 - the name by which Tortoise finds a dialect's type
        SQL_TYPE = "NUMERIC"


class MomentColumn(Field[datetime], datetime):
    """A UTC time to the microsecond; sorts in SQL."""

    SQL_TYPE = "VARCHAR(32)"

    class _db_postgres:  # noqa: N801
        SQL_TYPE = "TIMESTAMPTZ"


class JsonColumn(Field[Any]):
    """Plain values as JSON text, kept verbatim (not JSONB, which turns 1e22 into an integer); never searched in SQL."""

    SQL_TYPE = "TEXT"
    indexable = False

    class _db_postgres:  # noqa: N801
        SQL_TYPE = "JSON"
