"""Prices: matched by name and address, never guessed; costs exact and rounded up; the list says where it is from."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.settings import PriceSpec, ServedSpec
from groundwork.gateway import prices
from groundwork.gateway.energy import METHOD, energy_uwh
from groundwork.gateway.prices import FREE, ListedPrice, as_table, cost_nanousd, listed, price_of, vendor_of
from groundwork.gateway.types import NO_USAGE, Usage

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("vendor", "model", "same_as"),
    [
        ("openai", "gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("openai", "GPT-5", "gpt-5"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("google", "models/gemini-3-flash-preview", "gemini-3-flash"),
        ("bedrock", "us.amazon.nova-pro-v1:0", "amazon.nova-pro"),
        ("azure", "gpt-5-nano", "gpt-5-nano"),
    ],
)
def test_a_version_of_a_model_costs_what_the_model_does(vendor: str, model: str, same_as: str) -> None:
    found, named = listed(vendor, model), listed(vendor, same_as)
    assert found is not None
    assert found == named


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("openai", "gpt-5.7"),
        ("openai", "gpt-5-turbo-ultra"),
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "my-finetune"),
        ("openai", ""),
        ("anthropic", "claude-sonnet-4-7"),
        ("anthropic", "claude"),
        ("groq", "gpt-5"),
        ("nobody", "gpt-5"),
    ],
)
def test_a_price_is_never_guessed_from_a_similar_name(vendor: str, model: str) -> None:
    assert listed(vendor, model) is None


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        (OPENAI, "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://acme.openai.azure.com/openai/v1", "azure"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "bedrock"),
        ("https://api.openai.com.evil.example/v1", None),
        ("https://notapi.openai.com.example", None),
        ("https://openrouter.ai/api/v1", None),
        ("not a url", None),
    ],
)
def test_a_vendors_prices_hold_at_its_own_address_only(url: str, vendor: str | None) -> None:
    assert vendor_of(url) == vendor


def test_the_spec_goes_before_the_list_and_what_is_near_is_free() -> None:
    own = PriceSpec(input=1.0, output=2.0)
    assert price_of("gpt-5", base_url=OPENAI, served=ServedSpec(price=own)) is own
    found = price_of("gpt-5", base_url=OPENAI, served=ServedSpec())
    assert isinstance(found, ListedPrice)
    assert (found.source, found.checked) != ("", "")
    for url in (
        "http://127.0.0.1:8000/v1",
        "http://localhost:11434/v1",
        "http://[::1]:1234",
        "http://10.0.0.7:8000/v1",
        "http://vllm:8000/v1",
        "http://gpu.internal/v1",
    ):
        assert price_of("gpt-5", base_url=url) is FREE
    assert price_of("anything", kind="extractive") is FREE
    assert price_of("gpt-5", base_url="https://reseller.example/v1") is None
    assert price_of("gpt-5") is None


def test_cached_input_and_cache_writes_have_prices_of_their_own() -> None:
    price = PriceSpec(input=10.0, output=50.0, cached_input=1.0, cache_write=12.5)
    usage = Usage(input_tokens=1000, output_tokens=10, cached_input_tokens=600, cache_write_tokens=300)
    assert cost_nanousd(usage, price) == 100 * 10_000 + 600 * 1_000 + 300 * 12_500 + 10 * 50_000
    plain = PriceSpec(input=10.0, output=50.0)
    assert cost_nanousd(usage, plain) == 1000 * 10_000 + 10 * 50_000


def test_a_long_prompt_costs_the_long_price_for_every_token() -> None:
    price = listed("anthropic", "claude-haiku-5-5")
    assert cost_nanousd(Usage(100_000, 1000), price) == 100_000 * 100 + 1000 * 500
    assert cost_nanousd(Usage(100_001, 1000), price) == 100_001 * 500 + 1000 * 2500


def test_costs_are_exact_and_rounded_up() -> None:
    assert cost_nanousd(Usage(1), PriceSpec(input=0.0001)) == 1
    assert cost_nanousd(Usage(10), PriceSpec(input=0.0001)) == 1
    assert cost_nanousd(Usage(11), PriceSpec(input=0.0001)) == 2
    assert cost_nanousd(Usage(3), PriceSpec(input=0.1)) == 300
    assert cost_nanousd(Usage(10**9, 10**9), PriceSpec(input=75.0, output=600.0)) == 675_000 * 10**9
    assert cost_nanousd(NO_USAGE, PriceSpec(input=75.0)) == 0
    assert cost_nanousd(Usage(100, 100), None) == 0
    assert cost_nanousd(Usage(100, 100), FREE) == 0


TOKENS = st.integers(0, 10**7)
USD = st.integers(0, 10**6).map(lambda n: n / 1000)


@given(TOKENS, TOKENS, TOKENS, TOKENS, USD, USD, USD, USD)
def test_a_cost_is_never_under_the_true_one_and_never_a_billionth_over(
    read: int, written: int, hits: int, stored: int, a: float, b: float, c: float, d: float
) -> None:
    usage = Usage(read, written, hits, stored)
    price = PriceSpec(input=a, output=b, cached_input=c, cache_write=d)
    hits = min(hits, read)
    stored = min(stored, read - hits)
    tokens = ((read - hits - stored, a), (written, b), (hits, c), (stored, d))
    true = sum((Fraction(repr(usd)) * 1000 * n for n, usd in tokens), Fraction(0))
    assert true <= cost_nanousd(usage, price) < true + 1


def test_every_price_of_the_list_has_source_and_date_and_makes_sense() -> None:
    found = list(prices.listed_prices())
    assert len(found) > 80
    for model, price in found:
        assert price.source.startswith("https://"), model
        assert date(2025, 1, 1) <= date.fromisoformat((price.checked + "-01-01")[:10]) <= date(2030, 1, 1)
        assert price.basis
        assert 0 < price.input < 200
        assert price.cached_input is None or price.cached_input <= price.input
        assert price.cache_write is None or price.cache_write >= price.input
        if price.above is not None:
            assert price.above_tokens
            assert price.above.input > price.input
    assert {p.vendor for _, p in found} == {
        "openai", "anthropic", "google", "groq", "mistral", "deepseek", "bedrock", "azure",
    }  # fmt: skip
    assert {s["vendor"] for s in prices.sources()} == {p.vendor for _, p in found}


def test_a_price_is_shown_with_what_is_known_of_it() -> None:
    assert as_table(None) is None
    assert as_table(PriceSpec(input=1.0, output=2.0)) == {"input": 1.0, "output": 2.0}
    assert as_table(PriceSpec(input=1.0, cached_input=0.1, cache_write=1.25)) == {
        "input": 1.0, "output": 0.0, "cached_input": 0.1, "cache_write": 1.25,
    }  # fmt: skip


def test_energy_follows_its_stated_source() -> None:
    assert energy_uwh(Usage(100, 500), "gpt-4o") == pytest.approx(0.3e6, rel=0.1)
    assert energy_uwh(Usage(10_000, 500)) == pytest.approx(2.5e6, rel=0.05)
    assert energy_uwh(Usage(100_000, 500)) == pytest.approx(40e6, rel=0.05)
    assert energy_uwh(Usage(10_000, 0, cached_input_tokens=10_000)) == 0
    assert energy_uwh(Usage(10_000), "text-embedding-3-small") == 0
    assert energy_uwh(Usage(10, 10), "extractive") == 0
    assert "Epoch AI" in METHOD
