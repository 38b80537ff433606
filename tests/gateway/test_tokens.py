"""Tokens before a model counts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ContextLengthError, MissingModelError
from groundwork.gateway import tokens
from groundwork.gateway.types import Caller, ImagePart, Message, TextPart, Tool
from tests.gateway.flows import Puppet, chat, lab


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that takes each word and each mark for a token."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    made = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()  # type: ignore[assignment]
    made.enable_truncation(max_length=8)
    made.enable_padding(length=8)
    path = tmp_path_factory.mktemp("model") / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog near the river bank.", 13, 20),
        ("Die Straßenbahn fährt über die Brücke, während es regnet.", 13, 24),
        ("Быстрая коричневая лиса перепрыгивает через ленивую собаку", 12, 32),
        ("人工智能正在改变世界的方方面面", 12, 20),
        ("東京は日本の首都です。", 8, 14),
        ("😀😀😀😀", 4, 12),
        ("def add(a, b):\n    return a + b\n", 9, 16),
    ],
)
def test_the_estimate_is_near_for_common_scripts(text: str, low: int, high: int) -> None:
    assert low <= tokens.estimate_text(text) <= high


def test_lone_surrogates_are_counted_and_not_stumbled_over() -> None:
    assert tokens.estimate_text("\ud800x") >= 1


def test_messages_images_and_tools_are_counted() -> None:
    plain = tokens.estimate(chat("m", "hello"))
    image = chat("m").changed(
        messages=(Message("user", (TextPart("hello"), ImagePart("image/png", "aGk="))),)
    )
    assert tokens.estimate(image) == plain + tokens.IMAGE_TOKENS
    tool = Tool(
        "weather", "tells the weather", {"type": "object", "properties": {"city": {"type": "string"}}}
    )
    assert tokens.estimate(chat("m", "hello", tools=(tool,))) > plain + 15


def test_a_known_tokenizer_counts_exactly(tokenizer: Path) -> None:
    assert tokens.count_text("one two three", str(tokenizer)) == 3
    assert tokens.count_text("one " * 20, str(tokenizer)) == 20
    whole = tokens.count(chat("m", "one two three"), str(tokenizer))
    assert whole == 3 + tokens.MESSAGE_TOKENS + tokens.REQUEST_TOKENS


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_a_tokenizer_that_is_none_is_said_to_be(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MissingModelError, match=r"tokenizer\.json"):
        tokens.count_text("x", str(path))


def test_the_gateway_counts_with_the_models_tokenizer_and_else_estimates(tokenizer: Path) -> None:
    served: dict[str, Any] = {"exact": {"tokenizer": str(tokenizer)}, "rough": {}}
    with lab(providers={"s": {"kind": "scripted", "models": served}}) as it:
        puppet = Puppet()
        for model in served:
            it.catalog._sources["s"].plugin = puppet
            request = chat(f"s/{model}", "one two three")
            counted = it.run(it.gateway.count_tokens(request, Caller()))
            assert counted == (10 if model == "exact" else tokens.estimate(request))
        assert it.calls() == []


def test_a_prompt_near_the_context_is_counted_exactly_where_that_is_possible(tokenizer: Path) -> None:
    served: dict[str, Any] = {
        "exact": {"tokenizer": str(tokenizer), "context_tokens": 100},
        "rough": {"context_tokens": 100},
        "gone": {"tokenizer": "/nowhere/tokenizer.json", "context_tokens": 100},
    }
    with lab(providers={"s": {"kind": "scripted", "models": served}}) as it:
        for model in served:
            request = chat(f"s/{model}", "antidisestablishmentarianism " * 18)
            if model == "exact":
                assert it.complete(request).text
            assert tokens.estimate(request) > 100
        dense = chat("s/exact", "a b " * 60)
        assert tokens.estimate(dense) < 100
        with pytest.raises(ContextLengthError, match="127"):
            it.complete(dense)
        assert it.complete(chat("s/gone", "x" * 300)).text


def test_a_provider_that_counts_is_believed() -> None:
    with lab(providers={"s": {"kind": "scripted"}}) as it:
        assert it.run(it.gateway.count_tokens(chat("s/echo", "12345678"), Caller())) == 2


def test_the_schema_of_a_format_is_read_by_the_model_too() -> None:
    from groundwork.gateway.types import ResponseFormat

    schema = {"type": "object", "properties": {str(n): {"type": "string"} for n in range(50)}}
    request = chat("m", response_format=ResponseFormat("json_schema", "x", schema))
    assert tokens.estimate(request) > len(json.dumps(schema)) / 5
