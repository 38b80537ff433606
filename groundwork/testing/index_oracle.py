"""Rows to test an index with, and an index of plain Python to compare it to."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundwork.core.digest import digest_json
from groundwork.core.ids import derived_id
from groundwork.knowledge.filters import matches
from groundwork.knowledge.indexes import Index, Scope
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

DIM = 8
TENANT = "default"
EVERYTHING = Scope(TENANT, None)
WORDS = ("ash", "birch", "cedar", "elm", "fir", "oak", "Ä", "日本", "o'neil", 'a"b', "x_1", "-")
LEXICAL_TOLERANCE = 1e-9
DENSE_TOLERANCE = 1e-4
"""How far a cosine may be off but at the effort `exact`, where it is 1e-6."""


def make_row(
    version: str,
    ordinal: int,
    *,
    terms: str = "",
    vector: FloatArray | None = None,
    document_id: str = "",
    tenant: str = TENANT,
    access: tuple[str, ...] = ("public",),
    fields: Mapping[str, str | int] | None = None,
    text: str = "",
) -> ChunkRow:
    """Return a row that follows from its arguments; the vector is drawn from version and ordinal when it is not given."""
    if vector is None:
        seed = int(digest_json([version, ordinal])[:8], 16)
        vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
        vector = vector / np.float32(np.linalg.norm(vector))
    return ChunkRow(
        chunk_id=derived_id("chk", version, ordinal),
        document_id=document_id or derived_id("doc", version),
        version=version,
        ordinal=ordinal,
        start=10 * ordinal,
        end=10 * ordinal + 9,
        text=text or f"text {ordinal} of {version}: {terms}",
        context="Title > Section",
        terms=terms or f"word{ordinal} {version}",
        vector=vector,
        tenant=tenant,
        access=access,
        fields=fields or {},
    )


def document(version: str, chunks: int = 3, **values: Any) -> list[ChunkRow]:
    """Return the rows of one document version."""
    return [make_row(version, ordinal, **values) for ordinal in range(chunks)]


def numbers(*documents: Sequence[ChunkRow]) -> dict[str, int]:
    """Return what `publish` keeps for these documents."""
    return {rows[0].version: len(rows) for rows in documents}


@dataclass
class Oracle:
    """An index of plain Python, too simple to be wrong."""

    newest: dict[str, list[ChunkRow]] = field(default_factory=dict)
    states: dict[str, list[ChunkRow]] = field(default_factory=dict)

    def rows(self, ref: str, scope: Scope) -> list[ChunkRow]:
        return [row for row in self.states[ref] if self.may_see(row, scope)]

    def may_see(self, row: ChunkRow, scope: Scope) -> bool:
        fields = {**row.fields, "document_id": row.document_id, "ordinal": row.ordinal}
        open_to = scope.access is None or any(token in row.access for token in scope.access)
        return row.tenant == scope.tenant and open_to and matches(scope.filter, fields)

    def dense(self, ref: str, vector: FloatArray, scope: Scope) -> dict[str, float]:
        directed = [row for row in self.rows(ref, scope) if row.vector is not None and np.any(row.vector)]
        return {row.chunk_id: _dot(row.vector, vector) for row in directed} if np.any(vector) else {}

    def lexical(self, ref: str, terms: Mapping[str, float], scope: Scope) -> dict[str, float]:
        everything = self.states[ref]
        words = {row.chunk_id: row.terms.split(" ") for row in everything}
        mean = sum(map(len, words.values())) / max(len(words), 1)
        scores: dict[str, float] = {}
        for row in self.rows(ref, scope):
            score = 0.0
            for term, weight in terms.items():
                holders = sum(term in own for own in words.values())
                count = words[row.chunk_id].count(term)
                rarity = math.log(1 + (len(words) - holders + 0.5) / (holders + 0.5))
                norm = 1.2 * (0.25 + 0.75 * len(words[row.chunk_id]) / mean)
                score += weight * rarity * count * 2.2 / (count + norm)
            if score > 0:
                scores[row.chunk_id] = score
        return scores


def _dot(one: FloatArray | None, other: FloatArray) -> float:
    return sum(float(a) * float(b) for a, b in zip(one if one is not None else (), other, strict=True))


def check_hits(hits: Sequence[LegHit], scores: Mapping[str, float], k: int, tolerance: float) -> None:
    """Check hits against the scores of everything that could be hit: number, values, order and completeness."""
    assert len(hits) == min(k, len(scores))
    assert len({hit.chunk_id for hit in hits}) == len(hits)
    for hit in hits:
        assert hit.score == pytest.approx(scores[hit.chunk_id], abs=tolerance)
    assert [(-h.score, h.chunk_id) for h in hits] == sorted((-h.score, h.chunk_id) for h in hits)
    if hits:
        better = [s for s in scores.values() if s > hits[-1].score + 2 * tolerance]
        assert len(better) <= len(hits) - 1


def answers(index: Index, ref: str, questions: int = 30) -> list[Any]:
    """Return ids and scores of vector and word questions that follow from their number, as JSON has them."""
    random = np.random.default_rng(7)
    found: list[Any] = []
    for _ in range(questions):
        vector = random.standard_normal(DIM).astype(np.float32)
        vector /= np.linalg.norm(vector)
        terms = {
            f"w{number}": float(weight)
            for number, weight in zip(random.integers(0, 50, 4), random.uniform(0.1, 2, 4), strict=True)
        }
        legs = (index.dense(ref, vector, 10, EVERYTHING), index.lexical(ref, terms, 10, EVERYTHING))
        found += [[[hit.chunk_id, hit.score] for hit in hits] for hits in legs]
    return found


def worded(version: str, chunks: int, **values: Any) -> list[ChunkRow]:
    """Return a document whose words `answers` asks for."""
    random = np.random.default_rng(int(digest_json(version)[:8], 16))
    texts = [" ".join(f"w{n}" for n in random.integers(0, 50, 12)) for _ in range(chunks)]
    return [make_row(version, ordinal, terms=terms, **values) for ordinal, terms in enumerate(texts)]


ANSWERING = """
import json, sys
from groundwork.knowledge.indexes import INDEXES
from groundwork.testing.index_oracle import DIM, answers
name, location, ref = sys.argv[1:]
json.dump(answers(INDEXES.get(name)(location, DIM), ref), sys.stdout)
"""


def answers_of_fresh_process(name: str, location: Path, ref: str) -> list[Any]:
    """Return `answers` as a process that has never seen the index gives them."""
    command = [sys.executable, "-c", ANSWERING, name, str(location), ref]
    return list(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))
