"""What is said of a spec that does not make sense: the key, the place, and never a secret."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from groundwork.core.errors import SettingsError
from groundwork.core.settings import Layer, resolve

SECRET = "sk-a-key-that-stands-in-the-wrong-place"


@pytest.mark.parametrize(
    "provider",
    [
        {"key": SECRET},
        {"key": [SECRET]},
        {"headers": [SECRET]},
        {"headers": {"x-key": [SECRET]}},
        {"query": SECRET},
        {"options": SECRET},
        {"base_url": [f"https://ann:{SECRET}@example.com"]},
        {"api_key": SECRET},
        SECRET,
    ],
)
def test_a_key_in_the_wrong_place_is_refused_without_being_repeated(provider: Any) -> None:
    with pytest.raises(SettingsError, match=r"providers\.x") as caught:
        resolve([Layer("groundwork.toml", {"providers": {"x": provider}})])
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in told


def test_another_value_that_does_not_fit_is_shown() -> None:
    with pytest.raises(SettingsError, match=r"the value -1 of `apps\.default\.budget_day_usd`"):
        resolve([Layer("groundwork.toml", {"apps": {"default": {"budget_day_usd": -1}}})])
