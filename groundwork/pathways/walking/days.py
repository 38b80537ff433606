"""Days as people write them: `2028-06-30`, a month, and weeks with other hours."""

from __future__ import annotations

import calendar
import re
from datetime import date

from groundwork.core.errors import InvalidInputError

LAST_YEAR = 2200
"""A plan that begins or ends later is a slip of the pen."""


def day_of(value: str | date, what: str = "date", *, last: bool = False) -> date:
    """Return the day that is meant: `2028-06-30`, or a month, `2028-06`: its last day with `last`, else its first.

    Raises:
        InvalidInputError: it is neither, or beyond the year 2200.
    """
    if isinstance(value, date):
        return value
    text = value.strip()
    month = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", text)
    try:
        if month:
            year, number = int(month[1]), int(month[2])
            found = date(year, number, calendar.monthrange(year, number)[1] if last else 1)
        else:
            found = date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{value[:40]!r} is no {what}", hint="write it as 2028-06-30, or a month as 2028-06"
        ) from None
    if not 2000 <= found.year <= LAST_YEAR:
        raise InvalidInputError(f"{found} is out of reach", hint=f"name a day up to the year {LAST_YEAR}")
    return found


def exception_of(text: str) -> tuple[str, str, float]:
    """Return the first day, the last day and the hours a week of an exception: `2027-08-01..2027-08-31=0`.

    Raises:
        InvalidInputError: it is written otherwise.
    """
    found = re.fullmatch(r"\s*([\d-]+)\s*\.\.\s*([\d-]+)\s*=\s*(\d+(?:\.\d+)?)\s*", text, re.ASCII)
    if not found:
        raise InvalidInputError(
            f"{text[:60]!r} is no exception",
            hint="write first day, last day and hours a week: 2027-08-01..2027-08-31=0",
        )
    return found[1], found[2], float(found[3])
