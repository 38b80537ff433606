"""Figures of one sentence before its passages, all from words: what is covered, what is new, and what was turned around."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from groundwork.answers.reading.rarity import background
from groundwork.answers.reading.terms import STOP_WORDS, Token, is_unspaced, tokens, wordset
from groundwork.evaluation.groundedness.evidence import COUNTING, Evidence
from groundwork.evaluation.groundedness.fields import Clash, Field, clash
from groundwork.evaluation.groundedness.negation import contraries, negated
from groundwork.evaluation.groundedness.numbers import Number, agrees, numbers

MAX_CLAIM_CHARS = 4_000
MAX_CLAIM_TOKENS = 300
NUMBER_WEIGHT = 5.0
"""What a number counts against words, whose weight is their rarity (about 2 to 8)."""

Altered = Literal["number", "entity", "polarity", "contrary"]
CLOSE = 0.7
"""Share of its words, in their order, from which a sentence counts as a copy of the nearest one."""
CLOSE_WORDS = 4

RARE = 7.0
"""A capitalised first word that is rarer than this counts as a name."""

FIGURES = (
    "covered_sentence", "covered_window", "covered_three", "third", "covered_all", "second", "local",
    "missing_all", "missing_window", "rarest_missing", "numbers_all", "numbers_window", "number_local",
    "names_all", "names_window", "name_local", "new_words", "new_small_words", "run_length", "copied", "pairs_all",
    "pairs_sentence", "pairs_near", "pairs_order", "order", "in_order", "in_order_telling", "negation_added",
    "negation_lost", "contrary", "length", "sentence_length",
)  # fmt: skip
MORE_IS_BETTER = wordset(
    """covered_sentence covered_window covered_three covered_all second local number_local name_local run_length copied
    pairs_all pairs_sentence pairs_near pairs_order order in_order in_order_telling similarity"""
)
EITHER_WAY = frozenset(("third", "sentence_length"))

NONE = (0.0, 0.0, 0.0)

Atom = str | int
"""A term, or the place of a number among the numbers of the sentence."""


@dataclass(frozen=True)
class Sight:
    """A sentence held against passages.

    Attributes:
        figures: by the names of `FIGURES`.
        best: the unit that covers most of it; None without any shared word.
        shared: how much each unit covers. window: it with its neighbours, best three.
        missing: words that no passage holds. astray: words that some passage holds, but not the window.
        wrong: numbers no passage holds. elsewhere: numbers held, but not in the window.
        turned: a word and the contrary word of the window that stands in its place.
        clash, agreed: the field that it contradicts, and the one whose value it gives, all its words being known.
        altered: what was changed in a sentence that else keeps to one sentence of the passages.
        negated: a telling word that is denied on one side only, and whether the sentence is the one that denies it.
    """

    words: tuple[Token, ...]
    figures: Mapping[str, float]
    best: int | None
    shared: Mapping[int, float]
    window: tuple[int, ...]
    missing: tuple[Token, ...]
    astray: tuple[Token, ...]
    names: frozenset[str]
    wrong: tuple[Number, ...]
    elsewhere: tuple[Number, ...]
    turned: tuple[Token, str] | None
    negated: tuple[str, bool] | None
    clash: Clash | None
    altered: Altered | None
    agreed: Field | None

    @property
    def claims(self) -> bool:
        """Whether it says anything: it has a telling word or a number."""
        return bool(self.missing or self.astray or self.wrong or self.elsewhere or self.best is not None)


def weight(term: str) -> float:
    """Return how telling a term is; a pair of characters of an unspaced script counts as half a word."""
    return 3.0 if is_unspaced(term[0]) else background(term)


def look(claim: str, evidence: Evidence) -> Sight:
    """Return the figures of a sentence; linear in it and in the places of its words in the evidence."""
    claim = claim[:MAX_CLAIM_CHARS]
    words = tokens(claim, MAX_CLAIM_TOKENS)[:MAX_CLAIM_TOKENS]
    found = numbers(claim, spelled=not COUNTING.isdisjoint(w.term for w in words))[:60]
    spans = [(n.start, n.end) for n in found]
    plain = [
        w
        for w in words
        if w.term not in STOP_WORDS and not w.number and not any(s <= w.start < e for s, e in spans)
    ]
    terms = list(dict.fromkeys(w.term for w in plain))
    first = words[0].start if words else 0
    names = frozenset(
        w.term
        for w in plain
        if w.name
        and (w.start > first or w.surface[1:] != w.surface[1:].lower() or background(w.term) >= RARE)
    )
    atoms: list[Atom] = [*terms, *range(len(found))]
    where: dict[Atom, dict[int, float]] = {t: evidence.match(t) for t in terms}
    for place, number in enumerate(found):
        where[place] = evidence.agreeing(number)
    raw = {a: NUMBER_WEIGHT if isinstance(a, int) else weight(a) for a in atoms}
    total = sum(raw.values()) or 1.0
    weights = {a: w / total for a, w in raw.items()}

    alone: defaultdict[int, float] = defaultdict(float)
    for a in atoms:
        for at, match in where[a].items():
            alone[at] += weights[a] * match
    best = max(alone, key=lambda i: (round(alone[i], 9), evidence.sources[i].text)) if alone else None
    windows = _windows(evidence, atoms, where, weights)
    begin = max(windows, key=lambda i: (round(windows[i], 9), evidence.sources[i].text)) if windows else None
    window = tuple(evidence.window(begin)) if begin is not None else ()
    reach: dict[int, float] = {}
    for at, value in windows.items():
        for i in (at, at + 1, at + 2):
            if reach.get(i, 0.0) < value:
                reach[i] = value
    here = dict.fromkeys(atoms, 0.0)
    anywhere, local = here.copy(), here.copy()
    for a in atoms:
        units = where[a]
        if units:
            anywhere[a] = max(units.values())
            local[a] = max(map(reach.__getitem__, units))
            here[a] = max(map(units.get, window, NONE))

    gone = [t for t in terms if anywhere[t] == 0.0]
    far = [t for t in terms if here[t] == 0.0]
    gains = _gains(evidence, atoms, where, weights, alone)
    sequence = [w.term for w in words]
    held = [term for i in window for term in evidence.sequences[i]]
    held_set = frozenset(held)
    telling = [w.term for w in plain]
    near = set(telling)
    denied = negated((w.surface, w.term) for w in words)
    denied_there = frozenset[str]().union(*(evidence.denied(i) for i in window))
    denied_best = evidence.denied(best) if best is not None else frozenset()
    added = sorted(t for t in denied if t not in denied_there)
    lost = sorted(t for t in denied_best if t in weights and t not in denied)
    turned = _turned(
        words,
        far,
        zip(evidence.sequences[best], evidence.surfaces[best], strict=True) if best is not None else (),
    )
    altered = None
    if best is not None and len(words) >= CLOSE_WORDS and alone[best] >= CLOSE / 2:
        altered = _altered(words, evidence, best, names, found, where, bool(added), bool(lost))
    segments, copied = _runs(sequence, evidence.places)
    couples = list(pairwise(telling))
    together = _together(couples, where, anywhere, weights)
    small = [w.term for w in words if w.term in STOP_WORDS]
    length = max(1, len(sequence))
    ranked = sorted(alone.values(), reverse=True)
    wrong = [p for p in range(len(found)) if anywhere[p] == 0.0]
    strayed = [p for p in range(len(found)) if here[p] == 0.0]
    figures = {
        "covered_sentence": ranked[0] if ranked else 0.0,
        "covered_window": max(windows.values(), default=0.0),
        "covered_three": sum(gains),
        "third": gains[2],
        "covered_all": sum(weights[a] * anywhere[a] for a in atoms),
        "second": ranked[1] if len(ranked) > 1 else 0.0,
        "local": sum(weights[a] * local[a] for a in atoms),
        "missing_all": math.log1p(len(gone)),
        "missing_window": math.log1p(len(far)),
        "rarest_missing": max((raw[t] for t in gone), default=0.0) / 8.0,
        "numbers_all": math.log1p(len(wrong)),
        "numbers_window": math.log1p(len(strayed)),
        "number_local": min((local[p] for p in range(len(found))), default=1.0),
        "names_all": math.log1p(sum(1 for t in names if anywhere[t] == 0.0)),
        "names_window": math.log1p(sum(1 for t in names if here[t] == 0.0)),
        "name_local": min((local[t] for t in names), default=1.0),
        "new_words": sum(1 for s in segments if s == 0) / length,
        "new_small_words": sum(1 for t in small if t not in held_set) / max(1, len(small)),
        "run_length": math.log(length / max(1, len(segments))),
        "copied": copied / length,
        "pairs_all": _share(pairwise(sequence), evidence.pairs, anywhere, weights),
        "pairs_sentence": together[0],
        "pairs_near": together[1],
        "pairs_order": _share(couples, evidence.near_pairs, anywhere, weights),
        "order": _order(terms, evidence.sequences[best]) if best is not None else 0.0,
        "in_order": _in_order(sequence, held) / length,
        "in_order_telling": _in_order(telling, [t for t in held if t in near]) / max(1, len(telling)),
        "negation_added": float(bool(denied) and not denied & denied_there),
        "negation_lost": float(bool(lost)),
        "contrary": float(turned is not None),
        "length": math.log1p(len(words)),
        "sentence_length": math.log1p(len(evidence.sequences[best])) if best is not None else 0.0,
    }
    against, agreed = clash(words, found, evidence.fields) if evidence.fields else (None, None)
    return Sight(
        words=tuple(words),
        figures=figures,
        best=best,
        shared=alone,
        window=window,
        missing=tuple(w for w in plain if anywhere[w.term] == 0.0),
        astray=tuple(w for w in plain if anywhere[w.term] > 0.0 and here[w.term] == 0.0),
        names=names,
        wrong=tuple(found[p] for p in wrong),
        elsewhere=tuple(found[p] for p in strayed if p not in wrong),
        turned=turned,
        negated=(added[0], True)
        if figures["negation_added"] and added
        else (lost[0], False)
        if lost
        else None,
        altered=altered,
        clash=against,
        agreed=agreed if agreed is not None and not gone and not wrong else None,
    )


def _windows(
    evidence: Evidence,
    atoms: Sequence[Atom],
    where: Mapping[Atom, Mapping[int, float]],
    weights: Mapping[Atom, float],
) -> dict[int, float]:
    """Return how far each window of three units that holds a word covers the sentence, by its first unit."""
    found: defaultdict[int, float] = defaultdict(float)
    owners = evidence.owners
    for a in atoms:
        best: dict[int, float] = {}
        for at, match in where[a].items():
            for begin in (at - 2, at - 1, at):
                if begin >= 0 and owners[begin] == owners[at] and best.get(begin, 0.0) < match:
                    best[begin] = match
        for begin, match in best.items():
            found[begin] += weights[a] * match
    return found


def _gains(
    evidence: Evidence,
    atoms: Sequence[Atom],
    where: Mapping[Atom, Mapping[int, float]],
    weights: Mapping[Atom, float],
    alone: Mapping[int, float],
) -> list[float]:
    """Return what each of three units, chosen greedily, adds to the cover."""
    cover = dict.fromkeys(atoms, 0.0)
    ranking = sorted(alone, key=lambda i: (-round(alone[i], 9), evidence.sources[i].text))[:100]
    by_unit: defaultdict[int, list[tuple[Atom, float, float]]] = defaultdict(list)
    for a in atoms:
        for at, match in where[a].items():
            by_unit[at].append((a, weights[a], match))
    gains: list[float] = []
    for _ in range(3):
        chosen, most = None, 1e-9
        for at in ranking:
            if alone[at] <= most:
                break
            gain = 0.0
            for a, share, match in by_unit[at]:
                more = match - cover[a]
                if more > 0.0:
                    gain += share * more
            if gain > most + 1e-9:
                chosen, most = at, gain
        if chosen is None:
            gains.append(0.0)
            continue
        gains.append(most)
        cover = {a: max(cover[a], where[a].get(chosen, 0.0)) for a in atoms}
    return gains


def _share(
    pairs: Iterable[tuple[str, str]],
    held: frozenset[tuple[str, str]],
    anywhere: Mapping[Atom, float],
    weights: Mapping[Atom, float],
) -> float:
    listed = list(pairs)
    if not listed:
        return sum(weights[a] * anywhere[a] for a in weights)
    return sum(1 for pair in listed if pair in held) / len(listed)


def _together(
    couples: Sequence[tuple[str, str]],
    where: Mapping[Atom, Mapping[int, float]],
    anywhere: Mapping[Atom, float],
    weights: Mapping[Atom, float],
) -> tuple[float, float]:
    """Return the share of neighbouring telling words that stand in one unit, and in one or neighbouring units."""
    if not couples:
        covered = sum(weights[a] * anywhere[a] for a in weights)
        return covered, covered
    met: dict[tuple[str, str], tuple[bool, bool]] = {}
    for couple in couples:
        if couple not in met:
            fewer, more = where[couple[0]], where[couple[1]]
            if len(more) < len(fewer):
                fewer, more = more, fewer
            same = not fewer.keys().isdisjoint(more)
            met[couple] = same, same or any(at - 1 in more or at + 1 in more for at in fewer)
    return sum(met[c][0] for c in couples) / len(couples), sum(met[c][1] for c in couples) / len(couples)


def _runs(sequence: Sequence[str], places: Mapping[str, Sequence[int]]) -> tuple[list[int], int]:
    """Cut a sentence into the fewest runs that stand in the evidence word for word; 0 is a word that does not at all.

    Returns the lengths of the runs, and how many words lie in a run of three or more.
    """
    longest: list[int] = []
    runs: dict[int, int] = {}
    for term in sequence:
        before = runs.get
        runs = {at: before(at - 1, 0) + 1 for at in places.get(term, ())}
        longest.append(max(runs.values()) if runs else 0)
    segments: list[int] = []
    at = len(sequence) - 1
    while at >= 0:
        segments.append(longest[at])
        at -= max(1, longest[at])
    covered = bytearray(len(sequence))
    for end, run in enumerate(longest):
        if run >= 3:
            covered[end - run + 1 : end + 1] = b"\x01" * run
    return segments, sum(covered)


def _order(terms: Sequence[str], unit: Sequence[str]) -> float:
    """Return the share of neighbouring shared terms that stand in the same order in a unit; one half when one is shared."""
    first = {term: at for at, term in reversed(list(enumerate(unit)))}
    shared = [first[t] for t in terms if t in first]
    return sum(1 for a, b in pairwise(shared) if a < b) / (len(shared) - 1) if len(shared) > 1 else 0.5


def _in_order(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Source: Hyyrö, Bit-parallel LCS-length computation revisited (2004).
    """
    masks: dict[str, int] = {}
    for at, term in enumerate(one):
        masks[term] = masks.get(term, 0) | 1 << at
    full = (1 << len(one)) - 1
    row = full
    for term in other:
        if term in masks:
            met = row & masks[term]
            row = ((row + met) | (row - met)) & full
    return len(one) - row.bit_count()


def _turned(
    words: Sequence[Token], far: Sequence[str], unit: Iterable[tuple[str, str]]
) -> tuple[Token, str] | None:
    """Return a word that the nearest unit lacks while it holds its contrary."""
    held = dict(unit)
    away = set(far)
    for word in words:
        term = word.term
        if term in held or word.number or (term not in away and term not in STOP_WORDS):
            continue
        for other in contraries(term):
            if other in held:
                return word, held[other]
    return None


def _altered(
    words: Sequence[Token],
    evidence: Evidence,
    best: int,
    names: frozenset[str],
    found: Sequence[Number],
    where: Mapping[Atom, Mapping[int, float]],
    added: bool,
    lost: bool,
) -> Altered | None:
    """Return what was changed in a near copy of a unit: a number, a name for another name, a negation, a contrary word.

    A name that stands where the unit has a pronoun is no change.
    """
    unit = evidence.sequences[best]
    said = [w.term for w in words]
    if _in_order(said, unit) < CLOSE * len(said):
        return None
    if _replaced([n for at, n in enumerate(found) if best not in where[at]], found, evidence, best):
        return "number"
    held = frozenset(unit)
    strange = [t for t in names if best not in where[t]]
    if strange and any(
        surface[:1].isupper()
        and term not in STOP_WORDS
        and term not in said
        and (at or background(term) >= RARE)
        for at, (surface, term) in enumerate(zip(evidence.surfaces[best], unit, strict=True))
    ):
        return "entity"
    if added or lost:
        return "polarity"
    for word in words:
        if word.term not in held and any(other in held for other in contraries(word.term)):
            return "contrary"
    return None


def _replaced(strange: Sequence[Number], found: Sequence[Number], evidence: Evidence, best: int) -> bool:
    """Whether a unit has, for a number that it lacks, another one of the same sort which the sentence does not have."""
    free = [
        given
        for at, given in evidence.numbers
        if at == best and not any(agrees(claimed, given) for claimed in found)
    ]
    return any(claimed.sort == given.sort for claimed in strange for given in free)
