"""What every retriever must do, on a small view that is searched exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from groundwork.core.errors import GroundworkError
from groundwork.knowledge.analysis import Analyzer
from groundwork.knowledge.retrievers import Ranked, Retriever
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

_TOPICS = {
    "rocket": "A rocket engine burns fuel with an oxidiser and needs no air. Thrust follows from expelled mass.",
    "sail": "A sailing boat can go against the wind by tacking. The keel keeps it from drifting sideways.",
    "bread": "Bread rises because yeast makes gas in the dough. Salt slows the yeast and strengthens the gluten.",
    "vault": "A vault carries its weight to the walls. Buttresses take the thrust of a high vault.",
    "parser": "The function parse_line reads one line. parse_line raises ValueError when a quote stays open.",
}


@dataclass(frozen=True)
class SmallView:
    """Documents in memory behind the `View` of retrievers; vectors are hashed words, so nearness is word overlap.

    Args:
        rows: the chunks, ordered by (version, ordinal).
        vectors: whether there is a dense leg.
    """

    rows: tuple[ChunkRow, ...]
    vectors: bool = True

    @cached_property
    def _analyzer(self) -> Analyzer:
        return Analyzer()

    def terms(self, text: str) -> list[str]:
        return self._analyzer.terms(text)

    def lexical(self, terms: Mapping[str, float], k: int) -> list[LegHit]:
        counts = [Counter(row.terms.split()) for row in self.rows]
        mean = sum(map(Counter.total, counts)) / len(counts)
        scores = [0.0] * len(counts)
        for term in sorted(terms):
            n = sum(term in count for count in counts)
            idf = math.log(1 + (len(counts) - n + 0.5) / (n + 0.5))
            for place, count in enumerate(counts):
                norm = count[term] + 1.2 * (0.25 + 0.75 * count.total() / mean)
                scores[place] += terms[term] * idf * count[term] * 2.2 / norm
        return _best({row.chunk_id: s for row, s in zip(self.rows, scores, strict=True) if s > 0}, k)

    def dense(self, vector: FloatArray, k: int) -> list[LegHit]:
        return _best({r.chunk_id: float(r.vector @ vector) for r in self.rows if r.vector is not None}, k)

    def embed(self, text: str) -> FloatArray | None:
        return hashed_vector(self.terms(text)) if self.vectors else None

    def coverage(self, text: str) -> float:
        return 1.0 if self.vectors else 0.0

    def fetch(self, chunk_ids: Sequence[str], *, vectors: bool = False) -> list[ChunkRow]:
        known = {row.chunk_id: row for row in self.rows}
        return [known[c] for c in chunk_ids if c in known]

    def neighbours(self, row: ChunkRow, reach: int) -> list[ChunkRow]:
        same = [r for r in self.rows if r.version == row.version]
        return [r for r in same if abs(r.ordinal - row.ordinal) <= reach]


def small_view(*, vectors: bool = True, copies: int = 4) -> SmallView:
    """Return a view over `5 * copies` documents of two or three chunks each."""
    analyzer = Analyzer()
    rows: list[ChunkRow] = []
    for topic, text in _TOPICS.items():
        for copy in range(copies):
            parts = [p.strip() + "." for p in text.split(".") if p.strip()]
            parts += [f"Part {copy} of the notes on {topic}."] * (copy % 2)
            start = 0
            for ordinal, part in enumerate(parts):
                terms = analyzer.terms(f"{topic} {part}")
                rows.append(
                    ChunkRow(
                        chunk_id=f"chk_{topic}{copy}{ordinal}",
                        document_id=f"doc_{topic}{copy}",
                        version=f"{topic}{copy}",
                        ordinal=ordinal,
                        start=start,
                        end=start + len(part),
                        text=part,
                        context=topic,
                        terms=" ".join(terms),
                        vector=hashed_vector(terms) if vectors else None,
                        tenant="default",
                    )
                )
                start += len(part) + 1
    return SmallView(tuple(rows), vectors)


def hashed_vector(terms: Sequence[str], dim: int = 64) -> FloatArray:
    """Return the unit sum of one fixed random vector for each term; a constant vector without terms."""
    total = np.full(dim, 1e-3)
    for term in terms:
        total += np.random.default_rng(list(term.encode())).standard_normal(dim)
    return np.asarray(total / np.linalg.norm(total), np.float32)


QUESTIONS = [
    "what does a rocket engine burn?",
    "parse_line ValueError",
    "how can a boat go against the wind",
    "zzz qqq unknown words",
    "yeast " * 200,
    "的面包",
    "?!",
    "",
]


class RetrieverContract:
    """Run by a subclass that gives a fixture `retriever`."""

    @pytest.fixture
    def view(self) -> SmallView:
        return small_view()

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_a_ranking_is_best_first_without_repetition_and_no_longer_than_asked(
        self, retriever: Retriever, view: SmallView, question: str
    ) -> None:
        for k in (1, 3, 10, 1000):
            found = retriever.search(view, question, k)
            assert len(found) <= k
            assert len({r.chunk_id for r in found}) == len(found)
            assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
            assert all(math.isfinite(r.score) for r in found)
            assert {r.chunk_id for r in found} <= {row.chunk_id for row in view.rows}

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_equal_questions_get_equal_rankings_with_equal_scores(
        self, retriever: Retriever, view: SmallView, question: str
    ) -> None:
        assert retriever.search(view, question, 10) == retriever.search(view, question, 10)

    def test_the_order_of_rows_in_the_index_does_not_matter(
        self, retriever: Retriever, view: SmallView
    ) -> None:
        turned = SmallView(tuple(sorted(view.rows, key=lambda r: (r.version[::-1], r.ordinal))))
        for question in QUESTIONS[:3]:
            assert _shown(retriever.search(turned, question, 10)) == _shown(
                retriever.search(view, question, 10)
            )

    def test_the_passage_that_answers_comes_first(self, retriever: Retriever, view: SmallView) -> None:
        first = retriever.search(view, "what does a rocket engine burn?", 5)[0]
        assert first.chunk_id.startswith("chk_rocket")

    def test_nothing_is_asked_for_and_nothing_comes(self, retriever: Retriever, view: SmallView) -> None:
        assert retriever.search(view, QUESTIONS[0], 0) == []

    def test_each_hit_says_which_leg_brought_it(self, retriever: Retriever, view: SmallView) -> None:
        for found in retriever.search(view, QUESTIONS[0], 10):
            assert found.legs
            assert all(leg.rank >= 1 and math.isfinite(leg.score) for leg in found.legs.values())

    def test_a_widened_passage_holds_its_chunk(self, retriever: Retriever, view: SmallView) -> None:
        rows = {row.chunk_id: row for row in view.rows}
        for found in retriever.search(view, QUESTIONS[0], 10):
            if found.widened is not None:
                row = rows[found.chunk_id]
                assert found.widened[0] <= row.start
                assert row.end <= found.widened[1]

    def test_an_index_without_vectors_is_searched_by_words_or_refused_with_a_hint(
        self, retriever: Retriever
    ) -> None:
        try:
            found = retriever.search(small_view(vectors=False), QUESTIONS[0], 5)
        except GroundworkError as refused:
            hint = refused.hint
        else:
            hint = found[0].chunk_id
        assert hint.startswith("chk_rocket") or "strategy" in hint


def _shown(found: Sequence[Ranked]) -> list[tuple[str, float]]:
    return [(r.chunk_id, r.score) for r in found]


def _best(scores: Mapping[str, float], k: int) -> list[LegHit]:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k]
    return [LegHit(chunk_id, score) for chunk_id, score in ordered]
