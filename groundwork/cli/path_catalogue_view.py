"""How roles, skills, milestones, facts and the language of checks look on a terminal, and as documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.pathway_documents import comparison, counts_of
from groundwork.cli.screen import Screen, count, one_line

if TYPE_CHECKING:
    from groundwork.evidence.types import KindInfo
    from groundwork.pathways.catalogue.book import Problem
    from groundwork.pathways.catalogue.carried import FactView
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.types import Action, Background, Entry, Hours, Milestone, Resource, Role, Skill


# -- roles ----------------------------------------------------------------------------------------------------------
def roles(
    found: Sequence[Role], backgrounds: Sequence[Background], loaded: Loaded, screen: Screen
) -> list[str]:
    """List roles with what they ask for."""
    if not found and not backgrounds:
        return ["no role has these words", screen.soft("`groundwork path roles --all` lists them all.")]
    lines: list[str] = []
    for r in found:
        skills, milestones = loaded.requirements(r)
        hours = f"{loaded.hours(skills, milestones):,.0f} hours"
        needs = f"{count(len(skills), 'skill')}, {count(len(milestones), 'milestone')}, {hours}"
        said = needs if skills else f"another name of {r.same_as}" if r.same_as else "where people start"
        lines += _entry(r.id, f"{r.title}; {said}", ", ".join(r.named_skills) or r.focus, screen)
    if backgrounds:
        lines += ["", "Backgrounds:"]
    for b in backgrounds:
        lines += _entry(b.id, f"{b.title}; {count(len(b.holds), 'skill')} assumed", b.asset, screen)
    return [
        *lines,
        screen.soft(
            "Hours are of a person at reference speed who begins with nothing; they are estimates of ours."
        ),
    ]


def role(found: Role, loaded: Loaded, screen: Screen) -> list[str]:
    """Lay out one role: core, ways to it, skills by stage, milestones."""
    skills, milestones = loaded.requirements(found)
    lines = [screen.bold(one_line(found.title)), *_whose(found, loaded, screen)]
    if found.focus:
        lines += screen.paragraph(one_line(found.focus))
    if found.named_skills:
        lines += screen.paragraph(f"At its core: {', '.join(found.named_skills)}.", "  ")
    for t in loaded.catalogue.transitions:
        if t.target == found.id:
            time = f"{t.months[0]:g} to {t.months[1]:g} months" if t.months else "no number is stated"
            lines += screen.paragraph(
                f"From {_start(t.start, loaded)}: {time}. {t.why or t.note}".strip(), "  "
            )
    for a in found.alignments:
        lines += screen.paragraph(screen.soft(f"{a.framework}: {a.label} {a.uri}"), "  ")
    lines += ["", *_by_stage(skills, found, loaded, screen)]
    if milestones:
        lines += ["", screen.bold("Milestones")]
        for m in milestones:
            lines += screen.paragraph(f"{m}: {loaded.milestone(m).title}", "    ", "  ")
    hours = loaded.hours(skills, milestones)
    lines += [
        "",
        f"{count(len(skills), 'skill')}, {count(len(milestones), 'milestone')}, {hours:,.0f} hours at reference speed",
    ]
    return [*lines, *_attributed(loaded, screen)]


def compared(one: Role, other: Role, loaded: Loaded, screen: Screen) -> list[str]:
    """Lay out two roles side by side."""
    both = comparison(one, other, loaded)
    lines = [screen.bold(f"{one_line(one.title)} and {one_line(other.title)}")]
    needs = [set(loaded.requirements(r)[0]) for r in (one, other)]
    rows = [
        ["hours", *(f"{loaded.hours(*loaded.requirements(r)):,.0f}" for r in (one, other))],
        ["milestones", *(str(len(loaded.requirements(r)[1])) for r in (one, other))],
        ["skills", *(str(len(n)) for n in needs)],
    ]
    pairs = ((one, needs[0]), (other, needs[1]))
    shared_first = sorted(needs[0] | needs[1], key=lambda s: (-(s in needs[0]) - (s in needs[1]), s))
    rows += [[s, *(_weight(r, s) if s in need else "–" for r, need in pairs)] for s in shared_first]
    lines += ["", *screen.table(["", one.id, other.id], rows, "<>>")]
    share = both["overlap"]
    lines += [
        "",
        *screen.paragraph(
            f"{share:.0%} of their skills are the same; a number is the weight in the role.".replace(
                "%", " %"
            )
        ),
    ]
    alone = both["hours"]
    lines += screen.paragraph(
        f"Who has all of {one.title} has {alone[other.id]:,.0f} hours left to {other.title}."
    )
    return lines


# -- skills, milestones, actions, resources -------------------------------------------------------------------------
def skills(found: Sequence[Skill], loaded: Loaded, screen: Screen) -> list[str]:
    """List skills by stage."""
    if not found:
        return ["no skill has these words"]
    lines: list[str] = []
    for stage in [*loaded.stages.values()]:
        inside = [s for s in found if s.stage == stage.id]
        if not inside:
            continue
        rows = [
            [
                s.id,
                _hours(s.hours),
                s.hours.basis,
                "ethical" if s.stream == "ethical" else "",
                ", ".join(p.skill for p in s.prerequisites if p.kind == "hard") or "–",
            ]
            for s in inside
        ]
        head = [f"{stage.id}: {stage.title}", "hours", "basis", "stream", "after"]
        lines += [*screen.table(head, rows, "<>", stretch=4), ""]
    return [
        *lines,
        screen.soft("hours: in the middle, and 8 of 10 people between"),
        *_attributed(loaded, screen),
    ]


def milestones(found: Sequence[Milestone], loaded: Loaded, screen: Screen) -> list[str]:
    """List milestones with their labs."""
    lines: list[str] = []
    for m in found:
        lines += [
            f"{screen.bold(m.id)} {screen.soft(m.stage)}",
            *screen.paragraph(one_line(m.title), "  ", "  "),
        ]
        waits = f"; counts after {m.wait_days} days" if m.wait_days else ""
        said = [
            f"{_hours(m.hours)} h{waits}",
            f"labs: {', '.join(m.labs)}" if m.labs else "",
            m.threshold_note,
        ]
        lines += screen.paragraph(screen.soft(". ".join(x.rstrip(".") for x in said if x)), "  ", "  ")
    return [*lines, screen.soft("`groundwork path check MILESTONE --explain` asks its records.")]


def actions(found: Sequence[Action], screen: Screen) -> list[str]:
    """List the actions of the ninety days by their block."""
    lines: list[str] = []
    for a in sorted(found, key=lambda a: (a.days, a.id)):
        labs = f", labs: {', '.join(a.labs)}" if a.labs else ""
        lines += _entry(a.id, f"days {a.days[0]} to {a.days[1]}{labs}", a.title, screen)
    return [*lines, screen.soft("`groundwork path check ACTION --explain` asks its records.")]


def resources(found: Sequence[Resource], screen: Screen) -> list[str]:
    """List what to learn with."""
    if not found:
        return ["no resource has these words"]
    lines: list[str] = []
    for r in found:
        hours = "" if r.hours is None else f", {r.hours:g} hours"
        looked = f", looked at on {r.checked}" if r.checked else ", cost and link were not looked at"
        head = f"{r.title} ({r.kind}); cost {_cost(r)}{hours}{looked}"
        lines += _entry(r.id, head, " ".join(x for x in (r.trait, r.url) if x), screen)
    return [
        *lines,
        screen.soft("Links are never fetched. Costs are as the documents have them; look before you pay."),
    ]


# -- facts ----------------------------------------------------------------------------------------------------------
def facts(found: Sequence[FactView], loaded: Loaded, screen: Screen) -> list[str]:
    """List facts with their origin and where they are carried."""
    lines: list[str] = []
    for f in found:
        where = "left out" if f.left_out else ", ".join(f"{kind} {entry}" for kind, entry in f.carried_by[:2])
        head = (
            f"{f.section}, {f.origin}{' by ' + ', '.join(f.sources) if f.sources else ''}; carried by {where}"
        )
        lines += _entry(
            f.id, head.replace("carried by left out", "left out"), f.left_out or f.says or f.title, screen
        )
    left = sum(bool(f.left_out) for f in found)
    said = f"{count(len(found), 'fact')}" + (f", {left} left out, each with its reason" if left else "")
    return [*lines, "", f"{said}; `groundwork path facts FACT` shows one with its sources."]


def fact(found: FactView, loaded: Loaded, screen: Screen) -> list[str]:
    """Lay out one fact: what it says, whose word it is, where it is carried."""
    lines = [screen.bold(found.id), *screen.paragraph(one_line(found.says or found.title))]
    if found.left_out:
        lines += screen.paragraph(f"The product does not carry it: {found.left_out}")
    for source in found.sources:
        about = loaded.sources[source].about if source in loaded.sources else source
        lines += screen.paragraph(f"{found.origin} by {source}: {about}", "    ", "  ")
    if not found.sources:
        lines.append(f"  origin: {found.origin}")
    if found.dated:
        lines.append(f"  dated {found.dated}; it is the document's claim, not ours")
    for name, value in found.details.items():
        lines += screen.paragraph(f"{name}: {one_line(json.dumps(value, ensure_ascii=False))}", "    ", "  ")
    if found.carried_by:
        where = ", ".join(f"{kind} {entry}" for kind, entry in found.carried_by)
        lines += screen.paragraph(f"carried by: {where}", "    ", "  ")
    return lines


# -- the language of checks -----------------------------------------------------------------------------------------
def kinds(found: Sequence[KindInfo], fields: bool, screen: Screen) -> list[str]:
    """List kinds of records; one with its fields."""
    if not fields:
        rows = [
            [k.name, f"waits for {k.room}" if k.waiting else k.room, one_line(k.title), one_line(k.made_by)]
            for k in found
        ]
        return [
            *screen.table(["kind", "room", "what it is", "made by"], rows, stretch=3),
            screen.soft(
                "`groundwork path kinds KIND` lists its fields; the guide of pathways says how checks are written."
            ),
        ]
    lines: list[str] = []
    for k in found:
        lines += [screen.bold(k.name), *screen.paragraph(one_line(k.title))]
        if k.waiting:
            lines += screen.paragraph(f"No room keeps such records yet; it waits for the room {k.room}.")
        if k.personal:
            lines.append("A person sees their own alone.")
        if k.made_by:
            lines.append(f"made by {screen.teal(one_line(k.made_by))}")
        lines += screen.table(
            ["field", "type", "what it says"],
            [[f.name, f.type, one_line(f.about)] for f in k.fields],
            stretch=2,
        )
    return lines


# -- the catalogue of a team ----------------------------------------------------------------------------------------
def checked(loaded: Loaded, files: Sequence[str], problems: Sequence[Problem], screen: Screen) -> list[str]:
    """Lay out what checking files of a catalogue found."""
    lines: list[str] = []
    for p in problems:
        place = f"{p.file}, line {p.line}" if p.line else p.file
        lines += [f"{screen.red('left out')} {place}", *screen.paragraph(one_line(p.message), "  ", "  ")]
        if p.hint:
            lines += screen.paragraph(f"{screen.teal('hint:')} {one_line(p.hint)}", "  ", "  ")
    good = len(files) - len({p.file for p in problems})
    if not files:
        lines.append("there is no file of yours; the shipped catalogue is in force")
    elif not problems:
        lines.append(
            screen.green(
                f"{count(good, 'file')} can be used as it is"
                if good == 1
                else f"{count(good, 'file')} can be used as they are"
            )
        )
    lines.append(_counted(loaded))
    return lines


def shown(loaded: Loaded, files: Sequence[str], problems: Sequence[Problem], screen: Screen) -> list[str]:
    """Lay out the catalogue in force: how much of what, and what a team's files wrote of it."""
    lines = checked(loaded, files, problems, screen) if files or problems else [_counted(loaded)]
    lines.append(f"version {loaded.digest[:12]}")
    for (kind, identifier), file in sorted(loaded.written_in.items()):
        lines.append(f"  {kind} {identifier}: {file}")
    return [*lines, screen.soft("`--json` prints all of it.")]


def as_json(document: Any) -> list[str]:
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()


# -- below ----------------------------------------------------------------------------------------------------------
def _entry(name: str, head: str, text: str, screen: Screen) -> list[str]:
    """Lay out an entry of a list: its id with what is known of it, and what it says below."""
    lines = screen.paragraph(f"{screen.bold(name)} {screen.soft(one_line(head))}", "    ", "")
    return lines + (screen.paragraph(one_line(text), "    ", "    ") if text else [])


def _counted(loaded: Loaded) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts_of(loaded).items())


def _by_stage(needed: Sequence[str], of: Role, loaded: Loaded, screen: Screen) -> list[str]:
    lines: list[str] = []
    for stage in loaded.stages.values():
        inside = [s for s in needed if loaded.skill(s).stage == stage.id]
        if inside:
            lines.append(screen.bold(one_line(stage.title)))
        for s in inside:
            skill = loaded.skill(s)
            lines += screen.paragraph(
                f"{skill.title} {screen.soft(f'({_hours(skill.hours)} h, weight {_weight(of, s)})')}",
                "    ",
                "  ",
            )
    return lines


def _weight(of: Role, skill: str) -> str:
    return f"{of.skills[skill]:g}" if skill in of.skills else "needed"


def _start(word: str, loaded: Loaded) -> str:
    entry = loaded.roles.get(word) or loaded.backgrounds.get(word)
    return entry.title if entry else word


def _whose(entry: Entry, loaded: Loaded, screen: Screen) -> list[str]:
    names = [loaded.sources[s].about if s in loaded.sources else s for s in entry.sources]
    said = f"{entry.id}, {entry.origin}" + (f" by: {'; '.join(names)}" if names else "")
    return screen.paragraph(screen.soft(said))


def _attributed(loaded: Loaded, screen: Screen) -> list[str]:
    return [line for text in loaded.attributions for line in screen.paragraph(screen.soft(f"{text}."))]


def _hours(hours: Hours) -> str:
    return f"{hours.p50:g} ({hours.p10:g}–{hours.p90:g})"


def _cost(resource: Resource) -> str:
    if resource.cost is None:
        return one_line(resource.cost_note) or "not known"
    return "free" if resource.cost == 0 else f"{resource.cost:,.0f} {resource.currency}"
