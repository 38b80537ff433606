"""A tiny model with random weights, as a Hugging Face folder, made where `transformers` and `torch` are installed."""

from __future__ import annotations

import functools
import importlib.util
import tempfile
from pathlib import Path

import pytest

from groundwork.gateway.providers import PROVIDERS, Provider


def needs_transformers() -> None:
    """Skip the test where the libraries are absent."""
    for library in ("torch", "transformers"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(
                f"needs {library}; `scripts/test_transformers.sh` runs this in an environment that has it"
            )


@functools.cache
def tiny_folder() -> Path:
    """Return the folder of a two-layer Llama whose words are bytes, made once."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = Path(tempfile.mkdtemp(prefix="tiny-model-"))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {c: i for i, c in enumerate([*alphabet, "<|end|>", "<|start|>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<|start|>", pad_token="<|end|>"
    )
    fast.chat_template = (
        "{% if tools %}<|start|>tools: {{ tools | tojson }}\n{% endif %}"
        "{% for m in messages %}<|start|>{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant: {% endif %}"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=2048, eos_token_id=vocabulary["<|end|>"], bos_token_id=vocabulary["<|start|>"],
        pad_token_id=vocabulary["<|end|>"],
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder, safe_serialization=True)
    return folder


@functools.cache
def tiny(max_tokens: int = 24) -> Provider:
    """Return the provider that serves the folder as `tiny`, made once: opening weights takes its time."""
    return PROVIDERS.get("transformers")(
        path=str(tiny_folder()), model="tiny", device="cpu", max_tokens=max_tokens
    )  # type: ignore[call-arg]
