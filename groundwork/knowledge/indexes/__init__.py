"""Indexes hold chunk rows, answer both legs, and keep snapshots.

One writer at a time (the caller holds the lease of the index); any number of readers in any number of processes.
Rows are appended unpublished; `publish` removes what is no longer wanted, makes every row part of both legs' search
structures, and returns a ref. A ref names one immutable state for ever: the same query at the same ref answers the
same ids and the same scores in every process, until `drop` or `erase`. Readers always read at a ref.
A crash may come at any point of any of these: every call may simply be repeated, `erase` with the arguments of the first
time. Publishing a state that has a ref may answer that ref again, so drop a ref only when no snapshot names it.
The tenant and the access tokens are arguments of their own, ANDed by the index before it searches (a pre-filter);
no filter can widen them. A missing ref raises GoneError; damaged files raise DamagedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from groundwork.core.shelf import Shelf
from groundwork.knowledge.filters import Filter
from groundwork.knowledge.types import ChunkRow, FloatArray, LegHit

Effort = Literal["fast", "default", "high", "exact"]


@dataclass(frozen=True)
class Scope:
    """What a query may see: the tenant, the access tokens (None: all of the tenant), and the caller's filter."""

    tenant: str
    access: tuple[str, ...] | None
    filter: Filter | None = None


@dataclass(frozen=True)
class IndexStats:
    """Figures of the newest state: rows, rows missing from either leg's structure, versions kept, bytes on disk."""

    rows: int
    unindexed_rows: int
    versions: int
    bytes: int


class Index(Protocol):
    """One index: `location` is a directory or URI, `dim` the length of its vectors (0: no dense leg)."""

    def __init__(self, location: str, dim: int) -> None: ...

    # -- writing; the caller holds the lease ------------------------------------------------------------------
    def append(self, rows: Sequence[ChunkRow]) -> None:
        """Add rows, unseen by readers until published. A row whose version is already staged replaces it whole:
        appending the same versions twice leaves one copy (idempotent by document version).

        Of `fields` only `FILTER_FIELDS` are kept, and of those `document_id` and `ordinal` as the row's own attributes.
        Raises InvalidInputError when a vector has another length than `dim` or is neither of length 1 nor zero."""
        ...

    def staged(self) -> dict[str, int]:
        """Return every document version in the newest, perhaps unpublished state with its number of rows."""
        ...

    def publish(self, keep: Mapping[str, int]) -> str:
        """Make exactly these document versions (version digest -> number of rows) a new state; return its ref.

        Rows of other versions leave. Raises DamagedError when a kept version does not have its number of rows.
        """
        ...

    def restore(self, ref: str) -> None:
        """Make the newest, unpublished state equal to `ref`; used after a rollback and to drop what a crash left."""
        ...

    def drop(self, refs: Iterable[str]) -> None:
        """Forget states; their space is freed by `maintain`. Unknown refs are ignored."""
        ...

    def maintain(self) -> None:
        """Merge, compact and collect garbage; never changes what any ref answers."""
        ...

    def erase(self, document_ids: Sequence[str], refs: Sequence[str]) -> dict[str, str]:
        """Remove the documents' bytes from every state; `refs` are the states to keep without them.

        Returns the new ref for each old one. Afterwards no file of the index holds the text or the vectors.
        """
        ...

    # -- reading ----------------------------------------------------------------------------------------------
    def dense(
        self, ref: str, vector: FloatArray, k: int, scope: Scope, effort: Effort = "default"
    ) -> list[LegHit]:
        """Return the k nearest by cosine similarity, best first; recall@10 at least .95 at `default`, .99 at `high`,
        1 at `exact`. With a filter it holds k hits or all that exist. A zero vector has no direction: such a row is
        never a hit and such a question has none."""
        ...

    def lexical(self, ref: str, terms: Mapping[str, float], k: int, scope: Scope) -> list[LegHit]:
        """Return the k best by BM25 (k1 1.2, b .75, idf ln(1 + (N - n + .5)/(n + .5))) summed over weighted terms.

        Numbers of rows and lengths are those of all rows of the state, whoever may see them. Terms of weight 0 or less
        add nothing, and a row without any of the terms is no hit."""
        ...

    def fetch(
        self, ref: str, chunk_ids: Sequence[str], scope: Scope, *, vectors: bool = False
    ) -> list[ChunkRow]:
        """Return the rows in the order asked for; ids that are absent or not readable are left out."""
        ...

    def of_versions(self, ref: str, versions: Sequence[str], *, vectors: bool = True) -> list[ChunkRow]:
        """Return all rows of these document versions, ordered by (version, ordinal); no access check (internal).

        The ref may be empty: then the newest, perhaps unpublished state."""
        ...

    def neighbours(self, ref: str, version: str, low: int, high: int, scope: Scope) -> list[ChunkRow]:
        """Return the rows of one document version with `low <= ordinal <= high`, in order."""
        ...

    def scan(self, ref: str, *, vectors: bool = True) -> Iterator[ChunkRow]:
        """Yield every row; for verification and export."""
        ...

    def stats(self) -> IndexStats: ...


INDEXES: Shelf[Index] = Shelf("index", home="groundwork.knowledge.indexes")
