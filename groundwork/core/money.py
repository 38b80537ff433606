"""An amount of money in words: enough digits that a small amount is never shown as nothing."""

from __future__ import annotations

from math import floor, log10

NANO_DIGITS = 9


def usd(amount: float) -> str:
    """Return an amount of US dollars: cents from one dollar up, below that three significant digits.

    `$1,234.50`, `$0.25`, `$0.00123`, `$0.000000001`, `$0`. The ledger counts billionths, so nothing smaller is shown.
    """
    if amount == 0:
        return "$0"
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    if size >= 0.995:
        return f"{sign}${size:,.2f}"
    digits = min(NANO_DIGITS, max(2, 2 - floor(log10(size))))
    text = f"{size:.{digits}f}"
    whole, _, cents = text.partition(".")
    cents = cents[:2] + cents[2:].rstrip("0")
    return f"{sign}${whole}.{cents}" if cents.strip("0") or whole != "0" else f"{sign}under $0.000000001"
