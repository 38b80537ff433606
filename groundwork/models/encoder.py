"""Turn texts into unit vectors with MiniLM on ONNX Runtime, each text on its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundwork.core.digest import digest_json
from groundwork.models.graph import HIDDEN, Precision, minilm_graph
from groundwork.models.weights import MINILM, find, read_verified

RECIPE = 1
"""Raised whenever the same text and weights may give another vector."""
MAX_CHARS_PER_TOKEN = 64
SLICE = 256


@dataclass
class MiniLmEncoder:
    """The encoder; weights are read, verified and opened on first use, once, whatever thread asks.

    A vector depends on the text and these parameters alone: every text is one run on one thread. `threads`
    texts run side by side. Memory: the weights (about 60 MiB at int8, 90 MiB at fp32), and per thread the
    activations of one text (under 10 MiB at 256 tokens); longer input is worked on in slices.

    Args:
        precision: of the weights.
        max_tokens: texts are cut to this many word pieces, both marks included; at most 512.
        threads: texts encoded side by side; 0 takes every core.
        models: folder of downloaded models; empty for the user's.
    """

    precision: Precision = "int8"
    max_tokens: int = 256
    threads: int = 0
    models: str = ""
    _opened: _Opened | None = field(default=None, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def dim(self) -> int:
        return HIDDEN

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that a vector depends on, without opening the weights."""
        return digest_json(
            {
                "name": MINILM.name,
                "files": dict(MINILM.digests),
                "precision": self.precision,
                "max_tokens": self.max_tokens,
                "pooling": "mean",
                "unit": True,
                "recipe": RECIPE,
            }
        )

    def encode(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return unit vectors, shape (len(texts), 384), in order; `progress` hears how many are newly done.

        Raises:
            MissingModelError: the weights are absent, or not the pinned ones.
        """
        out = np.zeros((len(texts), HIDDEN), dtype=np.float32)
        opened = self._open()
        workers = min(self.threads or os.cpu_count() or 1, len(texts))
        if workers <= 1:
            for place, text in enumerate(texts):
                out[place] = opened.encode(text)
                if progress:
                    progress(1)
            return out
        with ThreadPoolExecutor(workers) as pool:
            for places in _slices(texts):
                vectors = pool.map(lambda place: opened.encode(texts[place]), places)
                for place, vector in zip(places, vectors, strict=True):
                    out[place] = vector
                    if progress:
                        progress(1)
        return out

    def pieces(self, text: str) -> list[str]:
        """Return the word pieces of a text as the encoder sees it, without its two marks."""
        return self._open().pieces(text)

    def _open(self) -> _Opened:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = _Opened(self.precision, self.max_tokens, self.models)
        return self._opened


def _slices(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the places of the texts in bounded groups, longest text of a group first so that no thread ends
    late."""
    for start in range(0, len(texts), SLICE):
        places = range(start, min(start + SLICE, len(texts)))
        yield sorted(places, key=lambda place: -len(texts[place]))


class _Opened:
    """Verified tables, tokenizer and session; safe to use from several threads at once."""

    def __init__(self, precision: Precision, max_tokens: int, models: str) -> None:
        import onnxruntime
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        folder = find(MINILM, models)
        tensors = load(read_verified(MINILM, folder, "model.safetensors"))
        self.tokenizer: Any = Tokenizer.from_str(read_verified(MINILM, folder, "tokenizer.json").decode())
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_tokens)
        self.max_chars = max_tokens * MAX_CHARS_PER_TOKEN
        self.words = tensors["embeddings.word_embeddings.weight"]
        positions = tensors["embeddings.position_embeddings.weight"][:max_tokens]
        self.places = positions + tensors["embeddings.token_type_embeddings.weight"][0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = minilm_graph(tensors, precision)
        self.session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def encode(self, text: str) -> NDArray[np.float32]:
        ids = self.tokenizer.encode(_printable(text[: self.max_chars])).ids
        x = self.words[ids] + self.places[: len(ids)]
        vector: NDArray[np.float32] = self.session.run(None, {"x": x[None]})[0][0]
        return vector

    def pieces(self, text: str) -> list[str]:
        found: list[str] = self.tokenizer.encode(
            _printable(text[: self.max_chars]), add_special_tokens=False
        ).tokens
        return found


def _printable(text: str) -> str:
    """Replace lone surrogates, which cannot be handed to the tokenizer."""
    return text.encode("utf-8", "replace").decode("utf-8")
