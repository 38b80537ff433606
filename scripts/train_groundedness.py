"""Train the weights of the groundedness detector, and measure them.

    python scripts/train_groundedness.py ../shared/data [--variant words|minilm] [--write]

`meaning` learns from WiCE (development claims with whole pages and with chosen pieces) and BEGIN (development answers);
`wording` from sentences of SQuAD passages, copied, shortened or joined, or changed by rule in one place. FaithBench (not for
commercial use) is only measured on. Every figure is out of fold: five folds of claims, passages and source texts, everything
that is learned or chosen (weights, calibration, threshold) being learned and chosen inside the other four; intervals are a
bootstrap over these groups. No text of the data is written anywhere.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from groundwork.answers.reading.opposites import OPPOSITES
from groundwork.answers.reading.terms import STOP_WORDS, Token, tokens
from groundwork.answers.sentences import split
from groundwork.bench.grounded_rows import read
from groundwork.core.digest import digest_bytes
from groundwork.evaluation.groundedness import model as models
from groundwork.evaluation.groundedness.detector import EMBEDDED
from groundwork.evaluation.groundedness.evidence import Evidence
from groundwork.evaluation.groundedness.figures import EITHER_WAY, FIGURES, MORE_IS_BETTER, look
from groundwork.evaluation.groundedness.model import RESPONSE, Linear, Model, response_figures
from groundwork.evaluation.groundedness.thresholds import auroc, best_cut

Array = NDArray[np.float64]
OUT = Path(models.__file__).parent / "weights"
FOLDS, SEED = 5, 7
L2_MEANING, L2_WORDING, L2_RESPONSE = 20.0, 10.0, 10.0
WEIGHED = tuple(n for n in RESPONSE if n != "kept")
NATURAL = ("wice", "wice-chunks", "begin")
DOMAINS = {"pages": ("wice",), "pieces": ("wice-chunks",), "begin": ("begin",)}
CHANGED_WEIGHT = 0.0
"""How much an example of a changed sentence counts in the calibration of a sentence against one that people judged."""
FILES = (
    "wice/claims_full_evidence.jsonl.gz", "wice/claims_oracle_chunks.jsonl.gz", "begin/begin_dev_wow.jsonl",
    "begin/begin_dev_cmu.jsonl.gz", "squad2/passages.jsonl",
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A text with the figures of its sentences."""

    data: str
    group: str
    supported: bool
    sentences: tuple[Mapping[str, float], ...]

    @property
    def fold(self) -> int:
        return zlib.crc32(f"{SEED}{self.group}".encode()) % FOLDS


class Reader:
    """Makes examples; with an encoder, the figure `similarity` is there, too."""

    def __init__(self, embed: Any) -> None:
        self.embed = embed

    def example(
        self, data: str, group: str, supported: bool, text: str, evidence: Evidence, whole: bool = False
    ) -> Example | None:
        said = [text] if whole else [u.of(text) for u in split(text) if u.kind != "rule"]
        found = tuple(f for f in (self.figures(s, evidence) for s in said) if f is not None)
        return Example(data, group, supported, found) if found else None

    def figures(self, sentence: str, evidence: Evidence) -> Mapping[str, float] | None:
        sight = look(sentence, evidence)
        if not sight.claims:
            return None
        if self.embed is None:
            return {**sight.figures, "contradicted": float(sight.altered is not None)}
        places = evidence.shortlist(sight.shared, EMBEDDED)
        similarity = 0.0
        if places:
            vectors = self.embed([sentence, *(evidence.sources[i].text for i in places)])
            similarity = float((vectors[1:] @ vectors[0]).max())
        return {**sight.figures, "similarity": similarity, "contradicted": float(sight.altered is not None)}


def judged(folder: Path, reader: Reader) -> list[Example]:
    found: list[Example | None] = []
    for name, where, chunks in (
        ("wice", "wice", False),
        ("wice-chunks", "wice", True),
        ("begin", "begin", False),
        ("faithbench", "faithbench", False),
    ):
        for row in read(folder / where, chunks=chunks).rows:
            evidence = Evidence(row.passages)
            found.append(
                reader.example(name, row.cluster, row.supported, row.text, evidence, where == "wice")
            )
    return [e for e in found if e is not None]


# Changed sentences ------------------------------------------------------------------------------------------------------


def changed(folder: Path, reader: Reader, passages: int = 330) -> list[Example]:
    """Return sentences of passages, kept in meaning or made wrong by one change."""
    chance = random.Random(SEED)
    texts = [
        json.loads(line)["text"] for line in (folder / "squad2" / "passages.jsonl").read_text().splitlines()
    ]
    chance.shuffle(texts)
    names = sorted({t.surface for x in texts[:200] for t in tokens(x) if _name(t)})
    common = sorted({t.surface for x in texts[:200] for t in tokens(x) if _common(t)})
    found: list[Example | None] = []
    for at, text in enumerate(texts[:passages]):
        lines = _lines(text)
        if len(lines) < 3:
            continue
        other = [s for s in _lines(chance.choice(texts)) if s not in text]
        evidence = Evidence([text])
        for kind, supported, sentence in _made(chance, text, lines, other, names, common):
            if sentence:
                found.append(
                    reader.example(f"changed-{kind}", f"squad-{at}", supported, sentence, evidence, True)
                )
    return [e for e in found if e is not None]


def _lines(text: str) -> list[str]:
    return [s for s in (u.of(text) for u in split(text) if u.kind == "sentence") if 40 < len(s) < 260]


def _name(t: Token) -> bool:
    return t.name and len(t.surface) > 3 and t.term not in STOP_WORDS


def _common(t: Token) -> bool:
    return not t.name and not t.number and len(t.surface) > 4 and t.term not in STOP_WORDS


def _year(t: Token) -> bool:
    return t.surface.isdigit() and len(t.surface) > 1


_AUXILIARY = re.compile(r"\b(is|are|was|were|can|will|has|had)\b(?! not)")
_OPENING = re.compile(r"((?:In|On|At|By|During|After|Since|For|From)\b[^,]{3,50}), (.+)\.$")


def _made(
    chance: random.Random,
    text: str,
    lines: Sequence[str],
    other: Sequence[str],
    names: Sequence[str],
    common: Sequence[str],
) -> list[tuple[str, bool, str]]:
    inside = [t for line in lines for t in tokens(line)]
    held = {
        "name": [t.surface for t in inside if _name(t)],
        "word": [t.surface for t in inside if _common(t)],
        "number": [t.surface for t in inside if _year(t)],
    }

    def swapped(fits: Any, put: Any) -> str:
        line = chance.choice(lines)
        places = [t for i, t in enumerate(tokens(line)) if i and fits(t)]
        if not places:
            return ""
        token = chance.choice(places)
        new = put(token)
        same = not new or new.casefold() == token.surface.casefold()
        return "" if same else line[: token.start] + new + line[token.end :]

    one, two, three = (chance.choice(lines) for _ in range(3))
    at = chance.randrange(len(lines) - 1)
    half, rest = (line.split() for line in chance.sample(list(lines), 2))
    strange = chance.choice(other).split() if other else []
    shorter = [
        s
        for s in (re.sub(r" \([^)]*\)| [a-z]+ly\b|, [^,]{5,60},(?= [a-z])", "", x) for x in lines)
        if s not in text
    ]
    moved = [
        f"{m[2][0].upper()}{m[2][1:]} {m[1][0].lower()}{m[1][1:]}." for m in map(_OPENING.match, lines) if m
    ]
    affirmed = [re.sub(r" not\b", "", x, count=1) for x in lines if " not " in x]
    words = three.split()
    cut = chance.randint(2, len(words))
    begin = chance.randrange(max(1, len(strange) - 4))
    put = strange[begin : begin + chance.randint(2, 4)]
    return [
        ("copied", True, one),
        ("clause", True, re.sub(r"(?<=.{40}), .*", ".", two, flags=re.S) if ", " in two[40:] else ""),
        ("shorter", True, shorter[0] if shorter else ""),
        ("joined", True, f"{lines[at].rstrip('.')}, and {lines[at + 1][0].lower()}{lines[at + 1][1:]}"),
        ("moved", True, moved[0] if moved else ""),
        ("number", False, swapped(_year, lambda t: str(int(t.surface) + chance.choice([1, 3, 10, -2, 7])))),
        ("number-inside", False, swapped(_year, lambda t: chance.choice(held["number"]))),
        ("name", False, swapped(_name, lambda t: next(n for n in chance.sample(names, len(names)) if n not in text))),
        ("name-inside", False, swapped(_name, lambda t: chance.choice(held["name"]))),
        ("word", False, swapped(_common, lambda t: chance.choice(common))),
        ("word-inside", False, swapped(_common, lambda t: chance.choice(held["word"]))),
        ("contrary", False, swapped(lambda t: t.term in OPPOSITES, lambda t: chance.choice(sorted(OPPOSITES[t.term])))),
        ("negated", False, _AUXILIARY.sub(r"\1 not", three, count=1) if _AUXILIARY.search(three) else ""),
        ("affirmed", False, affirmed[0] if affirmed else ""),
        ("inserted", False, " ".join([*words[:cut], *put, *words[cut:]]) if put else ""),
        ("fused", False, " ".join(half[: len(half) // 2] + rest[len(rest) // 2 :])),
        ("foreign", False, chance.choice(other) if other else ""),
    ]  # fmt: skip


# Fitting ----------------------------------------------------------------------------------------------------------------


def logistic(names: Sequence[str], rows: Array, right: Array, counts: Array, l2: float) -> Linear:
    """Return logistic weights over standardised figures, with the sign that each figure must have."""
    mean, spread = rows.mean(0), rows.std(0) + 1e-6
    scaled = (rows - mean) / spread
    bounds = [
        (None, None) if n in EITHER_WAY else (0, None) if n in MORE_IS_BETTER or n in RESPONSE else (None, 0)
        for n in names
    ]

    def loss(w: Array) -> tuple[float, Array]:
        z = scaled @ w[:-1] + w[-1]
        value = float((counts * (np.logaddexp(0, z) - right * z)).sum() + l2 / 2 * (w[:-1] ** 2).sum())
        off = counts * (1 / (1 + np.exp(-z)) - right)
        return value, np.r_[scaled.T @ off + l2 * w[:-1], off.sum()]

    found = minimize(
        loss, np.zeros(len(names) + 1), jac=True, bounds=[*bounds, (None, None)], method="L-BFGS-B"
    )
    inner = found.x[:-1] / spread
    kept = [(n, float(w)) for n, w in zip(names, inner, strict=True) if w]
    return Linear(
        tuple(n for n, _ in kept), tuple(w for _, w in kept), float(found.x[-1] - (inner * mean).sum())
    )


def of_sentences(names: Sequence[str], examples: Sequence[Example], l2: float) -> Linear:
    """Fit over sentences; those of a wrong text with several are left out, since which of them is wrong is not known."""
    used = [e for e in examples if e.supported or len(e.sentences) == 1]
    rows = np.array([[f[n] for n in names] for e in used for f in e.sentences])
    right = np.array([float(e.supported) for e in used for _ in e.sentences])
    counts = np.array([1.0 / len(e.sentences) for e in used for _ in e.sentences])
    return logistic(names, rows, right, counts, l2)


def train(examples: Sequence[Example], variant: str, inner: bool = True) -> Model:
    """Return the model of these examples; calibration and thresholds come from folds left out inside them."""
    natural = [e for e in examples if e.data in NATURAL]
    made = [e for e in examples if e.data.startswith("changed")]
    extra = ("similarity",) if variant == "minilm" else ()
    meaning = of_sentences((*FIGURES, *extra), natural, L2_MEANING)
    wording = of_sentences([n for n in FIGURES if n != "sentence_length"], made, L2_WORDING)
    start = Linear(("least",), (1.0,), 0.0)
    plain = Model(meaning, wording, start, {"default": 0.5}, "", {})
    if not inner:
        return plain
    readings: dict[int, list[models.Reading]] = {}
    for k in range(FOLDS):
        part = train([e for e in natural + made if _inner(e) != k], variant, inner=False)
        for e in natural + made:
            if _inner(e) == k:
                readings[id(e)] = [
                    replace(part.read(f), contradicted=f["contradicted"] > 0) for f in e.sentences
                ]
    fitted = [e for e in natural + made if e.data in NATURAL or CHANGED_WEIGHT]
    rows = np.array([[response_figures(readings[id(e)])[n] for n in WEIGHED] for e in fitted])
    right = np.array([float(e.supported) for e in fitted])
    counts = np.array([CHANGED_WEIGHT if e.data.startswith("changed") else 1.0 for e in fitted])
    response = logistic(WEIGHED, rows, right, counts, L2_RESPONSE)
    weighed = Model(meaning, wording, response, {}, "", {})
    probability = {id(e): weighed.probability(readings[id(e)]) for e in natural}

    def cut(*data: str) -> float:
        chosen = [e for e in natural if e.data in data]
        return best_cut(
            np.array([probability[id(e)] for e in chosen]), np.array([e.supported for e in chosen])
        )

    apart = {name: cut(*data) for name, data in DOMAINS.items()}
    cuts = {"default": float(np.mean(list(apart.values()))), "wice": apart["pages"], "begin": apart["begin"]}
    return Model(meaning, wording, response, {n: round(c, 4) for n, c in cuts.items()}, "", {})


def _inner(e: Example) -> int:
    return zlib.crc32(f"inner{SEED}{e.group}".encode()) % FOLDS


# Measuring --------------------------------------------------------------------------------------------------------------


def measure(examples: Sequence[Example], values: Array, cuts: Array) -> dict[str, Any]:
    """Return figures with their intervals; `cuts` holds, for each text, the threshold that its fold was given."""
    right = np.array([e.supported for e in examples])
    called = values >= cuts
    names = {g: i for i, g in enumerate(sorted({e.group for e in examples}))}
    groups = np.array([names[e.group] for e in examples])

    def figures(at: NDArray[np.intp]) -> tuple[float, float, float]:
        y, v, c = right[at], values[at], called[at]
        if y.all() or not y.any():
            return (np.nan,) * 3
        return auroc(v, y), float((c[y].mean() + (~c[~y]).mean()) / 2), _ece(v, y)

    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(groups == g) for g in range(len(names))]
    drawn = [
        figures(np.concatenate([members[g] for g in rng.integers(0, len(names), len(names))]))
        for _ in range(1_000)
    ]
    low, high = np.nanpercentile(np.array(drawn), [2.5, 97.5], axis=0)
    value = figures(np.arange(len(right)))
    report: dict[str, Any] = {"n": len(right), "supported": int(right.sum()), "groups": len(names)}
    for i, name in enumerate(("auroc", "balanced_accuracy", "ece")):
        report[name] = [round(float(x), 3) for x in (value[i], low[i], high[i])]
    return report


def _ece(values: Array, right: NDArray[np.bool_], bins: int = 10) -> float:
    order = np.argsort(values, kind="stable")
    return float(
        sum(abs(values[p].mean() - right[p].mean()) * len(p) for p in np.array_split(order, bins))
        / len(values)
    )


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--variant", choices=("words", "minilm"), default="words")
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--quick", action="store_true", help="write without measuring")
    given = arguments.parse_args()
    reader = Reader(_encoder() if given.variant == "minilm" else None)
    examples = [*judged(given.data, reader), *changed(given.data, reader)]
    learned = [e for e in examples if e.data != "faithbench"]
    reports: dict[str, Any] = {}
    if not given.quick:
        reports = _reports(examples, learned, given.variant)
    if given.write:
        _write(given.data, given.variant, train(learned, given.variant), reports, learned)
    return 0


def _reports(examples: Sequence[Example], learned: Sequence[Example], variant: str) -> dict[str, Any]:
    values: dict[int, tuple[float, float]] = {}
    for k in range(FOLDS):
        part = train([e for e in learned if e.fold != k], variant)
        for e in examples:
            if e.fold == k:
                domain = "wice" if e.data == "wice" else "begin" if e.data == "begin" else "default"
                readings = [replace(part.read(f), contradicted=f["contradicted"] > 0) for f in e.sentences]
                whole = part.probability(readings)
                values[id(e)] = (whole, part.thresholds[domain])
    reports: dict[str, Any] = {}
    for data in ("wice", "wice-chunks", "begin", "faithbench"):
        chosen = [e for e in examples if e.data == data]
        pairs = np.array([values[id(e)] for e in chosen])
        reports[data] = measure(chosen, pairs[:, 0], pairs[:, 1])
        print(data, json.dumps(reports[data]), flush=True)
    kinds = sorted({e.data for e in examples if e.data.startswith("changed")})
    kept = {
        k.removeprefix("changed-"): [values[id(e)][0] >= values[id(e)][1] for e in examples if e.data == k]
        for k in kinds
    }
    reports["changed_kept"] = {k: [round(float(np.mean(v)), 3), len(v)] for k, v in kept.items()}
    print("share of changed sentences that count as supported", json.dumps(reports["changed_kept"]))
    return reports


def _encoder() -> Any:
    from groundwork.models.encoder import MiniLmEncoder

    encoder, seen = MiniLmEncoder(), {}

    def embed(texts: Sequence[str]) -> Array:
        new = [t for t in dict.fromkeys(texts) if t not in seen]
        seen.update(zip(new, encoder.encode(new), strict=True))
        return np.array([seen[t] for t in texts], dtype=np.float64)

    return embed


def _write(
    folder: Path, variant: str, model: Model, reports: dict[str, Any], learned: Sequence[Example]
) -> None:
    def rounded(linear: Linear) -> dict[str, Any]:
        weights = {n: round(w, 5) for n, w in zip(linear.names, linear.weights, strict=True)}
        return {"constant": round(linear.constant, 5), "weights": weights}

    counts: dict[str, int] = {}
    for e in learned:
        name = "changed" if e.data.startswith("changed") else e.data
        counts[name] = counts.get(name, 0) + 1
    stored = {
        "provenance": {
            "data": "WiCE (development claims), BEGIN (development), changed sentences of SQuAD 2.0",
            "licence": "WiCE: annotations ODC-BY 1.0, text CC BY-SA; BEGIN: CC BY 4.0; SQuAD 2.0: CC BY-SA 4.0; no text of"
            " them is in this file. FaithBench (CC BY-NC-SA) was measured on and not learned from.",
            "examples": counts,
            "data_digest": digest_bytes(b"".join((folder / f).read_bytes() for f in FILES)),
            "command": f"python scripts/train_groundedness.py DATA --variant {variant} --write",
            "measured": reports,
        },
        "response": rounded(model.response),
        "thresholds": dict(model.thresholds),
        "meaning": rounded(model.meaning),
        "wording": rounded(model.wording),
    }
    OUT.mkdir(exist_ok=True)
    (OUT / f"{variant}.json").write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
