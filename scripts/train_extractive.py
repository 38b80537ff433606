"""Train the weights of the extractive reader, and measure them by cross-validation over article titles.

    python scripts/train_extractive.py ../shared/data/squad2 --docs ../shared/data/docs_rag [--write]

Reads SQuAD 2.0 (`passages.jsonl`, `questions.jsonl.gz`) and a documentation set (`chunks.jsonl.gz`, `questions.jsonl`).
Every question is seen in three settings: with its paragraph (`given`), with the eight passages a plain BM25 finds in
the whole set (`retrieved`), and with the eight it finds in other articles (`foreign`, where nothing answers). No text
of the data is written anywhere: `--write` stores numbers and where they come from beside the reader.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from groundwork.answers.reading import judging
from groundwork.answers.reading.answering import ANSWERING, answering
from groundwork.answers.reading.linear import Linear, Trained
from groundwork.answers.reading.page import Page, read_page
from groundwork.answers.reading.question import read_question
from groundwork.answers.reading.selecting import SELECTING
from groundwork.answers.reading.terms import STOP_WORDS, tokens, wordset
from groundwork.answers.types import Passage
from groundwork.core.digest import digest_bytes
from groundwork.models.encoder import MiniLmEncoder

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
WEIGHTS = Path(__file__).parents[1] / "groundwork" / "answers" / "reading" / "weights"
SELECTING_L2, ANSWERING_L2 = 30.0, 100.0
SHARE = {"given": 1.0, "retrieved": 0.5, "foreign": 0.35}
"""How much an example of a setting counts; documentation questions count double, since there are few."""

# What more of a figure can only mean; the weight of the others may have either sign.
_MORE_IS_BETTER = wordset(
    "overlap overlap_rare overlap_count exact names numbers pairs order density before after heading type focus relation"
    " tail_pair similarity passage_share window_share type_number type_name type_reason similarity_lead"
)
_MORE_IS_WORSE = wordset(
    "passage_missing rarest_missing rarest_missing_line missing_count names_missing unseen names_missing_line"
    " numbers_missing numbers_missing_line other_passage contrary_line contrary_passage superlative_missing"
    " focus_missing capitals_unmatched last_missing negation_unmet negation_unasked question_mark"
)
SIGNS = {**dict.fromkeys(_MORE_IS_BETTER, 1), **dict.fromkeys(_MORE_IS_WORSE, -1)}


@dataclass(frozen=True)
class View:
    """What one variant sees of a question: its best lines by plain overlap, at most `judging.SHORTLIST`, in order.

    Attributes:
        figures: selecting figures, shape (lines, len(SELECTING)).
        evidence: answering figures as if each line were the chosen one, shape (lines, len(ANSWERING)).
        gold: whether the line answers the question.
    """

    figures: Floats
    evidence: Floats
    gold: NDArray[np.bool_]


@dataclass(frozen=True)
class Example:
    """One question in one setting, seen by each variant; None where no line is worth quoting."""

    group: str
    setting: str
    domain: str
    views: Mapping[str, View | None]
    answerable: bool

    @property
    def weight(self) -> float:
        return SHARE[self.setting] * (2.0 if self.domain == "docs" else 1.0)


# Data -----------------------------------------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        yield from map(json.loads, stream)


class Bm25:
    """Okapi BM25 over the reader's own terms, k1 1.2, b .75."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(t.term for t in tokens(text)) for text in texts]
        held = Counter(term for count in counts for term in count)
        mean = sum(count.total() for count in counts) / len(counts)
        self.postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, count in enumerate(counts):
            damping = 1.2 * (0.25 + 0.75 * count.total() / mean)
            for term, n in count.items():
                idf = math.log(1 + (len(texts) - held[term] + 0.5) / (held[term] + 0.5))
                self.postings[term].append((place, idf * n * 2.2 / (n + damping)))

    def search(self, question: str, k: int, allowed: Callable[[int], bool] = lambda _: True) -> list[int]:
        scores: dict[int, float] = defaultdict(float)
        for term in sorted({t.term for t in tokens(question)} - STOP_WORDS):
            for place, score in self.postings.get(term, ()):
                if allowed(place):
                    scores[place] += score
        return [place for place, _ in sorted(scores.items(), key=lambda s: (-s[1], s[0]))[:k]]


class Seer:
    """Looks at questions on pages, with and without the encoder; vectors are kept."""

    def __init__(self, words: Trained) -> None:
        self.words = words
        self.encoder = MiniLmEncoder(threads=1)
        self.vectors: dict[str, NDArray[np.float32]] = {}

    def views(self, question: str, page: Page, is_gold: Callable[[int], bool]) -> dict[str, View | None]:
        read = read_question(question)
        return {
            "words": self._view(judging.look(read, page, self.words), is_gold),
            "minilm": self._view(
                judging.look(read, page, self.words, lambda texts: self._cosines(question, texts)), is_gold
            ),
        }

    def _view(self, sight: judging.Sight | None, is_gold: Callable[[int], bool]) -> View | None:
        if sight is None:
            return None
        rough = {i: self.words.selecting.score(sight.figures[i]) for i in sight.places}
        places = sorted(sorted(rough, key=lambda i: (-rough[i], i))[: judging.SHORTLIST])
        return View(
            np.array([sight.figures[i] for i in places], dtype=np.float32),
            np.array([answering(sight.asking, sight.figures, i) for i in places], dtype=np.float32),
            np.array([is_gold(i) for i in places]),
        )

    def _cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        asked = self._vector(question)
        return [round(float(asked @ self._vector(text)), 4) for text in texts]

    def _vector(self, text: str) -> NDArray[np.float32]:
        if text not in self.vectors:
            self.vectors[text] = self.encoder.encode([text])[0]
        return self.vectors[text]


def passage(rank: int, text: str, context: str) -> Passage:
    return Passage(rank, 0.0, "", "", "", 0, len(text), text, context)


def squad_examples(folder: Path, seer: Seer, foreign: Sequence[tuple[str, str]]) -> Iterator[Example]:
    """Yield the examples of SQuAD; `foreign` are (text, context) of documentation chunks, one more place without answers."""
    passages = list(rows(folder / "passages.jsonl"))
    index, strange = Bm25([p["text"] for p in passages]), Bm25([text for text, _ in foreign])
    place_of = {p["doc_id"]: place for place, p in enumerate(passages)}
    title = [p["title"].replace("_", " ") for p in passages]

    @cache
    def alone(place: int) -> Page:
        return read_page([passage(1, passages[place]["text"], title[place])])

    for number, row in enumerate(rows(folder / "questions.jsonl.gz")):
        question, home = row["question"], place_of[row["doc_id"]]
        group, answers = title[home], [a["text"] for a in row["answers"]]
        pages = {
            "given": (alone(home), [home]),
            "retrieved": _found(passages, title, found := index.search(question, 8)),
        }
        if number % 4 == 3:
            hits = strange.search(question, 8)
            pages["foreign"] = (read_page([passage(r, *foreign[h]) for r, h in enumerate(hits, 1)]), [])
        else:
            pages["foreign"] = _found(
                passages, title, index.search(question, 8, partial(_is_other, title, group))
            )
        for setting, (page, places) in pages.items():
            answerable = (
                not row["is_impossible"] and setting != "foreign" and (setting == "given" or home in found)
            )
            gold = {
                i
                for i, line in enumerate(page.lines)
                if answerable and places[line.passage] == home and any(a in line.text for a in answers)
            }
            views = seer.views(question, page, gold.__contains__)
            yield Example(group, setting, "squad", views, answerable)


def _is_other(title: Sequence[str], group: str, place: int) -> bool:
    return title[place] != group


def _found(
    passages: Sequence[Mapping[str, Any]], title: Sequence[str], places: list[int]
) -> tuple[Page, list[int]]:
    return read_page([passage(r, passages[h]["text"], title[h]) for r, h in enumerate(places, 1)]), places


def docs_chunks(folder: Path) -> list[tuple[str, str, str]]:
    """Return (text, context, link) of the documentation chunks."""
    return [(c["text"], c["chunk_heading"], c["chunk_link"]) for c in rows(folder / "chunks.jsonl.gz")]


def docs_examples(folder: Path, squad: Path, seer: Seer) -> Iterator[Example]:
    """Yield the documentation questions; a line is gold when it covers the reference answer nearly as well as the best."""
    chunks = docs_chunks(folder)
    passages = list(rows(squad / "passages.jsonl"))
    index, strange = Bm25([f"{c[1]} {c[0]}" for c in chunks]), Bm25([p["text"] for p in passages])
    for row in rows(folder / "questions.jsonl"):
        question = row["question"]
        found = index.search(question, 8)
        page = read_page([passage(r, chunks[h][0], chunks[h][1]) for r, h in enumerate(found, 1)])
        right = [chunks[h][2] in row["correct_chunks"] for h in found]
        reference = {t.term for t in tokens(row["correct_answer"])} - STOP_WORDS
        covers = {
            i: len(reference & line.terms) / math.sqrt(8 + len(line.terms))
            for i, line in enumerate(page.lines)
            if right[line.passage] and line.unit.kind != "heading"
        }
        best = max(covers.values(), default=0.0)
        gold = {i for i, c in covers.items() if c >= 0.75 * best > 0}
        yield Example("docs", "retrieved", "docs", seer.views(question, page, gold.__contains__), bool(gold))
        far = [passages[h] for h in strange.search(question, 8)]
        page = read_page([passage(r, p["text"], p["title"].replace("_", " ")) for r, p in enumerate(far, 1)])
        yield Example("docs", "foreign", "docs", seer.views(question, page, lambda _: False), False)


# Fitting --------------------------------------------------------------------------------------------------------------


def _bounds(names: Sequence[str]) -> list[tuple[float | None, float | None]]:
    return [{1: (0.0, None), -1: (None, 0.0)}.get(SIGNS.get(name, 0), (None, None)) for name in names]


def fit_selecting(examples: Sequence[Example], variant: str) -> Linear:
    """Fit a conditional logit: the probability that the choice among the lines falls on a gold one."""
    pairs = [(view, e.weight) for e in examples if (view := e.views[variant]) is not None and view.gold.any()]
    x = np.concatenate([view.figures for view, _ in pairs]).astype(np.float64)
    y = np.concatenate([view.gold for view, _ in pairs]).astype(np.float64)
    mean, scale = x.mean(0), x.std(0)
    scale[scale < 1e-9] = np.inf
    z = (x - mean) / scale
    sizes = [len(view.gold) for view, _ in pairs]
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner, w = np.repeat(np.arange(len(pairs)), sizes), np.array([weight for _, weight in pairs])

    def loss(beta: Array) -> tuple[float, Array]:
        score = z @ beta
        e = np.exp(score - np.maximum.reduceat(score, start)[owner])
        whole, right = np.add.reduceat(e, start), np.add.reduceat(e * y, start)
        slope = (e / whole[owner] - e * y / right[owner]) * w[owner]
        return float(
            w @ np.log(whole / right) + 0.5 * SELECTING_L2 * beta @ beta
        ), z.T @ slope + SELECTING_L2 * beta

    found = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B", bounds=_bounds(SELECTING))
    raw = found.x / scale
    return Linear(tuple(raw), -float(mean @ raw))


def fit_answering(figures: Array, label: Array, weight: Array) -> Linear:
    """Fit a logistic regression with an L2 penalty on the standardised weights."""
    mean, scale = figures.mean(0), figures.std(0)
    scale[scale < 1e-9] = np.inf
    z = np.hstack([(figures - mean) / scale, np.ones((len(figures), 1))])

    def loss(beta: Array) -> tuple[float, Array]:
        score = z @ beta
        p = 1 / (1 + np.exp(-score))
        penalty = np.append(beta[:-1], 0.0) * ANSWERING_L2
        value = float(weight @ (np.logaddexp(0, score) - label * score) + 0.5 * penalty @ beta)
        return value, z.T @ (weight * (p - label)) + penalty

    bounds = [*_bounds(ANSWERING), (None, None)]
    found = minimize(
        loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}
    )
    raw = found.x[:-1] / scale
    return Linear(tuple(raw), float(found.x[-1] - mean @ raw))


def chosen(examples: Sequence[Example], variant: str, model: Linear) -> tuple[Array, Array]:
    """Return the answering figures of the line that `model` selects, and whether it is a gold one."""
    figures, right = np.zeros((len(examples), len(ANSWERING))), np.zeros(len(examples), dtype=bool)
    weights = np.array(model.weights)
    for row, example in enumerate(examples):
        view = example.views[variant]
        if view is None:
            continue
        best = int(np.argmax(view.figures @ weights))
        figures[row], right[row] = view.evidence[best], view.gold[best]
    return figures, right


@dataclass(frozen=True)
class Folded:
    """Out-of-fold figures, choices and confidences, in the order of the examples."""

    figures: Array
    right: Array
    confidence: Array


def crossed(examples: Sequence[Example], variant: str) -> Folded:
    """Cross-validate both models over groups; the answering figures of a group come from selecting weights without it."""
    groups = sorted({e.group for e in examples})
    member = np.array([groups.index(e.group) for e in examples])
    figures, right = np.zeros((len(examples), len(ANSWERING))), np.zeros(len(examples), dtype=bool)
    for number in range(len(groups)):
        model = fit_selecting([e for e, m in zip(examples, member, strict=True) if m != number], variant)
        held = np.flatnonzero(member == number).tolist()
        figures[held], right[held] = chosen([examples[i] for i in held], variant, model)
    label, weight = labels(examples)
    confidence = np.zeros(len(examples))
    for number in range(len(groups)):
        train, held = member != number, member == number
        model = fit_answering(figures[train], label[train], weight[train])
        confidence[held] = [model.probability(f) for f in figures[held]]
    return Folded(figures, right, confidence)


def labels(examples: Sequence[Example]) -> tuple[Array, Array]:
    return np.array([float(e.answerable) for e in examples]), np.array([e.weight for e in examples])


# Report ---------------------------------------------------------------------------------------------------------------


def auroc(positive: Array, negative: Array) -> float:
    """Return the share of pairs in which the positive is higher; ties count half."""
    both = np.concatenate([positive, negative])
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n, m = len(positive), len(negative)
    return float((rank[:n].sum() - n * (n + 1) / 2) / (n * m)) if n and m else math.nan


def report(examples: Sequence[Example], folded: Folded) -> dict[str, float]:
    def pick(setting: str, domain: str = "squad") -> Array:
        return np.array([e.setting == setting and e.domain == domain for e in examples])

    yes, c, right = np.array([e.answerable for e in examples]), folded.confidence, folded.right
    given, retrieved, foreign = pick("given"), pick("retrieved"), pick("foreign")
    docs, docs_foreign = pick("retrieved", "docs"), pick("foreign", "docs")
    order = np.argsort(-c[given], kind="stable")
    risk = np.cumsum(~right[given][order]) / np.arange(1, given.sum() + 1)
    return {
        "given_sentence_accuracy": float(right[given & yes].mean()),
        "given_auroc": auroc(c[given & yes], c[given & ~yes]),
        "given_aurc": float(risk.mean()),
        **{f"given_risk_at_{f}": float(risk[int(len(risk) * f / 100) - 1]) for f in (10, 20, 50)},
        "retrieved_sentence_accuracy": float(right[retrieved & yes].mean()),
        "retrieved_auroc": auroc(c[retrieved & yes], c[retrieved & ~yes]),
        "foreign_auroc": auroc(c[retrieved & yes], c[foreign]),
        "docs_sentence_accuracy": float(right[docs & yes].mean()),
        "docs_foreign_auroc": auroc(c[docs & yes], c[docs_foreign]),
        "foreign_over_half": float((c[foreign] > 0.5).mean()),
        "answerable_over_half": float((c[retrieved & yes] > 0.5).mean()),
    }


def stored(selecting: Linear, answering: Linear, provenance: Mapping[str, Any]) -> str:
    def numbers(model: Linear, names: Sequence[str]) -> dict[str, Any]:
        return {
            "constant": round(model.constant, 5),
            "weights": {n: round(w, 5) + 0.0 for n, w in zip(names, model.weights, strict=True)},
        }

    value = {
        "provenance": provenance,
        "selecting": numbers(selecting, SELECTING),
        "answering": numbers(answering, ANSWERING),
    }
    return json.dumps(value, indent=1) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("squad", type=Path)
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="store the weights in the package")
    arguments = parser.parse_args()
    overlap = Linear(tuple(1.0 if n in ("overlap", "overlap_rare", "before") else 0.0 for n in SELECTING))
    seer = Seer(Trained(overlap, Linear(()), "", {}))
    began = time.time()
    strange = [(text, context) for text, context, _ in docs_chunks(arguments.docs)]
    examples = [
        *squad_examples(arguments.squad, seer, strange),
        *docs_examples(arguments.docs, arguments.squad, seer),
    ]
    print(f"{len(examples)} examples in {time.time() - began:.0f} s", file=sys.stderr)
    for variant in ("words", "minilm"):
        folded = crossed(examples, variant)
        figures = {k: round(v, 4) for k, v in report(examples, folded).items()}
        print(json.dumps({"variant": variant, **figures}, indent=1))
        selecting = fit_selecting(examples, variant)
        label, weight = labels(examples)
        model = fit_answering(folded.figures, label, weight)
        provenance = {
            "data": "SQuAD 2.0 (8 articles of the development set) and the anthropic-cookbook documentation questions",
            "licence": "SQuAD 2.0: CC BY-SA 4.0 (Rajpurkar et al. 2018); cookbook: MIT; no text of either is in this file",
            "questions": sum(e.setting == "given" for e in examples),
            "examples": len(examples),
            "data_digest": digest_bytes((arguments.squad / "questions.jsonl.gz").read_bytes()),
            "command": "python scripts/train_extractive.py SQUAD2 --docs DOCS_RAG --write",
            "seed": "none: the fit is convex and deterministic",
            "l2": {"selecting": SELECTING_L2, "answering": ANSWERING_L2},
            "cross_validation": figures,
        }
        if arguments.write:
            (WEIGHTS / f"{variant}.json").write_text(stored(selecting, model, provenance), encoding="utf-8")


if __name__ == "__main__":
    main()
