"""What the tokens of a span cost by the bundled price list, for spans whose sender does not tell it."""

from __future__ import annotations

from functools import lru_cache

from groundwork.gateway.prices import ListedPrice, cost_nanousd, listed
from groundwork.gateway.types import Usage as ListedUsage
from groundwork.telemetry.reading import Usage

VENDORS = {
    "openai": "openai", "azure.ai.openai": "azure", "azure.ai.inference": "azure", "anthropic": "anthropic",
    "gcp.gemini": "google", "gcp.gen_ai": "google", "gcp.vertex_ai": "google", "groq": "groq", "mistral_ai": "mistral",
    "deepseek": "deepseek", "aws.bedrock": "bedrock",
}  # fmt: skip
"""Providers in the words of the GenAI conventions, and whose prices they charge."""


def price(provider: str, model: str, usage: Usage) -> int | None:
    """Return what a call cost in billionths of a US dollar, None where the list does not know the model of that provider."""
    found = _price(provider, model)
    if found is None:
        return None
    return cost_nanousd(
        ListedUsage(
            input_tokens=max(usage.input, usage.cached + usage.cache_write),
            output_tokens=usage.output,
            cached_input_tokens=usage.cached,
            cache_write_tokens=usage.cache_write,
        ),
        found,
    )


@lru_cache(maxsize=1024)
def _price(provider: str, model: str) -> ListedPrice | None:
    vendor = VENDORS.get(provider)
    return None if vendor is None or len(model) > 200 else listed(vendor, model.rpartition("/")[2])
