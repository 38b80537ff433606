"""The catalogue as a page of the handbook's reference, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from groundwork.evidence.kinds.waiting import WAITING
from groundwork.pathways.catalogue.hours import months_of
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.catalogue.wording import in_words
from groundwork.pathways.types import Action, Milestone, Skill

_ORIGIN = {
    "stated": "stated by a founding document",
    "inferred": "inferred from one",
    "ours": "ours",
}


def page(loaded: Loaded) -> str:
    """Return the page; equal catalogues give equal text."""
    c = loaded.catalogue
    parts = [
        "# Pathways",
        "What the shipped catalogue holds. `groundwork path` shows it with what a team's own files add, and the guide "
        "[Catalogues of pathways](../guides/catalogue.md) says how to add some. Every entry says where it comes from: "
        + ", ".join(f"*{word}* ({meaning})" for word, meaning in _ORIGIN.items())
        + ". No document states hours, neither per week nor per skill: all hours here are our estimates, fitted so that at "
        "10 hours a week the ways take the months that the documents state "
        "(`docs/decisions/0081-hours-and-where-they-come-from.md`).",
        f"{len(c.roles)} roles, {len(c.backgrounds)} backgrounds, {len(c.transitions)} transitions, {len(c.skills)} skills, "
        f"{len(c.milestones)} milestones, {len(c.actions)} actions, {len(c.resources)} resources, {len(c.quizzes)} quizzes "
        f"with {sum(len(q.questions) for q in c.quizzes)} questions, and {len(loaded.facts()) - 1} facts of "
        f"{len(c.sources)} founding documents, of which {len(c.left_out)} are left out.",
        *(f"{said}." for said in loaded.attributions),
        "## Roles",
        _roles(loaded),
        "## Transitions",
        "Months are those of the document; hours are the P50 of what lies between, by our estimates.",
        _transitions(loaded),
        "## Backgrounds",
        "What somebody is assumed to hold is declared, and never shown as proven.",
        _table(
            ("background", "id", "assumed to hold", "what it brings"),
            (
                (
                    b.title,
                    f"`{b.id}`",
                    ", ".join(loaded.skill(i).title for i in b.holds) or "nothing",
                    b.asset,
                )
                for b in c.backgrounds
            ),
        ),
        "## Skills",
        "Hours are P10 / P50 / P90 of a person at reference speed. Nothing begins before what it comes after; "
        "it goes better after what helps.",
    ]
    for stage in loaded.stages.values():
        skills = [skill for skill in c.skills if skill.stage == stage.id]
        if skills:
            parts += [f"### {stage.title}", stage.summary, _skills(loaded, skills)]
    parts += [
        "## Milestones",
        "The titles are the documents'; what is looked at is ours, and `groundwork path kinds` explains kinds and fields.",
    ]
    for milestone in c.milestones:
        parts += _milestone(loaded, milestone)
    parts += ["## The ninety days"]
    for block in dict.fromkeys(action.block for action in c.actions):
        actions = [action for action in c.actions if action.block == block]
        parts += [
            f"### Days {actions[0].days[0]} to {actions[0].days[1]}",
            "\n".join(_action(a) for a in actions),
        ]
    parts += ["## How much of it is work on data", loaded.fact("curriculum-data-share").says, _data(loaded)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _roles(loaded: Loaded) -> str:
    rows = []
    for role in loaded.catalogue.roles:
        if role.same_as:
            needs, built = f"as `{role.same_as}`", ""
        else:
            skills, milestones = loaded.requirements(role)
            needs = (
                f"{len(skills)} skills, {loaded.hours(skills, milestones):,.0f} h" if skills else "a start"
            )
            built = ", ".join(f"`{m}`" for m in milestones)
        esco = ", ".join(f"{a.label} ({a.code})" for a in role.alignments)
        rows.append(
            (role.title, f"`{role.id}`", needs, built, ", ".join(role.named_skills), esco, role.origin)
        )
    head = (
        "role",
        "id",
        "needs from nothing",
        "milestones",
        "core skills named by the document",
        "ESCO",
        "origin",
    )
    return _table(head, rows)


def _transitions(loaded: Loaded) -> str:
    rows = []
    for way in loaded.catalogue.transitions:
        skills, milestones = loaded.gap(way.start, way.target)
        hours = loaded.hours(skills, milestones)
        months = f"{way.months[0]:g} to {way.months[1]:g}" if way.months else "not stated"
        note = " ".join(text for text in (way.why, way.note) if text)
        median = f"{hours:,.0f} h, {months_of(hours):.1f} months at 10 h a week"
        rows.append((way.start, way.target, months, median, note, way.origin))
    return _table(("from", "to", "months", "our estimate", "note", "origin"), rows)


def _skills(loaded: Loaded, skills: Sequence[Skill]) -> str:
    rows = []
    for skill in skills:
        h = skill.hours
        hard = ", ".join(loaded.skill(p.skill).title for p in skill.prerequisites if p.kind == "hard")
        helps = ", ".join(loaded.skill(p.skill).title for p in skill.prerequisites if p.kind == "helps")
        after = "; ".join(text for text in (hard, f"better after {helps}" if helps else "") if text)
        title = skill.title + (" (ethical)" if skill.stream == "ethical" else "")
        hours = f"{h.p10:g} / {h.p50:g} / {h.p90:g} ({h.basis})"
        labs = ", ".join(f"`{lab}`" for lab in skill.labs)
        rows.append((title, f"`{skill.id}`", hours, after, labs, skill.summary, skill.origin))
    return _table(("skill", "id", "hours", "after", "lab that proves it", "what it is", "origin"), rows)


def _milestone(loaded: Loaded, milestone: Milestone) -> list[str]:
    h = milestone.hours
    said = [
        f"`{milestone.id}`, stage {loaded.stage(milestone.stage).title}, {milestone.origin}. "
        f"Hours {h.p10:g} / {h.p50:g} / {h.p90:g} ({h.basis})"
        + (f", and {milestone.wait_days} days of waiting" if milestone.wait_days else "")
        + ". Needs "
        + ", ".join(loaded.skill(i).title for i in milestone.needs)
        + ".",
        "What is looked at:",
        "\n".join(f"- {line}" for line in in_words(milestone.check, WAITING)),
    ]
    if milestone.threshold_note:
        said.append(milestone.threshold_note)
    return [f"### {milestone.title}", *said]


def _action(action: Action) -> str:
    looked_at = "; ".join(in_words(action.check, WAITING))
    return f"- **{action.title}** (`{action.id}`, {action.hours.p50:g} h, {action.origin}): {looked_at}."


def _data(loaded: Loaded) -> str:
    rows = (
        (loaded.roles[role].title, f"{work.hours:,.0f}", f"{work.data_hours:,.0f}", f"{work.share:.0%}")
        for role, work in loaded.data_work.items()
    )
    return _table(("role", "hours of its skills", "of these work on data", "share"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines).replace("|  |", "| |").replace("|  |", "| |")
