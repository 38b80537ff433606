"""One version of an index: the chunker, analyzer, embedder and back end that its rows are made with.

Its digest names everything the rows depend on besides the documents; another digest is another place on disk, so rows of
two embedders can never stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import DamagedError
from groundwork.core.ids import derived_id
from groundwork.knowledge.chunkers import CHUNKERS, Chunker
from groundwork.knowledge.chunkers._context import Headings
from groundwork.knowledge.embedders import EMBEDDERS, Embedder
from groundwork.knowledge.indexes import INDEXES, Index
from groundwork.knowledge.types import Chunk, ChunkRow, FloatArray, Mark

if TYPE_CHECKING:
    from groundwork.knowledge.analysis import Analyzer

RECIPE = 1
"""Raised whenever the same parts would make other rows."""


@dataclass(frozen=True)
class DocumentText:
    """What rows are made from: one document version with its text."""

    document_id: str
    version: str
    text: str
    marks: Sequence[Mark]
    title: str
    language: str
    media_type: str
    modified: int
    access: tuple[str, ...]


@dataclass(frozen=True)
class IndexVersion:
    """The parts of an index.

    Args:
        spec: `{backend, chunker: {name, …}, analyzer: {…}, embedder: {name, fingerprint, …} | None, recipe}`, as stored.
        embedder: built from the spec by the caller, since it may need an artefact or a models folder; None: no dense leg.
    """

    spec: Mapping[str, Any]
    embedder: Embedder | None

    @property
    def id(self) -> str:
        return digest_json(self.spec)

    @cached_property
    def chunker(self) -> Chunker:
        return CHUNKERS.make(self.spec["chunker"])

    @cached_property
    def analyzer(self) -> Analyzer:
        from groundwork.knowledge.analysis import Analyzer

        analyzer = Analyzer(**{k: v for k, v in self.spec["analyzer"].items() if k != "fingerprint"})
        if analyzer.fingerprint != self.spec["analyzer"]["fingerprint"]:
            raise DamagedError(
                "the analyzer of this Groundwork cuts words differently from the one this index was made with",
                hint="make the index anew with `groundwork ingest --rebuild`",
            )
        return analyzer

    def open(self, location: str) -> Index:
        """Return the back end at `location`."""
        return INDEXES.get(self.spec["backend"])(location, self.embedder.dim if self.embedder else 0)

    def chunks(self, document: DocumentText) -> list[Chunk]:
        """Cut a document; each chunk carries its title and headings."""
        headings = Headings(document.marks)
        return [
            Chunk(span, span.of(document.text), headings.context(span, document.title))
            for span in self.chunker.split(document.text, document.marks)
            if span.of(document.text).strip()
        ]

    def rows(
        self,
        document: DocumentText,
        chunks: Sequence[Chunk],
        vectors: Sequence[FloatArray] | FloatArray | None,
    ) -> list[ChunkRow]:
        """Return the rows of one document; `vectors` has one unit vector for each chunk, or is None."""
        fields: dict[str, str | int] = {
            "document_id": document.document_id,
            "media_type": document.media_type,
        }
        if document.language:
            fields["language"] = document.language
        if document.modified:
            fields["modified"] = document.modified
        return [
            ChunkRow(
                chunk_id=derived_id("chk", document.version, self.id, ordinal),
                document_id=document.document_id,
                version=document.version,
                ordinal=ordinal,
                start=chunk.span.start,
                end=chunk.span.end,
                text=chunk.text,
                context=chunk.context,
                terms=self.terms(chunk),
                vector=None if vectors is None else vectors[ordinal],
                tenant="",
                access=document.access,
                fields={**fields, "ordinal": ordinal},
            )
            for ordinal, chunk in enumerate(chunks)
        ]

    def terms(self, chunk: Chunk) -> str:
        """Return what the lexical leg indexes of a chunk."""
        return " ".join([*self.analyzer.terms(chunk.context), *self.analyzer.terms(chunk.text)])

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> FloatArray | None:
        """Return the vectors of chunk texts as `embedded_text` gives them."""
        return None if self.embedder is None else self.embedder.embed_documents(texts, progress)


def embedded_text(chunk: Chunk) -> str:
    """Return the text whose vector stands for a chunk."""
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text


def spec_of(
    backend: str,
    chunker: str | Mapping[str, Any],
    analyzer: Mapping[str, Any],
    embedder: Mapping[str, Any] | None,
    fingerprint: str,
) -> dict[str, Any]:
    """Return the spec of an index version, every default spelled out, so that a changed default is a changed version."""
    from dataclasses import asdict, is_dataclass

    from groundwork.knowledge.analysis import Analyzer

    made = CHUNKERS.make(chunker)
    name = chunker if isinstance(chunker, str) else chunker["name"]
    parameters: dict[str, Any] = asdict(made) if is_dataclass(made) else {}
    return {
        "recipe": RECIPE,
        "backend": backend,
        "chunker": {"name": name, **parameters},
        "analyzer": {**analyzer, "fingerprint": Analyzer(**analyzer).fingerprint},
        "embedder": None if embedder is None else {**embedder, "fingerprint": fingerprint},
    }


def make_embedder(spec: Mapping[str, Any], given: Mapping[str, Any]) -> Embedder:
    """Build an embedder from a stored spec; its fingerprint must be the stored one.

    Args:
        spec: name, parameters and fingerprint.
        given: what this installation adds (threads, folders); it changes no vector and no fingerprint.

    Raises:
        MissingModelError: the weights are not here.
        DamagedError: the weights or the recipe differ from those the index was made with.
    """
    parameters = {k: v for k, v in spec.items() if k not in ("fingerprint", "fitted_on")}
    embedder = EMBEDDERS.make({**parameters, **given})
    if embedder.fingerprint != spec["fingerprint"]:
        raise DamagedError(
            f"the embedder `{spec['name']}` gives other vectors than the ones this index was made with",
            hint="make the index anew with `groundwork ingest --rebuild`",
            expected=spec["fingerprint"],
            found=embedder.fingerprint,
        )
    return embedder
