"""Train the weights that say whether a passage supports a sentence, and measure them.

    python scripts/train_support.py ../shared/data [--write]

Learns from WiCE (Wikipedia claims and their evidence), BEGIN (answers and the knowledge they were to keep to), and sentences
of SQuAD passages, copied or changed by rule: another number, another name, a negation put in or taken out, a sentence of
another passage. FaithBench (not for commercial use) and WiCE's whole pages are only measured on, never learned from. Figures
are out-of-fold over five folds of claims or source texts, their intervals a bootstrap over these groups; the threshold that
is reported beside .5 is chosen on one half of the groups and measured on the other. No text of the data is written anywhere.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from groundwork.answers.generating import support
from groundwork.answers.generating.packing import Block
from groundwork.answers.generating.support import FIGURES, Judge, View, read_sentence
from groundwork.answers.generating.verifying import Verifier
from groundwork.answers.reading.terms import tokens
from groundwork.answers.sentences import split
from groundwork.answers.types import Passage
from groundwork.core.digest import digest_bytes

Array = NDArray[np.float64]
OUT = Path(support.__file__).parent / "weights" / "support.json"
FOLDS, L2, ROUNDS, SEED = 5, 3.0, 3, 5
WEIGHT = {
    "copy": 0.5,
    "clause": 0.5,
    "number": 0.3,
    "name": 0.4,
    "negated": 0.4,
    "unnegated": 0.4,
    "foreign": 0.3,
}
"""How much an example of a changed sentence counts against one that people labelled."""
BETTER = {"covered", "covered_near", "pairs", "copied"}
EITHER = {"numbers", "length"}
LEARNED = ("wice", "begin-wow", "begin-cmu", *WEIGHT)


@dataclass(frozen=True)
class Example:
    """A text and what it is held against: for each of its sentences, the figures of the stretches that come nearest."""

    data: str
    group: str
    supported: bool
    sentences: tuple[tuple[Array, ...], ...]

    @property
    def fold(self) -> int:
        return zlib.crc32(self.group.encode()) % FOLDS


def read(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [json.loads(line) for line in text.split("\n") if line]


def example(data: str, group: str, supported: bool, said: Sequence[str], text: str) -> Example | None:
    passage = Passage(1, 1.0, "", "doc_", "chk_", 0, len(text), text)
    verifier = Verifier("", [Block(1, text, 0, len(text), 0, (passage,))], Judge((), ""), 0.0)
    held = [s for s in said if read_sentence(s).terms]
    found = tuple(tuple(_figures(s, view) for view in verifier.views(s, 1)) for s in held)
    return Example(data, group[:80], supported, found) if found and all(found) else None


def _figures(sentence: str, view: View) -> Array:
    return np.array(support.figures(read_sentence(sentence), view))


def sentences(text: str) -> list[str]:
    return [u.of(text) for u in split(text) if u.kind != "rule"]


def labelled(folder: Path) -> Iterator[Example | None]:
    for name, data in (("claims_oracle_chunks", "wice"), ("claims_full_evidence", "wice-pages")):
        for row in read(folder / "wice" / f"{name}.jsonl.gz"):
            text = ("\n" if data == "wice-pages" else " ").join(row["evidence"])
            yield example(data, row["claim"], row["label"] == "supported", [row["claim"]], text)
    for name, data in (("begin_dev_wow.jsonl", "begin-wow"), ("begin_dev_cmu.jsonl.gz", "begin-cmu")):
        for row in read(folder / "begin" / name):
            known = row["knowledge"] if isinstance(row["knowledge"], str) else " ".join(row["knowledge"])
            right = row["begin_label"] == "Fully attributable"
            yield example(data, known, right, sentences(row["response"]), known)
    for row in read(folder / "faithbench" / "summaries.jsonl.gz"):
        labels = [label for a in row["annotations"] for label in np.atleast_1d(a["label"])]
        wrong = any(str(label).startswith("Unwanted") for label in labels)
        yield example("faithbench", row["source"], not wrong, sentences(row["summary"]), row["source"])


def changed(folder: Path) -> Iterator[Example | None]:
    """Yield sentences of passages, copied or made wrong by one change."""
    chance = random.Random(SEED)
    passages = read(folder / "squad2" / "passages.jsonl")
    chance.shuffle(passages)
    names = sorted(
        {t.surface for p in passages[:200] for t in tokens(p["text"]) if t.name and len(t.surface) > 4}
    )
    for passage in passages[:260]:
        text = passage["text"]
        lines = [s for s in sentences(text) if 40 < len(s) < 260]
        if len(lines) < 3:
            continue
        other = [s for s in sentences(chance.choice(passages)["text"]) if 40 < len(s) < 260 and s not in text]
        new = next(n for n in chance.sample(names, len(names)) if n not in text)
        made = {
            "copy": chance.choice(lines),
            "clause": _changed(lines, r"(?<=.{40}), .*", lambda m: ".", chance),
            "number": _changed(
                lines, r"\b\d{2,4}\b", lambda m: str(int(m[0]) + chance.choice([1, 3, 10, -2, 7])), chance
            ),
            "name": _changed(lines, r"(?<=[a-z] )[A-Z][a-z]{4,}", lambda m, new=new: new, chance),
            "negated": _changed(
                lines, r"\b(?:is|are|was|were|can|will|has|had)\b(?! not)", lambda m: f"{m[0]} not", chance
            ),
            "unnegated": _changed(lines, r" not\b", lambda m: "", chance),
            "foreign": chance.choice(other) if other else "",
        }
        for kind, sentence in made.items():
            if sentence:
                yield example(kind, passage["doc_id"], kind in ("copy", "clause"), [sentence], text)


def _changed(
    lines: Sequence[str], pattern: str, put: Callable[[re.Match[str]], str], chance: random.Random
) -> str:
    found = [(line, m) for line in lines for m in re.finditer(pattern, line, re.S)]
    if not found:
        return ""
    line, match = chance.choice(found)
    return line[: match.start()] + put(match) + line[match.end() :]


# Fitting ----------------------------------------------------------------------------------------------------------------


def fit(examples: Sequence[Example]) -> Array:
    """Return one weight for each figure and the constant, by logistic regression with signs where they are known."""
    weights: Array | None = None
    for _ in range(ROUNDS):
        rows, right, counts = [], [], []
        for e in examples:
            if not e.supported and len(e.sentences) > 1:
                continue  # which of its sentences is wrong is not known
            for stretches in e.sentences:
                rows.append(_nearest(stretches, weights))
                right.append(float(e.supported))
                counts.append(WEIGHT.get(e.data, 1.0) / len(e.sentences))
        weights = _logistic(np.array(rows), np.array(right), np.array(counts))
    assert weights is not None
    return weights


def _nearest(stretches: Sequence[Array], weights: Array | None) -> Array:
    return stretches[0] if weights is None else max(stretches, key=lambda f: float(f @ weights[:-1]))


def _logistic(rows: Array, right: Array, counts: Array) -> Array:
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    scaled = (rows - mean) / spread
    bounds = [(0, None) if n in BETTER else (None, None) if n in EITHER else (None, 0) for n in FIGURES]

    def loss(w: Array) -> tuple[float, Array]:
        z = scaled @ w[:-1] + w[-1]
        p = 1 / (1 + np.exp(-z))
        value = float((counts * (np.logaddexp(0, z) - right * z)).sum() + L2 / 2 * (w[:-1] ** 2).sum())
        slope = np.r_[scaled.T @ (counts * (p - right)) + L2 * w[:-1], (counts * (p - right)).sum()]
        return value, slope

    found = minimize(
        loss, np.zeros(len(FIGURES) + 1), jac=True, bounds=[*bounds, (None, None)], method="L-BFGS-B"
    )
    inner = found.x[:-1] / spread
    return np.r_[inner, found.x[-1] - (inner * mean).sum()]


def score(weights: Array, e: Example) -> float:
    """Return the score of the least supported sentence, as the product computes it."""
    judge = Judge(tuple(float(w) for w in weights), "")
    return min(max(judge.weighed(list(map(float, f))) for f in stretches) for stretches in e.sentences)


# Measuring --------------------------------------------------------------------------------------------------------------


def auroc(scores: Array, right: NDArray[np.bool_]) -> float:
    ranks, n = rankdata(scores), int(right.sum())
    return float((ranks[right].sum() - n * (n + 1) / 2) / (n * (len(right) - n)))


def balanced(threshold: float) -> Callable[[Array, NDArray[np.bool_]], float]:
    return lambda s, y: float(((s[y] >= threshold).mean() + (s[~y] < threshold).mean()) / 2)


def interval(
    scores: Array,
    right: NDArray[np.bool_],
    groups: Sequence[str],
    figure: Callable[[Array, NDArray[np.bool_]], float],
) -> tuple[float, float]:
    chance = np.random.default_rng(SEED)
    names = sorted(set(groups))
    places = {n: [i for i, g in enumerate(groups) if g == n] for n in names}
    values = []
    for _ in range(1_000):
        drawn = [i for k in chance.integers(0, len(names), len(names)) for i in places[names[k]]]
        if 0 < right[drawn].sum() < len(drawn):
            values.append(figure(scores[drawn], right[drawn]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def measure(name: str, examples: Sequence[Example], scores: Sequence[float]) -> dict[str, Any]:
    s, y = np.array(scores), np.array([e.supported for e in examples])
    groups = [e.group for e in examples]
    half = np.array([zlib.crc32(g.encode()) // FOLDS % 2 == 0 for g in groups])
    chosen = max(np.arange(0.2, 0.81, 0.05), key=lambda t: (balanced(t)(s[half], y[half]), -abs(t - 0.5)))
    other = [g for g, h in zip(groups, half, strict=True) if not h]
    report: dict[str, Any] = {"n": len(y), "supported": int(y.sum()), "groups": len(set(groups))}
    report["auroc"] = [round(v, 3) for v in (auroc(s, y), *interval(s, y, groups, auroc))]
    report["balanced_accuracy"] = [
        round(v, 3) for v in (balanced(0.5)(s, y), *interval(s, y, groups, balanced(0.5)))
    ]
    low, high = interval(s[~half], y[~half], other, balanced(chosen))
    report["chosen_threshold"] = round(float(chosen), 2)
    report["balanced_accuracy_chosen"] = [
        round(v, 3) for v in (balanced(chosen)(s[~half], y[~half]), low, high)
    ]
    report["kept_supported"] = round(float((s[y] >= 0.5).mean()), 3)
    report["kept_unsupported"] = round(float((s[~y] >= 0.5).mean()), 3)
    print(name, json.dumps(report))
    return report


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--write", action="store_true")
    given = arguments.parse_args()
    examples = [e for e in (*labelled(given.data), *changed(given.data)) if e is not None]
    learned = [e for e in examples if e.data in LEARNED]
    scores: dict[int, float] = {}
    for fold in range(FOLDS):
        weights = fit([e for e in learned if e.fold != fold])
        scores |= {id(e): score(weights, e) for e in learned if e.fold == fold}
    # A claim of WiCE's pages is also one of its chunks: that data set is measured by weights that saw none of WiCE.
    apart = fit([e for e in learned if e.data != "wice"])
    weights = fit(learned)
    for e in examples:
        if e.data not in LEARNED:
            scores[id(e)] = score(apart if e.data == "wice-pages" else weights, e)
    reports = {}
    for data in ("wice", "wice-pages", "begin-wow", "begin-cmu", "faithbench"):
        chosen = [e for e in examples if e.data == data]
        reports[data] = measure(data, chosen, [scores[id(e)] for e in chosen])
    kept = {k: [scores[id(e)] >= 0.5 for e in examples if e.data == k] for k in WEIGHT}
    reports["changed_kept"] = {k: [round(float(np.mean(v)), 3), len(v)] for k, v in kept.items()}
    print("kept of changed sentences", reports["changed_kept"])
    if given.write:
        _write(given.data, weights, reports, Counter(e.data for e in learned))
    return 0


def _write(folder: Path, weights: Array, reports: dict[str, Any], counts: Counter[str]) -> None:
    files = [
        "wice/claims_oracle_chunks.jsonl.gz",
        "begin/begin_dev_wow.jsonl",
        "begin/begin_dev_cmu.jsonl.gz",
    ]
    files.append("squad2/passages.jsonl")
    stored = {
        "provenance": {
            "data": "WiCE (development claims), BEGIN (development, wow and cmu-dog parts), changed sentences of SQuAD 2.0",
            "licence": "WiCE: annotations ODC-BY 1.0, text CC BY-SA; BEGIN: CC BY 4.0; SQuAD 2.0: CC BY-SA 4.0; no text of"
            " them is in this file",
            "examples": dict(counts),
            "data_digest": digest_bytes(b"".join((folder / f).read_bytes() for f in files)),
            "command": "python scripts/train_support.py DATA --write",
            "l2": L2,
            "measured": reports,
        },
        "constant": round(float(weights[-1]), 5),
        "weights": {n: round(float(w), 5) for n, w in zip(FIGURES, weights, strict=False)},
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
