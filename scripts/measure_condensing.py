"""Measure what the rule for follow-up questions does to retrieval, on the conversations of MTRAG.

    python scripts/measure_condensing.py ../shared/data/mtrag

Every document and context of the set goes into one index; each follow-up question of `tasks` is searched as it was asked
and as the rule makes it stand alone. Relevant are the contexts that people chose. nDCG@5 and recall@5 by document, the
difference with a 95 % bootstrap interval over conversations. The rule was chosen among ten on these same questions.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.answers.generating.condensing import condensed
from groundwork.answers.types import Turn
from groundwork.app.workspace import Workspace

K, SEED, RESAMPLES = 5, 0, 2_000
STRATEGIES = ("lexical", "hybrid")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]


def file_of(identifier: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", identifier) + ".txt"


def fill(workspace: Workspace, folder: Path, source: Path) -> None:
    texts = {d["document_id"]: d["text"] for d in read(source / "documents.jsonl.gz")}
    for task in read(source / "un_generation_tasks.jsonl.gz"):
        for context in task["contexts"]:
            texts.setdefault(context["document_id"], context["text"])
    folder.mkdir()
    for identifier, text in texts.items():
        (folder / file_of(identifier)).write_text(text)
    workspace.ingest([folder])


def asked(task: Mapping[str, Any]) -> tuple[str, str]:
    """Return the last question of a task as it was asked and as the rule makes it."""
    *before, last = task["input"]
    turns = [Turn("user" if t["speaker"] == "user" else "assistant", t["text"]) for t in before]
    question = last["text"].strip()
    return question, condensed(turns, question)


def gains(workspace: Workspace, strategy: str, question: str, relevant: set[str]) -> tuple[float, float]:
    hits = workspace.search(question, strategy=strategy, k=20).hits
    found = list(dict.fromkeys(Path(h.document).name for h in hits))[:K]
    gained = sum(1 / math.log2(place + 2) for place, name in enumerate(found) if name in relevant)
    best = sum(1 / math.log2(place + 2) for place in range(min(K, len(relevant))))
    return gained / best, len(relevant.intersection(found)) / len(relevant)


def interval(differences: Sequence[float], groups: Sequence[str]) -> tuple[float, float]:
    chance = np.random.default_rng(SEED)
    names = sorted(set(groups))
    held = [np.array([d for d, g in zip(differences, groups, strict=True) if g == n]) for n in names]
    draws = chance.integers(0, len(names), (RESAMPLES, len(names)))
    means = [float(np.concatenate([held[i] for i in draw]).mean()) for draw in draws]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def main() -> int:
    source = Path(sys.argv[1])
    tasks = [t for t in read(source / "tasks.jsonl.gz") if t["contexts"] and len(t["input"]) > 1]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "ws"
        root.mkdir()
        (root / "groundwork.toml").write_text('[indexes.default]\nbackend = "memory"\n')
        with Workspace.init(root) as workspace:
            fill(workspace, Path(scratch) / "docs", source)
            for strategy in STRATEGIES:
                before, after = [], []
                for task in tasks:
                    relevant = {file_of(c["document_id"]) for c in task["contexts"]}
                    plain, alone = asked(task)
                    before.append(gains(workspace, strategy, plain, relevant))
                    after.append(gains(workspace, strategy, alone, relevant))
                groups = [t["task_id"].split("<")[0] for t in tasks]
                changes = [a[0] - b[0] for a, b in zip(after, before, strict=True)]
                changed = sum(len(set(asked(t))) == 2 for t in tasks)
                ndcg = [round(float(np.mean([x[0] for x in s])), 3) for s in (before, after)]
                recall = [round(float(np.mean([x[1] for x in s])), 3) for s in (before, after)]
                bounds = [round(b, 3) for b in interval(changes, groups)]
                report = {
                    "strategy": strategy,
                    "n": len(tasks),
                    "changed": changed,
                    "ndcg@5": ndcg,
                    "recall@5": recall,
                }
                print(json.dumps({**report, "ndcg_difference": [round(float(np.mean(changes)), 3), *bounds]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
