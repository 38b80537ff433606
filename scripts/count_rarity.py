"""Count in how many sentences of general English prose each word stands: the reader's table of how telling a word is.

    python scripts/count_rarity.py ../shared/data [--write]

Words are kept that stand in at least 15 sentences and in at least 3 of the 5 sources, so that the table holds common
English and no subject; a word that is not in it counts as rare. No text is stored, only counts.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundwork.answers.reading.terms import STOP_WORDS, tokens
from groundwork.answers.sentences import split

TABLE = Path(__file__).parents[1] / "groundwork" / "answers" / "reading" / "weights" / "rarity.json"
MAX_CHARS = 1_500_000
"""Read of one source, so that none outweighs the others."""
MIN_SENTENCES, MIN_SOURCES = 15, 3


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        yield from map(json.loads, stream)


SOURCES: dict[str, Callable[[Path], Iterator[str]]] = {
    "squad2": lambda data: (r["text"] for r in rows(data / "squad2/passages.jsonl")),
    "mtrag": lambda data: (r["text"] for r in rows(data / "mtrag/documents.jsonl.gz")),
    "docs_rag": lambda data: (r["text"] for r in rows(data / "docs_rag/chunks.jsonl.gz")),
    "docs_fastapi": lambda data: (p.read_text() for p in sorted((data / "docs_fastapi").rglob("*.md"))),
    "wice": lambda data: (" ".join(r["evidence"]) for r in rows(data / "wice/claims_full_evidence.jsonl.gz")),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--write", action="store_true", help="store the table in the package")
    arguments = parser.parse_args()
    lines, held, sources = 0, Counter[str](), Counter[str]()
    for texts in SOURCES.values():
        seen: set[str] = set()
        left = MAX_CHARS
        for text in dict.fromkeys(texts(arguments.data)):
            if left <= 0:
                break
            left -= len(text)
            for unit in split(text):
                terms = {t.term for t in tokens(unit.of(text))}
                held.update(terms)
                seen |= terms
                lines += 1
        sources.update(seen)
    common = {
        term: count
        for term, count in sorted(held.items())
        if count >= MIN_SENTENCES
        and sources[term] >= MIN_SOURCES
        and term not in STOP_WORDS
        and term.isascii()
        and term.isalpha()
    }
    provenance = {
        "data": "counts over SQuAD 2.0 (CC BY-SA 4.0), MTRAG (Apache-2.0), the anthropic-cookbook documentation (MIT), "
        "the FastAPI documentation (MIT) and WiCE evidence (CC BY-SA and Common Crawl); no text is stored",
        "command": "python scripts/count_rarity.py DATA --write",
    }
    print(f"{len(common)} words of {lines} sentences")
    if arguments.write:
        value = {"provenance": provenance, "lines": lines, "terms": common}
        TABLE.write_text(json.dumps(value, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
