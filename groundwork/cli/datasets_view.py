"""How datasets look on a terminal; pure layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.cli.screen import Screen, count, end_cut, moment, one_line, visible

if TYPE_CHECKING:
    from groundwork.datasets.checking import Check
    from groundwork.datasets.diff import DatasetDiff
    from groundwork.datasets.importing import Reading
    from groundwork.datasets.types import Candidate, DatasetVersion, Example

SHOWN = 10
EMPTY = "There is no dataset yet. Bring one in with `groundwork dataset import FILE`."


def datasets(found: Sequence[DatasetVersion], waiting: Mapping[str, int], screen: Screen) -> list[str]:
    """Lay out the datasets, one line each."""
    rows = [
        [
            v.ref,
            f"{v.examples:,}",
            _splits(v.summary),
            str(waiting.get(v.name, 0) or "–"),
            moment(v.created_at),
            one_line(v.note),
        ]
        for v in found
    ]
    fresh = [name for name in waiting if name not in {v.name for v in found}]
    rows += [[name, "–", "no version yet", str(waiting[name]), "", ""] for name in fresh]
    if not rows:
        return [EMPTY]
    head = ["dataset", "examples", "splits", "to review", "made (UTC)", "note"]
    return screen.table(head, rows, "<><><<", stretch=5)


def version(found: DatasetVersion, looks: int, erased: int, screen: Screen) -> list[str]:
    """Lay out what a version holds and what was found in it."""
    s = found.summary
    lines = [
        f"{screen.bold(found.ref)} {screen.teal(found.digest[:12])} "
        f"{screen.soft(f'{moment(found.created_at)} by {one_line(found.created_by)}')}"
    ]
    lines += screen.paragraph(one_line(found.note)) if found.note else []
    lines += ["", f"  {count(found.examples, 'example')}: {_splits(s)}"]
    lines.append(
        f"  {count(int(s.get('clusters', 0)), 'cluster')}, the largest of {int(s.get('largest_cluster', 0)):,}"
    )
    if s.get("impossible"):
        lines.append(f"  {s['impossible']:,} have no answer")
    if s.get("without_reference"):
        lines.append(f"  {s['without_reference']:,} without a reference")
    for name in ("tags", "licences"):
        if s.get(name):
            words = ", ".join(f"{one_line(k)} {n:,}" for k, n in s[name].items())
            lines += screen.paragraph(f"{name}: {words}", "    ", "  ")
    if s.get("splits", {}).get("holdout"):
        lines.append(f"  the holdout was looked at in {count(looks, 'evaluation')}")
    if found.redacted:
        lines.append(screen.amber(f"  {count(erased, 'example')} of it erased with their documents"))
    return [*lines, "", *_found(s, found.ref, screen)]


def versions(found: Sequence[DatasetVersion], screen: Screen) -> list[str]:
    """Lay out versions, newest first."""
    rows = [
        [
            v.ref,
            v.digest[:12],
            f"{v.examples:,}",
            moment(v.created_at),
            one_line(v.created_by),
            one_line(v.note) + (" (redacted)" if v.redacted else ""),
        ]
        for v in found
    ]
    head = ["version", "digest", "examples", "made (UTC)", "by", "note"]
    return screen.table(head, rows, "<<><<<", stretch=5)


def examples(
    found: Sequence[Example], version: DatasetVersion, offset: int, filtered: bool, screen: Screen
) -> list[str]:
    """Lay out examples, one line each."""
    if not found:
        return [f"No example of {version.ref} is such."]
    rows = [
        [
            end_cut(one_line(x.id), 30),
            x.split,
            end_cut(one_line(x.question or text(x.input)), 60),
            end_cut(one_line(expected(x)), 24),
        ]
        for x in found
    ]
    lines = screen.table(["id", "split", "input", "expected"], rows, stretch=2)
    last = offset + len(found)
    if last < version.examples and not filtered:
        lines.append(
            screen.soft(f"{offset + 1:,} to {last:,} of {version.examples:,}; go on with --offset {last}")
        )
    return lines


def example(one: Example, screen: Screen) -> list[str]:
    """Lay out one example in full."""
    lines = [f"{screen.bold(one_line(one.id))} {screen.soft(one.split)}", "", screen.teal("input:")]
    lines += visible(text(one.input)).split("\n")
    lines += ["", screen.teal("expected:"), *visible(expected(one) or "–").split("\n")]
    for name in ("context", "relevant", "tools", "metadata"):
        value = getattr(one, name)
        if value:
            lines += ["", screen.teal(f"{name}:"), *visible(text(_plain(value))).split("\n")]
    for name in ("cluster", "tags", "licence"):
        value = getattr(one, name)
        if value:
            lines.append(f"{name}: {one_line(', '.join(value) if isinstance(value, tuple) else value)}")
    o = one.origin
    came = " ".join(x for x in (o.kind, o.answer_id, o.trace_id[:12], o.feedback_id, o.source) if x)
    return [*lines, *([f"from: {one_line(came)}"] if came else [])]


def imported(reading: Reading, made: DatasetVersion, screen: Screen) -> list[str]:
    """Say what an import made."""
    lines = [
        f"{screen.green(made.ref)} {made.digest[:12]}: {count(made.examples, 'example')} ({_splits(made.summary)})"
    ]
    lines += _left(reading, screen)
    return [*lines, *_found(made.summary, made.ref, screen)]


def dry(reading: Reading, found: Sequence[Example], screen: Screen) -> list[str]:
    """Say what an import would make."""
    lines = [
        f"{reading.name} is {reading.format}: {count(len(found), 'example')} would come; nothing was stored."
    ]
    lines += _left(reading, screen)
    for one in found[:3]:
        lines += ["", *example(one, screen)]
    return lines


def changed(made: DatasetVersion, what: str, screen: Screen) -> list[str]:
    """Say which version a change made."""
    return [
        f"{screen.green(made.ref)} {made.digest[:12]}: {one_line(what)}, {count(made.examples, 'example')} now.",
        *_warnings(made.summary, screen),
    ]


def split(made: DatasetVersion, screen: Screen) -> list[str]:
    """Say how the examples were dealt."""
    return [
        f"{screen.green(made.ref)} {made.digest[:12]}: {_splits(made.summary)}",
        *_found(made.summary, made.ref, screen),
    ]


def diff(found: DatasetDiff, screen: Screen) -> list[str]:
    """Lay out what differs."""
    lines = [f"{found.old.ref} → {found.new.ref}"]
    if found.same:
        return [*lines, "no difference"]
    lines.append(
        f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.changed):,} changed, "
        f"{found.unchanged:,} as they were{', in another order' if found.reordered else ''}"
    )
    for sign, paint, some in (("+", screen.green, found.added), ("-", screen.red, found.removed)):
        lines += [
            paint(end_cut(f"{sign} {one_line(x.id)}: {one_line(x.question or text(x.input))}", screen.width))
            for x in some[:SHOWN]
        ]
        if len(some) > SHOWN:
            lines.append(screen.soft(f"  and {len(some) - SHOWN:,} more"))
    for c in found.changed[:SHOWN]:
        lines.append(f"~ {one_line(c.id)}")
        for f in c.fields:
            was, now = (one_line(text(v)) if v is not None else "none" for v in (f.was, f.now))
            lines += [
                f"    {f.name}:",
                screen.red(f"    - {end_cut(was, 90)}"),
                screen.green(f"    + {end_cut(now, 90)}"),
            ]
    if len(found.changed) > SHOWN:
        lines.append(screen.soft(f"  and {len(found.changed) - SHOWN:,} more; `--json` gives all"))
    return lines


def check(version: DatasetVersion, found: Check, screen: Screen) -> list[str]:
    """Lay out duplicates, leaks and personal data; values are never shown."""
    lines = [f"{screen.bold(version.ref)}: {count(found.examples, 'example')}"]
    exact = sum(g.exact for g in found.duplicates)
    lines.append(
        f"duplicates: {count(exact, 'group')} of equal ones, {count(len(found.duplicates) - exact, 'group')} of near ones"
    )
    lines += [
        f"  {g.similarity:.2f}  {end_cut(one_line(', '.join(g.ids)), screen.width - 8)}"
        for g in found.duplicates[:SHOWN]
    ]
    lines.append(
        screen.green("leaks between splits: none")
        if found.passed
        else screen.red(f"leaks between splits: {len(found.leaks):,}")
    )
    for leak in found.leaks[:SHOWN]:
        what = f"cluster {one_line(leak.cluster)}" if leak.kind == "cluster" else leak.kind
        lines.append(
            end_cut(f"  {what}, {' and '.join(leak.splits)}: {one_line(', '.join(leak.ids))}", screen.width)
        )
    lines.append(f"personal data and secrets: in {count(len(found.personal), 'example')}")
    for finding in found.personal[:SHOWN]:
        kinds = ", ".join(f"{k} {n}" for k, n in finding.kinds.items())
        lines.append(end_cut(f"  {one_line(finding.id)}: {kinds}", screen.width))
    if any(len(x) > SHOWN for x in (found.duplicates, found.leaks, found.personal)):
        lines.append(screen.soft("`--json` gives all"))
    return lines


def proposed(name: str, found: Sequence[Candidate], empty: int, screen: Screen) -> list[str]:
    """Say what was proposed, or was already."""
    lines = candidates(found, screen) if found else ["Nothing could be proposed."]
    if empty:
        lines.append(f"{empty:,} had nothing to give: no input is kept of them.")
    return [
        *lines,
        screen.soft(
            f"Decide with `groundwork dataset accept CANDIDATE`, then `groundwork dataset publish {name}`."
        ),
    ]


def candidates(found: Sequence[Candidate], screen: Screen) -> list[str]:
    """Lay out candidates, one line each."""
    if not found:
        return ["Nothing waits for a decision. Propose with `groundwork dataset propose NAME ANSWER`."]
    rows = [
        [
            c.id,
            c.dataset,
            c.state,
            end_cut(one_line(c.example.question or text(c.example.input)), 50),
            end_cut(one_line(expected(c.example)), 30),
        ]
        for c in found
    ]
    return screen.table(["candidate", "dataset", "state", "input", "expected"], rows, stretch=3)


def decided(found: Sequence[Candidate], made: Sequence[DatasetVersion], screen: Screen) -> list[str]:
    """Say what was decided and which versions it made."""
    lines = [f"{c.id} is {c.state}." for c in found]
    lines += [f"{screen.green(v.ref)} {v.digest[:12]}: {count(v.examples, 'example')}" for v in made]
    open_ = list(dict.fromkeys(c.dataset for c in found if c.state == "accepted"))
    if not made:
        lines += [screen.soft(f"`groundwork dataset publish {n}` makes the next version.") for n in open_]
    return lines


def deleted(what: str, versions: int, done: bool, screen: Screen) -> list[str]:
    """Say what went, or would."""
    n = count(versions, "version")
    return [f"{what} is gone: {n}."] if done else [f"{what} would go: {n}. Say --yes to do it."]


def text(value: Any) -> str:
    """Return an input or expected value as text: messages below their roles, other objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(m, Mapping) and "role" in m for m in value):
        return "\n".join(f"{m['role']}: {m.get('content', '')}" for m in value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def expected(one: Example) -> str:
    """Return what is expected as text."""
    if one.impossible:
        return "(decline)"
    return " | ".join(one.references)


def _left(reading: Reading, screen: Screen) -> list[str]:
    lines = []
    if reading.faults:
        lines.append(screen.amber(f"{count(len(reading.faults), 'bad line')} left out:"))
        lines += [
            line
            for f in reading.faults[:SHOWN]
            for line in screen.paragraph(f"line {f.line}: {one_line(f.message)}", "    ", "  ")
        ]
    for note, n in reading.notes.items():
        lines += screen.paragraph(f"{one_line(note)} ({n:,} times)", "    ", "  ")
    return lines


def _found(summary: Mapping[str, Any], ref: str, screen: Screen) -> list[str]:
    if "duplicates" not in summary:
        return [screen.soft(f"Not looked over yet: `groundwork dataset check {ref}`.")]
    lines = _warnings(summary, screen)
    return lines or [screen.green("no duplicates, no leaks between splits, no personal data found")]


def _warnings(summary: Mapping[str, Any], screen: Screen) -> list[str]:
    lines = []
    duplicates, leaks, personal = (summary.get(k, {}) for k in ("duplicates", "leaks", "personal"))
    exact, near = duplicates.get("exact", 0), duplicates.get("near", 0)
    if exact or near:
        lines.append(screen.amber(f"duplicates: {exact:,} equal, {near:,} near groups"))
    sides = {k: leaks.get(k, 0) for k in ("exact", "near", "cluster")}
    if any(sides.values()):
        lines.append(
            screen.red(f"leaks between splits: {', '.join(f'{n:,} {k}' for k, n in sides.items() if n)}")
        )
    if personal.get("examples"):
        kinds = ", ".join(f"{k} {n:,}" for k, n in personal["kinds"].items())
        lines.append(
            screen.amber(f"personal data or secrets in {count(personal['examples'], 'example')}: {kinds}")
        )
    return lines


def _splits(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in summary.get("splits", {}).items()) or "–"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
