"""The guides of the gateway and of accounts: every piece of `groundwork.toml` in them is a valid spec."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from groundwork.core.settings import Layer, resolve
from groundwork.gateway.catalog import Catalog

DOCS = Path(__file__).resolve().parents[2] / "docs" / "guides"
BLOCKS = [
    (page.name, block)
    for page in (DOCS / "providers.md", DOCS / "keys-and-budgets.md", DOCS / "accounts.md")
    for block in re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[f"{p}-{n}" for n, (p, _) in enumerate(BLOCKS)])
def test_every_piece_of_the_spec_in_the_guides_is_valid(page: str, block: str) -> None:
    values = tomllib.loads(block)
    settings = {k: values.pop(k) for k in list(values) if not isinstance(values[k], dict)}
    spec = resolve([Layer("groundwork.toml", {**values, "settings": settings})]).spec
    if not spec.models and "transformers" not in block:
        Catalog(spec, lambda name: "")


def test_there_is_a_recipe_for_everyone_that_is_promised() -> None:
    text = (DOCS / "providers.md").read_text("utf-8")
    for name in ("OpenAI", "Azure OpenAI", "Anthropic", "vLLM", "Ollama", "llama.cpp", "Groq", "Gemini", "Bedrock",
                 "transformers"):  # fmt: skip
        assert name in text
