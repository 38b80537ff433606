"""What every embedder must do: unit vectors in order, each depending on its own text alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from groundwork.knowledge.embedders import Embedder

TEXTS = [
    "Rockets burn fuel and an oxidiser.",
    "",
    "   \n\t ",
    "The committee approved the budget for the new library in spring. " * 30,
    "Der Ausschuss bewilligte im Frühjahr den Haushalt.",
    "委员会在春天批准了预算。",
    "def parse(line: str) -> list[str]:\n    return line.split(',')",
    "\ud800 lone surrogate and \x00 NUL",
    "🚀" * 300,
    "x" * 5000,
    "Rockets burn fuel and an oxidiser!",
]


class EmbedderContract:
    """Run by a subclass that gives a fixture `embedder`, ready for use."""

    @pytest.fixture
    def vectors(self, embedder: Embedder) -> np.ndarray:
        return embedder.embed_documents(TEXTS)

    def test_vectors_have_unit_length_and_the_announced_shape(
        self, embedder: Embedder, vectors: np.ndarray
    ) -> None:
        assert vectors.shape == (len(TEXTS), embedder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_a_vector_does_not_depend_on_what_else_is_in_the_batch(
        self, embedder: Embedder, vectors: np.ndarray
    ) -> None:
        alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
        assert alone.tobytes() == vectors.tobytes()
        backwards = embedder.embed_documents(TEXTS[::-1])[::-1]
        assert backwards.tobytes() == vectors.tobytes()
        repeated = embedder.embed_documents([TEXTS[0]] * 7)
        assert all(row.tobytes() == vectors[0].tobytes() for row in repeated)

    def test_texts_that_say_nearly_the_same_are_nearer_than_others(self, vectors: np.ndarray) -> None:
        nearness = vectors @ vectors[0]
        assert nearness[10] > max(nearness[1:10])

    def test_no_text_gives_no_vector(self, embedder: Embedder) -> None:
        assert embedder.embed_documents([]).shape == (0, embedder.dim)

    def test_progress_adds_up_to_the_number_of_texts(self, embedder: Embedder) -> None:
        heard: list[int] = []
        embedder.embed_documents(TEXTS, heard.append)
        assert sum(heard) == len(TEXTS)
        assert all(n > 0 for n in heard)

    def test_a_question_gets_one_unit_vector(self, embedder: Embedder) -> None:
        vector = embedder.embed_query("what do rockets burn?")
        assert vector.shape == (embedder.dim,)
        assert math.isclose(float(np.linalg.norm(vector)), 1, abs_tol=1e-5)

    def test_the_fingerprint_is_a_stable_digest(self, embedder: Embedder) -> None:
        assert len(embedder.fingerprint) == 64
        assert embedder.fingerprint == embedder.fingerprint

    def test_coverage_lies_between_0_and_1(self, embedder: Embedder) -> None:
        assert all(0 <= embedder.coverage(text) <= 1 for text in TEXTS)
