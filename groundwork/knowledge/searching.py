"""One search: the strategy ranks chunks of a snapshot, and each becomes a hit with its document's name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import DamagedError, GoneError, InvalidInputError
from groundwork.core.principal import Principal
from groundwork.knowledge.catalogue import Catalogue
from groundwork.knowledge.filters import Filter
from groundwork.knowledge.manifest import Manifest
from groundwork.knowledge.records import SearchResult
from groundwork.knowledge.retrievers import RETRIEVERS, Ranked
from groundwork.knowledge.types import ChunkRow, Hit
from groundwork.knowledge.view import SnapshotView

MAX_HITS = 1000


@dataclass(frozen=True)
class Searcher:
    """Searches the indexes of one workspace.

    Args:
        text_of: returns the stored text of a document version, for passages a strategy widened.
    """

    catalogue: Catalogue
    text_of: Callable[[Principal, str], str]
    max_question_chars: int = 8000

    def search(
        self,
        principal: Principal,
        question: str,
        index: str,
        strategy: str | Mapping[str, Any],
        k: int,
        snapshot: str | None = None,
        condition: Filter | None = None,
    ) -> SearchResult:
        """Return the k best passages that the principal may read, best first.

        Raises:
            InvalidInputError: the question is empty or too long, or k is not between 1 and 1,000.
            NotFoundError: no such snapshot or strategy.
        """
        question = check_question(question, self.max_question_chars)
        if not 1 <= k <= MAX_HITS:
            raise InvalidInputError(f"k is {k}; it may be 1 to {MAX_HITS}")
        begun = time.perf_counter()
        view, digest = self.catalogue.view(principal, index, snapshot, condition)
        retriever = RETRIEVERS.make(strategy)
        try:
            ranked = retriever.search(view, question, k)
        except GoneError as error:
            # A snapshot that is still listed has lost its files; one that was pruned meanwhile is told as not found.
            with self.catalogue.database.read() as connection:
                self.catalogue.resolve(connection, principal, index, digest)
            raise DamagedError(
                f"the files behind the snapshot `{digest[:7]}` of `{index}` are gone",
                hint="make the index anew from your documents: `groundwork ingest PATH --rebuild`",
            ) from error
        hits = self.hits(principal, view, self.catalogue.manifest(digest), ranked)
        name = strategy if isinstance(strategy, str) else str(strategy["name"])
        return SearchResult(index, digest, name, tuple(hits), round((time.perf_counter() - begun) * 1000, 3))

    def hits(
        self, principal: Principal, view: SnapshotView, manifest: Manifest, ranked: list[Ranked]
    ) -> list[Hit]:
        """Return the hits for a ranking; the ranks are counted from 1."""
        rows = {r.chunk_id: r for r in view.fetch([r.chunk_id for r in ranked])}
        return [
            self._hit(principal, rank, one, rows[one.chunk_id], manifest)
            for rank, one in enumerate((r for r in ranked if r.chunk_id in rows), 1)
        ]

    def _hit(self, principal: Principal, rank: int, ranked: Ranked, row: ChunkRow, manifest: Manifest) -> Hit:
        entry = manifest.by_document[row.document_id]
        start, end, text = row.start, row.end, row.text
        if ranked.widened is not None and ranked.widened != (start, end):
            start, end = ranked.widened
            text = self.text_of(principal, row.version)[start:end]
        return Hit(
            rank,
            ranked.score,
            entry.document,
            row.document_id,
            row.chunk_id,
            start,
            end,
            text,
            row.context,
            ranked.legs,
        )


def check_question(question: str, limit: int) -> str:
    """Return the question without blanks around it.

    Raises:
        InvalidInputError: it is empty or longer than `limit` characters.
    """
    question = question.replace("\x00", " ").encode("utf-8", "replace").decode().strip()
    if not question:
        raise InvalidInputError(
            "the question is empty", hint='ask something, for example: groundwork ask "What is …?"'
        )
    if len(question) > limit:
        raise InvalidInputError(
            f"the question has {len(question):,} characters; the limit is {limit:,}",
            hint="ask a shorter question, or raise `max_question_chars` in groundwork.toml",
        )
    return question
