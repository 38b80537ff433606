"""Read texts that people judged against passages: the plain layout, and the native layouts of some public sets.

Plain: any `*.jsonl[.gz]` whose objects hold `id`, `cluster`, `context` (a text or a list of passages), `text` and `label`
(1, true or "supported": the passages support all of it). Native: WiCE (`claims_full_evidence`, otherwise
`claims_oracle_chunks`; partially supported is not supported), BEGIN (`begin_*`; only "Fully attributable" is supported),
FaithBench (`summaries`; a text with any span that somebody marked "Unwanted" is not supported), and FRANK where it comes
with its texts. Clusters are the claim, the knowledge, the source text and the article.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError

LAYOUT = "rows hold `id`, `cluster`, `context`, `text` and `label` (1 or `supported`: all of the text is supported)"
_TRUE = {"supported", "1", "true", "yes", "consistent", "faithful", "grounded"}
_FALSE = {
    "not_supported",
    "partially_supported",
    "unsupported",
    "0",
    "false",
    "no",
    "inconsistent",
    "hallucinated",
}


@dataclass(frozen=True)
class Row:
    """A text with its passages and whether people found that they support all of it."""

    id: str
    cluster: str
    passages: tuple[str, ...]
    text: str
    supported: bool


@dataclass(frozen=True)
class Judged:
    """A set of rows; `domain` names the threshold of the bundled weights that was chosen on texts like these."""

    name: str
    domain: str
    rows: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """Return the digest of everything that is measured on."""
        return digest_json([[r.id, r.cluster, list(r.passages), r.text, r.supported] for r in self.rows])


def read(path: Path, *, chunks: bool = False) -> Judged:
    """Return the set in a folder, or in one file.

    Args:
        chunks: of WiCE, read the claims with chosen pieces of their pages instead of whole pages.

    Raises:
        InvalidInputError: nothing is there, a line is no JSON object or lacks a column, texts are missing.
    """
    files = [path] if path.is_file() else sorted((*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")))
    if not files:
        raise InvalidInputError(f"{path} holds no *.jsonl or *.jsonl.gz", hint=LAYOUT)
    stems = {f.name.split(".")[0]: f for f in files}
    pages = stems.get("claims_full_evidence")
    pieces = stems.get("claims_oracle_chunks")
    if pages or pieces:
        file = pieces if pieces and (chunks or not pages) else pages
        assert file is not None
        return _judged(path, "wice", file, _wice)
    dialogue = [f for name, f in stems.items() if name.startswith("begin")]
    if dialogue:
        rows = [r for f in dialogue for r in _judged(path, "begin", f, _begin).rows]
        return Judged("begin", "begin", tuple(rows))
    if "summaries" in stems and "annotations" in _first(stems["summaries"]):
        return _judged(path, "faithbench", stems["summaries"], _faithbench)
    if "human" in _first(files[0]) and "hash" in _first(files[0]):
        rows = [r for f in files for r in _judged(path, "frank", f, _frank).rows]
        return Judged("frank", "summaries", tuple(rows))
    name = path.name.split(".")[0]
    found = [r for f in files for r in _judged(path, name, f, _plain).rows]
    return Judged(name, "default", tuple(found))


def _judged(path: Path, name: str, file: Path, make: Callable[[Mapping[str, Any], str], Row]) -> Judged:
    domain = {"faithbench": "summaries"}.get(name, name)
    rows = []
    for at, line in enumerate(_objects(file)):
        try:
            rows.append(make(line, f"{file.name}:{at + 1}"))
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidInputError(f"row {at + 1} of {file.name} lacks {error}", hint=LAYOUT) from error
    if not rows:
        raise InvalidInputError(f"{file} is empty", hint=LAYOUT)
    return Judged(name, domain, tuple(rows))


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} cannot be read: {error}", hint=LAYOUT) from error
    for at, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise InvalidInputError(f"line {at + 1} of {file.name} is no JSON", hint=LAYOUT) from error
        if not isinstance(found, dict):
            raise InvalidInputError(f"line {at + 1} of {file.name} is no JSON object", hint=LAYOUT)
        yield found


def _first(file: Path) -> dict[str, Any]:
    return next(_objects(file), {})


def _wice(row: Mapping[str, Any], place: str) -> Row:
    evidence = [str(line) for line in row["evidence"]]
    meta = row.get("meta") or {}
    name = str(meta.get("id", place))
    return Row(name, row["claim"], ("\n\n".join(evidence),), row["claim"], row["label"] == "supported")


def _begin(row: Mapping[str, Any], place: str) -> Row:
    known = row["knowledge"]
    passages = (known,) if isinstance(known, str) else tuple(known)
    right = row["begin_label"] == "Fully attributable"
    return Row(str(row.get("id", place)), "\n".join(passages), passages, row["response"], right)


def _faithbench(row: Mapping[str, Any], place: str) -> Row:
    labels = [
        str(label)
        for mark in row["annotations"]
        for label in ([mark["label"]] if isinstance(mark["label"], str) else mark["label"])
    ]
    right = not any(label.startswith("Unwanted") for label in labels)
    return Row(str(row.get("id", place)), row["source"], (row["source"],), row["summary"], right)


def _frank(row: Mapping[str, Any], place: str) -> Row:
    article = row.get("article") or row.get("document") or row.get("text")
    summary = row.get("summary") or row.get("claim")
    if not article or not summary:
        raise InvalidInputError(
            "these rows of FRANK hold judgements without the articles and summaries",
            hint="add `article` and `summary` to each row, or use them for judges and intervals alone",
        )
    right = float(row["human"]["Factuality"]) >= 1.0
    return Row(str(row.get("hash", place)), str(row.get("hash", article)), (article,), summary, right)


def _plain(row: Mapping[str, Any], place: str) -> Row:
    context = row["context"]
    passages = (context,) if isinstance(context, str) else tuple(str(c) for c in context)
    said = str(row["label"]).strip().lower()
    if said not in _TRUE and said not in _FALSE and said not in ("1.0", "0.0"):
        raise InvalidInputError(f"{place} has the label {row['label']!r}", hint=LAYOUT)
    right = said in _TRUE or said == "1.0"
    return Row(
        str(row.get("id", place)),
        str(row.get("cluster") or "\n".join(passages)),
        passages,
        str(row["text"]),
        right,
    )
