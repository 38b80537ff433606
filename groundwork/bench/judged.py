"""Read judged retrieval sets: the plain layout, and the native layouts of some public sets.

Plain: `corpus.jsonl` (`doc_id`, `text`, perhaps `title`) and `queries.jsonl` (`query_id`, `query`,
`relevant`: document id to grade, above 0 is relevant). Native: documentation chunks with questions
(`chunks.jsonl`, `questions.jsonl`), code chunks (`documents.jsonl`, `queries.jsonl`), passages with questions
(`passages.jsonl`, `questions.jsonl`, answerable ones only), and paragraphs with their questions, one file a
language (`de.jsonl`, …). Every file may be compressed with gzip.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError

LAYOUTS = "corpus + queries, chunks + questions, documents + queries, passages + questions, or LANGUAGE.jsonl"


@dataclass(frozen=True)
class Document:
    """One item that is ranked."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Query:
    """One question with the grades of the documents judged for it."""

    id: str
    text: str
    relevant: Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """A corpus with its questions; those without any relevant document are left out."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]

    @property
    def digest(self) -> str:
        """Return the digest of everything that is measured on."""
        documents = [[d.id, d.title, d.text] for d in self.documents]
        return digest_json([documents, [[q.id, q.text, dict(q.relevant)] for q in self.queries]])


def read(directory: Path) -> list[Judged]:
    """Return the sets in a folder: one, or one for each language.

    Raises:
        InvalidInputError: no layout fits, a line is no JSON object or lacks a key, or nothing is judged
        relevant.
    """
    name = directory.name
    try:
        if _has(directory, "corpus", "queries"):
            sets = [_plain(directory, name)]
        elif _has(directory, "chunks", "questions"):
            sets = [_chunks(directory, name)]
        elif _has(directory, "documents", "queries"):
            sets = [_code(directory, name)]
        elif _has(directory, "passages", "questions"):
            sets = [_passages(directory, name)]
        else:
            sets = [_paragraphs(path) for path in _languages(directory)]
    except KeyError as error:
        raise InvalidInputError(
            f"an object in {directory} lacks the key {error}", hint=f"layouts: {LAYOUTS}"
        ) from error
    if not sets:
        raise InvalidInputError(f"{directory} holds no judged retrieval set", hint=f"layouts: {LAYOUTS}")
    if not all(judged.queries for judged in sets):
        raise InvalidInputError(f"no query in {directory} has a relevant document in the corpus")
    return sets


def _judged(name: str, documents: list[Document], queries: list[Query]) -> Judged:
    known = {d.id for d in documents}
    answerable = [q for q in queries if any(g > 0 and d in known for d, g in q.relevant.items())]
    return Judged(name, tuple(documents), tuple(answerable))


def _plain(directory: Path, name: str) -> Judged:
    documents = [
        Document(str(r["doc_id"]), str(r.get("title") or ""), str(r["text"]))
        for r in _rows(directory, "corpus")
    ]
    queries = [
        Query(str(r["query_id"]), str(r["query"]), {str(d): float(g) for d, g in r["relevant"].items()})
        for r in _rows(directory, "queries")
    ]
    return _judged(name, documents, queries)


def _chunks(directory: Path, name: str) -> Judged:
    documents = [
        Document(r["chunk_link"], str(r.get("chunk_heading") or ""), r["text"])
        for r in _rows(directory, "chunks")
    ]
    queries = [
        Query(str(r["id"]), r["question"], dict.fromkeys(r["correct_chunks"], 1.0))
        for r in _rows(directory, "questions")
    ]
    return _judged(name, documents, queries)


def _code(directory: Path, name: str) -> Judged:
    documents, by_place = [], {}
    for row in _rows(directory, "documents"):
        for chunk in row["chunks"]:
            documents.append(Document(chunk["chunk_id"], "", chunk["content"]))
            by_place[row["original_uuid"], chunk["original_index"]] = chunk["chunk_id"]
    queries = []
    for row in _rows(directory, "queries"):
        golden = [by_place[uuid, at] for uuid, at in row["golden_chunk_uuids"] if (uuid, at) in by_place]
        queries.append(Query(str(row["id"]), row["query"], dict.fromkeys(golden, 1.0)))
    return _judged(name, documents, queries)


def _passages(directory: Path, name: str) -> Judged:
    documents = [
        Document(r["doc_id"], str(r.get("title") or "").replace("_", " "), r["text"])
        for r in _rows(directory, "passages")
    ]
    queries = [
        Query(str(r["id"]), r["question"], {r["doc_id"]: 1.0})
        for r in _rows(directory, "questions")
        if not r.get("is_impossible")
    ]
    return _judged(name, documents, queries)


def _paragraphs(path: Path) -> Judged:
    rows = list(_lines(path))
    documents = [Document(r["doc_id"], str(r.get("title") or "").replace("_", " "), r["text"]) for r in rows]
    queries = [Query(str(q["id"]), q["question"], {r["doc_id"]: 1.0}) for r in rows for q in r["qas"]]
    return _judged(path.name.split(".")[0], documents, queries)


def _languages(directory: Path) -> list[Path]:
    found = sorted(p for p in directory.iterdir() if p.name.endswith((".jsonl", ".jsonl.gz")))
    return [p for p in found if "qas" in next(_lines(p), {})]


def _has(directory: Path, *names: str) -> bool:
    return all(any((directory / f"{n}.jsonl{end}").is_file() for end in ("", ".gz")) for n in names)


def _rows(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    plain = directory / f"{name}.jsonl"
    return _lines(plain if plain.is_file() else directory / f"{name}.jsonl.gz")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InvalidInputError(f"line {number} of {path} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise InvalidInputError(f"line {number} of {path} is not an object")
            yield row
