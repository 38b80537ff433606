"""Read every file of a folder in the sandbox: what is indexed, what is quarantined and why, and what it costs."""

from __future__ import annotations

import html
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.core.digest import digest_json
from groundwork.knowledge.parsing import Parser, Quarantine
from groundwork.knowledge.types import Parsed

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]|[^\W_]+")
_SYNTAX = re.compile(
    r"<!--.*?-->|\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)|</?[a-z][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
RESAMPLES = 2000


def run(directory: Path, *, workers: int = 2) -> dict[str, Any]:
    """Read the files that `manifest.jsonl` names and compare with the expected Markdown where it is given.

    Returns:
        `{data_digest, n, indexed, quarantined: {reason: n}, max_rss_mib, max_seconds, similarity: {n, value, low, high,
        token_f1, by_extension: {ext: {n, value}}}, files: [{file, outcome, message, seconds, rss_mib, similarity?}]}`;
        similarity is ROUGE-L F1 over words (each East Asian character is one), with a 95 % bootstrap interval.
    """
    rows = [
        json.loads(line) for line in (directory / "manifest.jsonl").read_text("utf-8").splitlines() if line
    ]
    started = time.monotonic()
    results: list[dict[str, Any]] = []
    with Parser(workers) as parser:
        documents = ((row, directory / row["file"], Path(row["file"]).name, None) for row in rows)
        for row, measured in parser.measure_many(documents):
            result = _describe(row, measured.outcome)
            result |= {"media_type": measured.media_type, "seconds": round(measured.seconds, 3)}
            result["rss_mib"] = round(measured.rss_mib, 1)
            expected = row.get("expected_markdown")
            if expected:
                text = measured.outcome.text if isinstance(measured.outcome, Parsed) else ""
                wanted = (directory / expected).read_text("utf-8")
                result["similarity"] = round(rouge_l(words(text), words(wanted)), 4)
                result["token_f1"] = round(overlap(words(text), words(wanted)), 4)
            results.append(result)
    return {
        "data_digest": digest_json([row["sha256"] for row in rows]),
        "n": len(results),
        "indexed": sum(r["outcome"] == "indexed" for r in results),
        "quarantined": dict(
            sorted(Counter(r["outcome"] for r in results if r["outcome"] != "indexed").items())
        ),
        "max_rss_mib": max((r["rss_mib"] for r in results), default=0.0),
        "max_seconds": max((r["seconds"] for r in results), default=0.0),
        "seconds": round(time.monotonic() - started, 2),
        "similarity": _similarity(results),
        "files": results,
    }


def words(markdown: str) -> list[str]:
    """Return the words of a text without Markdown's syntax, comments, tags and the targets of links, in lower case."""
    return _TOKEN.findall(html.unescape(_SYNTAX.sub(" ", markdown)).replace("\\", "").lower())


def rouge_l(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Return the F1 of the longest common subsequence of two word lists, 0 to 1; two empty lists are equal.

    Source: Lin, ROUGE (2004), section 3; the length of the subsequence by Hyyrö, Bit-parallel LCS (2004).
    """
    if not candidate or not reference:
        return float(not candidate and not reference)
    places: dict[str, int] = {}
    for place, word in enumerate(reference):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(reference)) - 1
    row = everything
    for word in candidate:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & everything
    common = len(reference) - row.bit_count()
    return 2 * common / (len(candidate) + len(reference))


def overlap(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Return the F1 of the words two lists have in common, whatever their order, 0 to 1."""
    if not candidate or not reference:
        return float(not candidate and not reference)
    common = (Counter(candidate) & Counter(reference)).total()
    return 2 * common / (len(candidate) + len(reference))


def _describe(row: dict[str, Any], outcome: Parsed | Quarantine) -> dict[str, Any]:
    known = {"file": row["file"], "kind": row.get("kind", ""), "ext": row.get("ext", "")}
    if isinstance(outcome, Quarantine):
        return {**known, "outcome": outcome.reason, "message": outcome.message, "chars": 0}
    return {**known, "outcome": "indexed", "message": "; ".join(outcome.warnings), "chars": len(outcome.text)}


def _similarity(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    compared = [r for r in results if "similarity" in r]
    if not compared:
        return {"n": 0}
    values = np.array([r["similarity"] for r in compared])
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    by_extension = {
        ext: {"n": len(found), "value": round(float(np.mean(found)), 4)}
        for ext in sorted({r["ext"] for r in compared})
        for found in [[r["similarity"] for r in compared if r["ext"] == ext]]
    }
    return {
        "metric": "rouge_l_f1",
        "n": len(compared),
        "value": round(float(values.mean()), 4),
        "low": round(float(np.percentile(means, 2.5)), 4),
        "high": round(float(np.percentile(means, 97.5)), 4),
        "token_f1": round(float(np.mean([r["token_f1"] for r in compared])), 4),
        "by_extension": by_extension,
    }
