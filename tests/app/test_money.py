"""Money in words: every amount is shown with enough digits, and none is shown as nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.app.money import price, usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "$0"),
        (0.000123, "$0.000123"),
        (0.000123456, "$0.000123"),
        (1e-9, "$0.000000001"),
        (0.01, "$0.01"),
        (0.1, "$0.10"),
        (0.1234, "$0.123"),
        (0.9949, "$0.995"),
        (0.999, "$1.00"),
        (1.005, "$1.00"),
        (1234.5, "$1,234.50"),
        (-0.5, "-$0.50"),
    ],
)
def test_an_amount_is_shown_with_the_digits_it_needs(amount: float, shown: str) -> None:
    assert usd(amount) == shown


@given(st.integers(1, 10**15))
def test_no_amount_that_was_spent_is_shown_as_nothing(nano: int) -> None:
    amount = nano / 1e9
    shown = usd(amount)
    assert shown != "$0"
    value = float(shown.replace("$", "").replace(",", ""))
    assert value == pytest.approx(amount, rel=0.006, abs=5.1e-10)


def test_an_unknown_price_is_said_to_be_one_and_free_is_another_thing() -> None:
    assert price(None) == "unknown price"
    assert price({"input": 0.0, "output": 0.0}) == "free"
    assert price({"input": 0.25, "output": 2.0}) == "$0.25 in, $2.00 out"
    assert price({"input": 0.02, "output": 0.0}) == "$0.02 in"


def test_calls_of_a_model_without_a_price_are_named(tmp_path: Path) -> None:
    from sqlalchemy import insert

    from groundwork.app.calls import cost, price_known, unpriced
    from groundwork.core.principal import LOCAL
    from groundwork.storage import tables as t
    from tests.gateway_house import make_house

    house = make_house(tmp_path / "w", days=1)
    workspace = house.workspace
    try:
        assert unpriced(workspace, LOCAL) == []
        row = {
            "tenant": "default", "day": "2026-11-20", "key_id": "", "app": "", "release": "", "provider": "far",
            "model": "large", "calls": 1, "failed": 0, "cached": 0, "input_tokens": 10, "output_tokens": 5,
            "cost_nanousd": 0, "energy_uwh": 0,
        }  # fmt: skip
        with workspace.rooms.database.write() as connection:
            connection.execute(insert(t.usage_days).values(**row))
        assert unpriced(workspace, LOCAL) == ["far/large"]
        assert unpriced(workspace, LOCAL, "2026-11-21") == []
        (served,) = workspace.usage.calls(LOCAL, {"model": "play/flaky"})
        unknown = replace(served, provider="far", served_model="large", cost_usd=0.0)
        assert cost(workspace, unknown) == "unknown price"
        assert not price_known(workspace, unknown)
        assert price_known(workspace, served)
    finally:
        workspace.close()
