"""Embed with all-MiniLM-L6-v2 on ONNX Runtime: the default, trained on English."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from groundwork.knowledge.types import FloatArray
from groundwork.models.encoder import MiniLmEncoder
from groundwork.models.graph import Precision


@dataclass(frozen=True)
class MiniLm:
    """384 dimensions, mean over tokens, unit length.

    Args:
        precision: `int8` (default) or `fp32`; part of the fingerprint.
        max_tokens: word pieces of a text that are read, 256 as in training; part of the fingerprint.
        threads: texts encoded side by side; 0 takes every core. Not part of the fingerprint: it changes no
        vector. models: folder of downloaded models; empty for the user's.
    """

    precision: Precision = "int8"
    max_tokens: int = 256
    threads: int = 0
    models: str = ""
    _encoder: MiniLmEncoder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        encoder = MiniLmEncoder(self.precision, self.max_tokens, self.threads, self.models)
        object.__setattr__(self, "_encoder", encoder)

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def embed_documents(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        return self._encoder.encode(texts, progress)

    def embed_query(self, text: str) -> FloatArray:
        vector: FloatArray = self._encoder.encode([text])[0]
        return vector

    def coverage(self, text: str) -> float:
        from groundwork.knowledge.analysis.language import english_share

        return english_share(text)


plugin = MiniLm
