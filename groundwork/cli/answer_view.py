"""How an answer, its replay and its explanation look on a terminal; pure layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from groundwork.app.money import usd
from groundwork.cli.bench_view import interval
from groundwork.cli.screen import Screen, cells, count, end_cut, middle_cut, moment, one_line

if TYPE_CHECKING:
    from groundwork.answers.calibration import Calibration
    from groundwork.answers.types import (
        Answer,
        Citation,
        Conversation,
        Deletion,
        Explanation,
        LiveReplay,
        Replay,
    )

RESULTS = ("identical", "same-set", "drifted", "redacted")
MEANING = {
    "identical": "the same answer from the same passages with equal scores",
    "same-set": "the same answer from the same passages, in another order or with other scores",
    "drifted": "something else came out",
    "redacted": "an erased document was part of it",
}
_MARKER = re.compile(r"\[\d+\]")


def answer(value: Answer, screen: Screen) -> list[str]:
    """Lay out an answer with its citations, or an abstention with its reason, and how to go on."""
    return body(value, screen) + _footer(value, screen)


def body(value: Answer, screen: Screen) -> list[str]:
    """Lay out what was answered and where it was taken from."""
    lines: list[str] = []
    if value.redacted:
        lines += [screen.amber("This answer is redacted: a document it was made from has been erased."), ""]
    if value.abstained:
        reason = one_line(value.reason) or "no reason was recorded"
        return [*lines, *screen.paragraph(f"{screen.amber('No answer:')} {reason}"), ""]
    for said in value.text.splitlines():
        lines += screen.paragraph(_painted(one_line(said), screen)) if said.strip() else [""]
    lines.append("")
    for number, cited in enumerate(value.citations, 1):
        lines += citation(number, cited, screen)
    for note in _notes(value):
        # The name of a model stays as it is.
        first = note[:1] if "/" in note.split(" ", 1)[0] else note[:1].upper()
        lines += screen.paragraph(screen.amber(f"{first}{note[1:]}."))
    return [*lines, ""] if _notes(value) else lines


def _notes(value: Answer) -> list[str]:
    """Return what a reader should know of how it was made: who stood in, what was left out."""
    notes = [one_line(note) for note in value.notes]
    if value.removed:
        number = count(len(value.removed), "sentence")
        notes.append(f"{number} of the model had no support in the passages and {_was(value)} left out")
    return notes


def _was(value: Answer) -> str:
    return "was" if len(value.removed) == 1 else "were"


def citation(number: int, cited: Citation, screen: Screen) -> list[str]:
    """Lay out one citation: where it stands, then the quote."""
    place = [p for p in (one_line(cited.page), one_line(cited.heading)) if p]
    head = f"{screen.teal(f'[{number}]')} {screen.bold(one_line(cited.document))}"
    lines = screen.paragraph(" · ".join([head, *place]), "    ", "")
    return [*lines, *screen.paragraph(f"“{one_line(cited.quote)}”", "    "), ""]


def answers(found: Sequence[Answer], screen: Screen) -> list[str]:
    """Lay out a list of answers, two lines each."""
    if not found:
        return ["There is no answer yet; ask something with `groundwork ask QUESTION`."]
    lines: list[str] = []
    for a in found:
        outcome = (
            "redacted" if a.redacted else "abstained" if a.abstained else count(len(a.citations), "citation")
        )
        lines.append(f"{screen.teal(a.id)}  {moment(a.created_at)}  {a.app}@{a.pins.snapshot[:7]}  {outcome}")
        lines.append(f"    {end_cut(one_line(a.question), screen.width - 4)}")
    return lines


def conversations(found: Sequence[Conversation], screen: Screen) -> list[str]:
    """Lay out a list of conversations, two lines each."""
    if not found:
        return ["There is no conversation yet; begin one with `groundwork ask QUESTION --conversation new`."]
    lines: list[str] = []
    for c in found:
        lines.append(f"{screen.teal(c.id)}  {moment(c.created_at)}  {c.app}  {count(c.turns, 'turn')}")
        lines.append(f"    {end_cut(one_line(c.question), screen.width - 4)}")
    return lines


def turns(found: Sequence[Answer], screen: Screen) -> list[str]:
    """Lay out the answers of a conversation, oldest first."""
    lines: list[str] = []
    for a in found:
        lines += screen.paragraph(screen.bold(one_line(a.question)))
        if a.standalone:
            lines += screen.paragraph(screen.soft(f"understood as: {one_line(a.standalone)}"))
        lines += [*body(a, screen), screen.soft(a.id), ""]
    return lines[:-1]


def live(value: LiveReplay, screen: Screen) -> list[str]:
    """Lay out how far the models agree with what they said."""
    figures = [
        ["same text", interval(asdict(value.same_text))],
        ["same citations", interval(asdict(value.same_citations))],
        ["answers or declines alike", interval(asdict(value.same_abstention))],
        ["words in common (token F1)", interval(asdict(value.token_f1))],
        ["longest common sequence (ROUGE-L)", interval(asdict(value.rouge_l))],
        ["cited text in common", interval(asdict(value.citation_overlap))],
    ]
    lines = screen.table(["agreement with the record", "[95 % interval]"], figures)
    served = ", ".join(sorted({r.served_by for r in value.runs if r.served_by})) or "nobody answered"
    lines += [
        "",
        screen.soft(f"{value.id}: {count(len(value.runs), 'run')}, {served}, {usd(value.cost_usd)}"),
    ]
    for run in value.runs:
        if run.error:
            lines += screen.paragraph(screen.amber(one_line(run.error)))
    other = next((r for r in value.runs if not r.error and not r.same_text), None)
    if other is not None:
        lines += ["", *screen.paragraph(f"for example: {one_line(other.text) or 'no answer'}", "  ", "")]
    return lines


def replay(value: Replay, screen: Screen) -> list[str]:
    """Lay out one replay with every difference."""
    lines = screen.paragraph(
        f"{value.id}: {_result(value.result, screen)} — {MEANING[value.result]}", "  ", ""
    )
    for d in value.differences:
        lines += [f"  {d.what}", *screen.paragraph(one_line(d.was), "         ", "    was  ")]
        lines += screen.paragraph(one_line(d.now), "         ", "    now  ")
    return lines


def replays(values: Sequence[Replay], screen: Screen) -> list[str]:
    """Lay out several replays: those that are not identical, then the counts."""
    counts: Counter[str] = Counter(v.result for v in values)
    odd = [v for v in values if v.result != "identical"]
    rows = [[v.id, v.result, end_cut(", ".join(d.what for d in v.differences), 36)] for v in odd]
    lines = [*screen.table(["answer", "result", "differs in"], rows), ""] if rows else []
    total = count(len(values), "answer")
    return [*lines, f"{total}: " + ", ".join(f"{counts[name]:,} {name}" for name in RESULTS)]


def explanation(value: Explanation, screen: Screen) -> list[str]:
    """Lay out why an answer came out as it did."""
    a = value.answer
    said = f"No answer: {a.reason}" if a.abstained else a.text
    indent = " " * 10
    lines = [
        *screen.paragraph(one_line(a.question), indent, f"{screen.soft('question')}  "),
        *screen.paragraph(_painted(one_line(said), screen), indent, f"{screen.soft('answer')}    "),
        "",
    ]
    for sentence in value.sentences:
        lines += screen.paragraph(f"- {one_line(sentence)}", "  ", "")
    if value.checks:
        lines += ["", *_checks(value.checks, screen)]
    if value.passages:
        lines += ["", *_passages(value.passages, screen)]
    if value.deletions:
        lines += ["", screen.bold("Without each cited passage")]
        for deletion in value.deletions:
            lines += _deletion(deletion, screen)
    return [*lines, "", *(screen.soft(line) for line in screen.paragraph(_pins(a), "  ", ""))]


def calibration(value: Calibration, screen: Screen) -> list[str]:
    """Lay out what a calibration promises, and the figures behind it."""
    figures = [
        ["answered", interval(asdict(value.coverage))],
        ["wrong among the answered", interval(asdict(value.risk))],
        ["rightly left unanswered", interval(asdict(value.abstains_rightly))],
    ]
    lines = screen.paragraph(value.sentence)
    if value.threshold is not None:
        lines += ["", *screen.table(["share of questions", "[95 % interval]"], figures)]
    counts = f"n = {value.n:,}, of which {value.n_unanswerable:,} without an answer"
    return [*lines, "", screen.soft(f"{value.app}: {counts}; {value.id[:11]}")]


def plain(value: Any) -> dict[str, Any]:
    """Return a record as a JSON-compatible mapping."""
    if hasattr(value, "as_dict"):
        return dict(value.as_dict())
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else dict(value)


def _footer(value: Answer, screen: Screen) -> list[str]:
    state = "" if value.calibration else ", uncalibrated: nothing is promised yet"
    lines = [
        f"confidence {value.confidence:.2f}, threshold {value.threshold:.2f}{state}",
        f"{value.app}@{value.pins.snapshot[:7]}, {_written_by(value)}{value.id}",
        "next: groundwork replay last, groundwork explain last",
    ]
    return [screen.soft(line) for line in lines]


def _written_by(value: Answer) -> str:
    """Return who wrote an answer that models were asked for."""
    return f"{one_line(value.served_by)}, " if value.exchanges else ""


def _pins(value: Answer) -> str:
    name, _, digest = value.pins.model.partition("@")
    model = f"{name}@{digest[:7]}" if digest else name
    return (
        f"{value.id}: snapshot {value.pins.snapshot[:7]}, model {model}, settings {value.pins.settings[:7]}"
    )


def _painted(text: str, screen: Screen) -> str:
    return _MARKER.sub(lambda m: screen.teal(m.group()), text)


def _result(result: str, screen: Screen) -> str:
    return screen.green(result) if result == "identical" else screen.amber(result)


def _checks(checks: Sequence[Mapping[str, Any]], screen: Screen) -> list[str]:
    rows = [
        [
            str(c.get("name", "")),
            _number(c.get("value")),
            _number(c.get("threshold")),
            "passed" if c.get("passed") else "not passed",
        ]
        for c in checks
    ]
    return screen.table(["check", "value", "threshold", ""], rows, "<>><")


def _passages(passages: Sequence[Mapping[str, Any]], screen: Screen) -> list[str]:
    lines = [screen.bold("Passages by score, and what brought them")]
    for p in passages:
        mark = screen.teal("cited") if p.get("cited") else "     "
        place = middle_cut(f"{one_line(str(p['document']))}:{p['start']}", screen.width - 20)
        gap = " " * (screen.width - 20 - cells(place))
        lines.append(f"{p['rank']:>3}  {mark}  {place}{gap}{p['score']:>8.3f}")
        legs = [f"{name} #{leg['rank']} ({leg['score']:.3f})" for name, leg in p.get("legs", {}).items()]
        lines += [screen.soft(line) for line in screen.paragraph(", ".join(legs), " " * 12)] if legs else []
    return lines


def _deletion(deletion: Deletion, screen: Screen) -> list[str]:
    if not deletion.changed:
        result = "the answer would be the same"
    elif deletion.abstained:
        result = f"there would be no answer (confidence {deletion.confidence:.2f})"
    else:
        result = f"it would be: {end_cut(one_line(deletion.text), 240)}"
    return screen.paragraph(f"{one_line(deletion.document)}: {result}", "    ", "  ")


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)
