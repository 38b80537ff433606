"""Money in words: enough digits that a small amount is never shown as nothing, and an unknown price said plainly."""

from __future__ import annotations

from collections.abc import Mapping

from groundwork.core.money import usd

UNKNOWN_PRICE = "unknown price"
FREE = "free"
__all__ = ["FREE", "UNKNOWN_PRICE", "price", "usd"]


def price(table: Mapping[str, float] | None) -> str:
    """Return what a model costs, `$0.25 in, $2.00 out`, per million tokens."""
    if table is None:
        return UNKNOWN_PRICE
    read, written = table.get("input", 0.0), table.get("output", 0.0)
    if not read and not written:
        return FREE
    return f"{usd(read)} in, {usd(written)} out" if written else f"{usd(read)} in"
