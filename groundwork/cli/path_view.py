"""How a plan, its forecast, progress and the next step look on a terminal, and as documents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from groundwork.cli.screen import Screen, count, duration, moment, one_line

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.labs.types import LabRun
    from groundwork.pathways.planning.diff import PlanDiff
    from groundwork.pathways.planning.types import Forecast, Pace, Plan, PlanItem
    from groundwork.pathways.walking.types import NextStep, Profile, Progress, SubjectState

REASONED_MONTHS = 3
"""Months whose reasons are given without `--full`."""
KINDS = {"test_out": "test-out"}
WORDS = {
    "proven": "proven", "stale": "stale", "attested": "attested", "declared": "declared", "open": "open",
    "broken": "damaged", "unavailable": "waits for a room",
}  # fmt: skip


# -- plans ----------------------------------------------------------------------------------------------------------
def plan(
    found: Plan, loaded: Loaded, change: PlanDiff | None, full: bool, stored: bool, screen: Screen
) -> list[str]:
    """Lay out a plan by months, with its forecast and what would have to change."""
    request = found.request
    hours = _hours_of(request)
    lines = [screen.bold(f"{_title(loaded, request, 'start_from')} → {_title(loaded, request, 'target')}")]
    lines += screen.paragraph(
        f"{count(len(found.items), 'item')}, {found.hours:,.0f} hours"
        + (f" at {hours:g} h a week" if hours else "")
        + f"; {_likely(found.forecast, str(request.get('by') or ''))}"
    )
    for note in found.notes:
        lines += screen.paragraph(screen.soft(one_line(note)), "  ", "  ")
    lines += _changes(found, loaded, screen)
    if change is not None:
        lines += ["", *difference(change, screen)]
    for place, (month, items) in enumerate(groupby(found.items, lambda i: (i.start.year, i.start.month))):
        lines += ["", screen.bold(_month(date(*month, 1)))]
        for item in items:
            lines += _item(item, full or place < REASONED_MONTHS, screen)
    lines += _ninety(found, loaded, screen)
    if found.items:
        lines += ["", *screen.paragraph(_order(found))]
    if found.reviews:
        lines += screen.paragraph(f"Look at it again every 30 days, first on {_day(found.reviews[0])}.")
    if not found.items:
        lines += ["", "Nothing is left to do: everything that this role needs is proven or declared."]
    kept = f"Kept as {found.id}. " if stored and found.id else "Not kept. "
    return [*lines, screen.soft(f"{kept}Begin with `groundwork path next`.")]


def _item(item: PlanItem, reasoned: bool, screen: Screen) -> list[str]:
    kind = KINDS.get(item.kind, item.kind)
    when = f"{_short(item.start)}–{_short(item.end)}"
    ethical = ", ethical" if item.stream == "ethical" else ""
    head = f"  {when:<15} {item.hours:>4.0f} h  "
    lines = screen.paragraph(f"{one_line(item.title)} {screen.soft(f'({kind}{ethical})')}", " " * 25, head)
    if reasoned:
        lab = f" Lab: {item.lab}." if item.lab else ""
        done = f" It counts on {_day(item.done)}." if item.done > item.end else ""
        lines += screen.paragraph(one_line(item.because) + lab + done, " " * 25, " " * 25)
    return lines


def _ninety(found: Plan, loaded: Loaded, screen: Screen) -> list[str]:
    from groundwork.pathways.walking.ninety import ninety_days

    dated = ninety_days(found, loaded)
    if not dated:
        return []
    lines = ["", screen.bold("The first ninety days, beside it")]
    for action in dated:
        said = " (said by you, no record shows it)" if action.attested else ""
        head = f"  by {_short(action.end):<12}         "
        lines += screen.paragraph(one_line(action.title) + screen.soft(said), " " * 25, head)
    return lines


def _changes(found: Plan, loaded: Loaded, screen: Screen) -> list[str]:
    lines: list[str] = []
    if found.dropped:
        names = ", ".join(_subject_title(loaded, d) for d in found.dropped[:6])
        more = f" and {len(found.dropped) - 6} more" if len(found.dropped) > 6 else ""
        lines += screen.paragraph(screen.amber(f"Left out, since it does not fit: {names}{more}."), "  ")
    if found.changes:
        lines.append("To have all of it in time:")
        for change in found.changes:
            lines += screen.paragraph(f"- {one_line(change.sentence)}", "    ", "  ")
    return lines


def _order(found: Plan) -> str:
    if found.method == "exact":
        return "The order is the best there is: nothing useful can be had earlier."
    return f"The order is at most {found.bound:.1%} worse than the best there is."


def _likely(forecast: Forecast, by: str) -> str:
    text = f"likely between {_month(forecast.p10)} and {_month(forecast.p90)}"
    if forecast.by_probability is not None:
        wished = date.fromisoformat(by[:10]) if by else None
        text += f"; {math.floor(100 * forecast.by_probability)} % by {_month(wished) if wished else 'then'}"
    return text


def plans(found: Sequence[Plan], loaded: Loaded, screen: Screen) -> list[str]:
    """List plans, newest first."""
    if not found:
        return [
            "there is no plan yet",
            screen.soft("Make one: `groundwork path plan --from … --to … --hours 8`."),
        ]
    rows = [
        [
            p.id,
            moment(p.created_at),
            _title(loaded, p.request, "target"),
            f"{len(p.items)}",
            f"{_hours_of(p.request):g}",
            f"{_month(p.forecast.p10)} to {_month(p.forecast.p90)}",
        ]
        for p in found
    ]
    return screen.table(
        ["plan", "made (UTC)", "to", "items", "h a week", "likely"], rows, "<<<>><", stretch=2
    )


def difference(change: PlanDiff, screen: Screen) -> list[str]:
    """Lay out what differs between two plans."""
    if not change.sentences:
        return ["Nothing differs from the plan before."]
    lines = ["Since the plan before:"]
    for sentence in change.sentences:
        lines += screen.paragraph(f"- {one_line(sentence)}", "    ", "  ")
    return lines


def profile(found: Profile, loaded: Loaded, screen: Screen) -> list[str]:
    """Lay out a profile."""
    if not any((found.background, found.target, found.hours_per_week, found.declared, found.name)):
        return [
            "nothing is known of you yet",
            screen.soft('Say it: `groundwork path plan --from "…" --to "…" --hours 8`.'),
        ]
    said = {
        "name": found.name,
        "from": loaded.backgrounds[found.background].title
        if found.background in loaded.backgrounds
        else found.background,
        "to": loaded.roles[found.target].title if found.target in loaded.roles else found.target,
        "hours a week": f"{found.hours_per_week:g}" if found.hours_per_week else "",
        "start": found.start,
        "by": found.by,
        "declared": ", ".join(found.declared),
        "exceptions": ", ".join(f"{a}..{b}={h:g}" for a, b, h in found.exceptions),
        "money": "" if found.money is None else f"{found.money:g}",
    }
    return [
        line
        for name, value in said.items()
        if value
        for line in screen.paragraph(one_line(value), " " * 13, screen.soft(f"{name:<13}"))
    ]


def forecast(found: Forecast, latest: Plan, by: str, screen: Screen) -> list[str]:
    """Say in words when it will be done, and by which pace."""
    lines = screen.paragraph(
        f"{_likely(found, by)[:1].upper()}{_likely(found, by)[1:]}, in the middle {_month(found.p50)}."
    )
    lines += screen.paragraph(_pace(found.pace))
    before, now = latest.forecast.p50, found.p50
    if (before.year, before.month) != (now.year, now.month):
        lines += screen.paragraph(
            f"The plan of {_day(date.fromisoformat(latest.created_at[:10]))} had {_month(before)}."
        )
        lines.append(screen.soft("`groundwork path plan` makes the plan anew."))
    return lines


def _pace(pace: Pace) -> str:
    if not pace.n:
        return (
            "Your pace is not known yet: it is learnt from the labs that you finish. Until then the spread is the "
            "one of the founding documents."
        )
    factor = math.exp(pace.mean)
    low, high = math.exp(pace.mean - 1.2816 * pace.sigma), math.exp(pace.mean + 1.2816 * pace.sigma)
    said = "as long as" if 0.95 < factor < 1.05 else f"{factor:.2g} times as long as"
    labs = count(pace.n, "finished lab")
    return f"By {labs} you take {said} the reference; in 8 of 10 cases {low:.2g} to {high:.2g} times as long."


# -- the walk -------------------------------------------------------------------------------------------------------
def next_step(step: NextStep, run: LabRun | None, files: Sequence[str], screen: Screen) -> list[str]:
    """Lay out the next step, its lab, and what to type first."""
    lines = [
        screen.bold(one_line(step.title)),
        *screen.paragraph(f"Why now: {sentence(step.because)}"),
    ]
    if run is not None:
        from groundwork.cli.path_labs_view import opened

        return [*lines, "", *opened(run, files, screen)]
    if step.commands:
        lines += ["", *(f"  {screen.teal(c)}" for c in step.commands)]
    return lines


def progress(found: Progress, step: NextStep, loaded: Loaded, skills: bool, screen: Screen) -> list[str]:
    """Lay out how far somebody is; what is proven, declared and attested stands in columns of its own."""
    c = found.counts
    to = loaded.roles[found.target].title if found.target in loaded.roles else "every role of the catalogue"
    lines = [screen.bold(f"On the way to {to}"), ""]
    rows = [
        [
            name,
            str(c[f"{key}_proven"]),
            str(c.get(f"{key}_declared", "–")),
            str(c[f"{key}_attested"]),
            str(c[f"{key}_stale"]),
            str(c[f"{key}_total"]),
        ]
        for name, key in (
            ("skills", "skills"),
            ("milestones", "milestones"),
            ("first ninety days", "actions"),
        )
    ]
    lines += screen.table(["", "proven", "declared", "attested", "stale", "of"], rows, "<>>>>>")
    if found.labs_passed:
        spent = duration(found.lab_minutes * 60)
        lines += ["", f"{count(found.labs_passed, 'lab')} passed, {spent} of work"]
    for state in (*found.milestones, *found.actions):
        if state.state in ("stale", "broken"):
            lines += screen.paragraph(
                f"{screen.amber(WORDS[state.state])} {state.id}: {'; '.join(state.why) or 'its records changed'}",
                "  ",
            )
    if skills:
        rows = [[s, WORDS[state], loaded.skill(s).title] for s, state in found.skills.items()]
        lines += ["", *screen.table(["skill", "state", "what it is"], rows, stretch=2)]
    lines += ["", *screen.paragraph(f"Next: {sentence(step.title)} {sentence(step.because)}", "  ")]
    command = "groundwork path next" if step.lab and step.kind != "profile" else (step.commands or ("",))[0]
    return [*lines, *([f"  {screen.teal(command)}"] if command else [])]


def subject(found: SubjectState, explain: bool, screen: Screen) -> list[str]:
    """Lay out how one subject stands, and with `explain` the records it rests on."""
    lines = [f"{screen.bold(one_line(found.title))} {_coloured(found.state, screen)}"]
    lines += screen.paragraph(
        screen.soft(f"{found.kind} {found.id}" + (f", proof {found.proof}" if found.proof else ""))
    )
    finding = found.finding
    said = {m.sentence: m.command for m in finding.missing} if finding else {}
    for sentence in found.why:
        lines += screen.paragraph(f"- {one_line(sentence)}", "    ", "  ")
        if said.get(sentence):
            lines.append(f"    {screen.teal(said[sentence])}")
    if finding is not None and explain:
        lines += _records(finding.found, screen)
        lines.append(screen.soft(f"check {finding.digest[:12]}"))
    if found.state not in ("proven", "attested") and found.labs:
        lines += screen.paragraph(f"Labs on the way: {', '.join(found.labs)}.")
    return lines


def _records(found: Sequence[Any], screen: Screen) -> list[str]:
    lines = ["  Records:"] if found else ["  No record speaks for it."]
    for record in found:
        values = ", ".join(f"{k}={_value(v)}" for k, v in record.values.items())
        lines += screen.paragraph(
            f"{record.kind} {record.id}" + (f": {values}" if values else ""), "      ", "    "
        )
    return lines


def subjects(found: Sequence[SubjectState], explain: bool, screen: Screen) -> list[str]:
    """List how every milestone and action stands."""
    if explain:
        return [line for s in found for line in (*subject(s, True, screen), "")][:-1]
    rows = [[s.id, _coloured(s.state, screen), one_line(s.title)] for s in found]
    return [
        *screen.table(["subject", "state", "what it is"], rows, stretch=2),
        screen.soft("`groundwork path check SUBJECT --explain` says what is missing."),
    ]


# -- below ----------------------------------------------------------------------------------------------------------
def files_of(root: Any, run: LabRun | None) -> list[str]:
    """Return the files of a lab's folder, relative to the workspace; at most 40."""
    if run is None or not run.folder:
        return []
    folder = root / run.folder
    found = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return [p.relative_to(root).as_posix() for p in found[:40]]


def sentence(text: str) -> str:
    """Return a text as a sentence of its own: a capital first, one full stop."""
    plain_ = one_line(text).rstrip(".")
    return f"{plain_[:1].upper()}{plain_[1:]}." if plain_ else ""


def _coloured(state: str, screen: Screen) -> str:
    paint = {"proven": screen.green, "stale": screen.amber, "broken": screen.red, "attested": screen.teal}
    return paint.get(state, screen.soft)(WORDS.get(state, state))


def _title(loaded: Loaded, request: Mapping[str, Any], name: str) -> str:
    word = str(request.get(name, ""))
    entry = loaded.backgrounds.get(word) if name == "start_from" else loaded.roles.get(word)
    return entry.title if entry else word


def _subject_title(loaded: Loaded, identifier: str) -> str:
    for entries in (loaded.milestones, loaded.skills, loaded.actions):
        if identifier in entries:
            return str(entries[identifier].title)
    return identifier


def _hours_of(request: Mapping[str, Any]) -> float:
    calendar = request.get("calendar")
    return float((calendar or {}).get("hours_per_week", 0) if isinstance(calendar, Mapping) else 0)


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else one_line(str(value))[:60]


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
