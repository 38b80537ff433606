"""Say in words why a sentence is not supported, and mark the words that are not."""

from __future__ import annotations

from groundwork.evaluation.groundedness.evidence import Evidence
from groundwork.evaluation.groundedness.figures import Sight
from groundwork.evaluation.groundedness.negation import COMPARING
from groundwork.evaluation.groundedness.numbers import Number
from groundwork.evaluation.groundedness.types import Kind, Part, PartKind

MAX_PARTS = 40
NAMED = 5
"""Words that a reason names."""
CLOSE = 0.5
"""Share of a sentence that its nearest sentence must cover before a negation or contrary word between them is the reason."""


def explain(claim: str, sight: Sight, evidence: Evidence, supported: bool) -> tuple[Kind, str, list[Part]]:
    """Return the main reason as a word and in words, and the unsupported parts with offsets into the sentence.

    The order of the reasons is that of their certainty: a field with another value, a number, a name, a negation, a contrary
    word, and words that are not there. Parts are also marked in a sentence that counts as supported.
    """
    parts = _parts(claim, sight)
    if not sight.claims:
        return "empty", "nothing is claimed", []
    if sight.clash is not None:
        clash = sight.clash
        parts.append(Part(clash.start, clash.end, claim[clash.start : clash.end], "field"))
        said = clash.missing or f"is {clash.field.says()}"
        return "field", f"field {clash.field.name} {said} in the passages", _sorted(parts)
    close = sight.figures["covered_sentence"] >= CLOSE
    if sight.turned is not None and close:
        word, other = sight.turned
        kind: PartKind = "comparison" if word.term in COMPARING else "polarity"
        parts.append(Part(word.start, word.end, word.surface, kind))
    if supported:
        return "supported", "supported", _sorted(parts)
    if sight.wrong:
        return "number", _number(claim, sight.wrong[0], evidence), _sorted(parts)
    lost = [w for w in sight.missing if w.term in sight.names]
    if lost:
        return "entity", f"entity {lost[0].surface} is not in the passages", _sorted(parts)
    if sight.altered == "number" and sight.elsewhere:
        return _elsewhere(claim, sight, parts)
    if sight.altered == "entity":
        unit = evidence.terms[sight.best] if sight.best is not None else frozenset()
        swapped = [w for w in sight.words if w.term in sight.names and w.term not in unit]
        if swapped:
            parts += [Part(w.start, w.end, w.surface, "entity") for w in swapped[:NAMED]]
            return (
                "entity",
                f"entity {swapped[0].surface} is not the one of the nearest sentence",
                _sorted(parts),
            )
    if close and sight.negated is not None:
        term, denies = sight.negated
        at = next((w for w in sight.words if w.term == term), None)
        shown = at.surface if at else term
        if at:
            parts.append(Part(at.start, at.end, shown, "polarity"))
        return (
            "polarity",
            f"{shown} is {'denied here' if denies else 'denied in the passages'}, not "
            + ("in the passages" if denies else "here"),
            _sorted(parts),
        )
    if close and sight.turned is not None:
        word, other = sight.turned
        sort: Kind = "comparison" if word.term in COMPARING else "polarity"
        return sort, f"{word.surface} where the passages say {other}", _sorted(parts)
    if sight.elsewhere:
        return _elsewhere(claim, sight, parts)
    away = [w for w in sight.astray if w.term in sight.names]
    if away:
        parts += [Part(w.start, w.end, w.surface, "entity") for w in away[:NAMED]]
        return (
            "entity",
            f"entity {away[0].surface} stands elsewhere in the passages, not with the rest",
            _sorted(parts),
        )
    gone = list(dict.fromkeys(w.surface for w in (*sight.missing, *sight.astray)))
    if not gone:
        return "unsupported", "the passages hold its words, but do not say this", _sorted(parts)
    shown = ", ".join(gone[:NAMED]) + (f" and {len(gone) - NAMED} more" if len(gone) > NAMED else "")
    if not parts:
        parts = [Part(w.start, w.end, w.surface, "word") for w in sight.astray]
    return "unsupported", f"unsupported words: {shown}", _sorted(parts)


def _elsewhere(claim: str, sight: Sight, parts: list[Part]) -> tuple[Kind, str, list[Part]]:
    number = sight.elsewhere[0]
    shown = claim[number.start : number.end]
    parts.append(Part(number.start, number.end, shown, "number"))
    return "number", f"number {shown} stands elsewhere in the passages, not with the rest", _sorted(parts)


def _parts(claim: str, sight: Sight) -> list[Part]:
    found = [Part(n.start, n.end, claim[n.start : n.end], "number") for n in sight.wrong]
    for word in sight.missing:
        sort: PartKind = "entity" if word.term in sight.names else "word"
        found.append(Part(word.start, word.end, word.surface, sort))
    return found


def _sorted(parts: list[Part]) -> list[Part]:
    unique = {(p.start, p.end): p for p in parts}
    return [unique[at] for at in sorted(unique)][:MAX_PARTS]


def _number(claim: str, number: Number, evidence: Evidence) -> str:
    shown = claim[number.start : number.end]
    if number.unit:
        for at, given in evidence.numbers:
            if given.value == number.value and given.unit and given.unit != number.unit:
                source = evidence.sources[at].text
                there = source[given.start : given.end]
                return f"number {shown} is in {number.unit}, the passages say {there} in {given.unit}"
    return f"number {shown} is not in the passages"
