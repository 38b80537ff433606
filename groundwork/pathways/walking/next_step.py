"""The next best step of a person, out of their plan, their labs and what is proven; one function for each kind of step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from groundwork.pathways.walking.types import NextStep, StepKind, SubjectState

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.labs.types import LabLine, LabRun
    from groundwork.pathways.planning.types import Plan, PlanItem
    from groundwork.pathways.types import Skill

FIRST = ("first-model-endpoint", "first-documents", "first-cited-answer")
"""The labs that a newcomer meets when nothing else is known of them, in order; the rest of the catalogue follows."""
REVIEW_DAYS = 30
"""After so many days a plan is looked at again, as the thirty, sixty and ninety days of the founding documents have it."""
PLAN = 'groundwork path plan --from "cloud platform engineer" --to "ai systems engineer" --hours 8'


def begin(labs: Sequence[LabLine]) -> NextStep:
    """Return the step of somebody of whom nothing is known: say where from and where to, or begin with the first lab."""
    lab = first_lab(labs)
    commands = [PLAN]
    because = "a plan says what comes when, and why; it takes a minute"
    if lab is not None:
        commands.append(f"groundwork path lab {lab.id}")
        because += f"; or begin at once with the lab `{lab.id}`, {lab.minutes} minutes"
    return NextStep(
        "profile",
        "profile",
        "Say where you come from and where you want to go",
        because,
        lab.id if lab else "",
        tuple(commands),
    )


def plan_it() -> NextStep:
    """Return the step of somebody whose profile is there and whose plan is not."""
    because = "your background, your role and your hours are known; the plan follows from them"
    return NextStep("plan", "plan", "Make your plan", because, commands=("groundwork path plan",))


def go_on(run: LabRun, lab: LabLine | None) -> NextStep:
    """Return the step of somebody in the midst of a lab."""
    title = lab.title if lab else run.lab
    return NextStep(
        "lab",
        run.lab,
        title,
        f"you began it on {run.started_at[:10]}, and {run.points} of {run.total} points were met when it was last looked at",
        run.lab,
        (
            "groundwork path verify",
            *(() if run.test_out else ("groundwork path hint",)),
            "groundwork path reset",
        ),
        address_of(run.lab),
    )


def review(plan: Plan, today: date) -> NextStep | None:
    """Return the step that looks at the plan again, once 30 days have passed since it was made."""
    made = date.fromisoformat(plan.created_at[:10]) if plan.created_at else today
    days = (today - made).days
    if days < REVIEW_DAYS:
        return None
    return NextStep(
        "review",
        plan.id,
        "Look at your plan again",
        f"it was made {days} days ago; what you have proven since and your own pace move its dates",
        commands=("groundwork path progress", "groundwork path forecast", "groundwork path plan"),
        address="/pathways",
    )


def done(plan: Plan) -> NextStep:
    """Return the step of somebody who is at the end of their plan."""
    return NextStep(
        "done",
        plan.id,
        "Show what you have proven",
        "everything in your plan is proven or attested",
        commands=("groundwork path proofs", "groundwork path export portfolio"),
    )


def of_lab(item: PlanItem, lab: LabLine, beside: Skill | None) -> NextStep:
    """Return the step that is a lab on the way to an item of the plan; `beside` is what to read meanwhile."""
    towards = item.because
    if lab.id != item.lab and lab.state == "new" and item.milestone not in (*lab.milestones, *lab.skills):
        towards = f"it comes before what `{item.title}` asks for: {item.because}"
    if beside is not None:
        towards += f"; beside it your plan has you learn {beside.title}"
    test_out = item.kind == "test_out" and lab.test_out
    commands = (f"groundwork path lab {lab.id}{' --test-out' if test_out else ''}", "groundwork path verify")
    kind: StepKind = "skill" if item.kind == "test_out" else item.kind
    return NextStep(kind, item.milestone, item.title, towards, lab.id, commands, address_of(lab.id))


def of_subject(item: PlanItem, state: SubjectState) -> NextStep:
    """Return the step of a milestone or action whose labs are done: what its check still misses."""
    finding = state.finding
    missing = [m.sentence for m in finding.missing] if finding else []
    commands = [m.command for m in finding.missing if m.command] if finding else []
    if finding is not None and finding.attested and not missing:
        missing = [f"a person has to say: {s}" for s in finding.attested]
        commands = [f'groundwork path attest {state.id} --statement "…"']
    because = item.because + (f". Still missing: {'; '.join(missing)}" if missing else "")
    commands.append(f"groundwork path check {state.id}")
    kind: StepKind = "action" if state.kind == "action" else "milestone"
    return NextStep(kind, state.id, state.title, because, "", tuple(dict.fromkeys(commands)))


def of_skill(item: PlanItem, skill: Skill, catalogue: Loaded) -> NextStep:
    """Return the step of a skill that no lab teaches: what to learn it with, and how to say that it is learnt."""
    ways = [catalogue.resource(r).title for r in (item.resources or skill.resources)]
    because = item.because + (f". Learn it with {', or '.join(ways)}" if ways else "")
    commands = [f"groundwork path quiz {skill.quiz}"] if skill.quiz else []
    commands.append(f'groundwork path attest {skill.id} --statement "…"')
    return NextStep("skill", skill.id, skill.title, because, "", tuple(commands))


def first_lab(labs: Sequence[LabLine]) -> LabLine | None:
    """Return the lab to begin with: the first of `FIRST` that is not passed, then any that nothing has to come before."""
    by_id = {lab.id: lab for lab in labs}
    for name in FIRST:
        if name in by_id and by_id[name].state != "passed":
            return by_id[name]
    passed = {lab.id for lab in labs if lab.state == "passed"}
    return next((x for x in labs if x.state != "passed" and set(x.after) <= passed), None)


def lab_towards(names: Iterable[str], labs: Sequence[LabLine]) -> LabLine | None:
    """Return the lab to do on the way to one of these: it itself, or what comes before it and is not passed."""
    by_id = {lab.id: lab for lab in labs}
    for name in names:
        lab = by_id.get(name)
        seen: set[str] = set()
        while lab is not None and lab.state != "passed" and lab.id not in seen:
            seen.add(lab.id)
            before = next((by_id[a] for a in lab.after if a in by_id and by_id[a].state != "passed"), None)
            if before is None or before.id in seen:
                return lab
            lab = before
    return None


def labs_of(item: PlanItem, catalogue: Loaded, labs: Sequence[LabLine]) -> list[str]:
    """Return the labs that teach the way to an item of a plan, those that the plan names first."""
    names = [item.lab] if item.lab else []
    if item.kind == "milestone":
        names += catalogue.milestone(item.milestone).labs
        names += [x.id for x in labs if item.milestone in x.milestones]
    elif item.kind == "action":
        names += catalogue.action(item.milestone).labs
        names += [x.id for x in labs if item.milestone in x.milestones]
    else:
        names += catalogue.skill(item.milestone).labs
        names += [x.id for x in labs if item.milestone in x.skills]
    return list(dict.fromkeys(names))


def address_of(lab: str) -> str:
    """Return the page of a lab in the console."""
    return f"/pathways/labs/{lab}"
