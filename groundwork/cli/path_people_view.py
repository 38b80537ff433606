"""How quizzes, attestations, reflections and proofs look on a terminal, and as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.pathway_documents import CLAIM, proof_document, quiz_line
from groundwork.cli.screen import Screen, count, moment, one_line

if TYPE_CHECKING:
    from groundwork.pathways.portfolio.types import ExportReport
    from groundwork.pathways.proofs.types import Proof, ProofState
    from groundwork.pathways.types import Quiz, Reflection
    from groundwork.pathways.walking.types import Attestation, DrawnQuiz, QuizResult, Reflected

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GRADES = {
    "attested": "attested", "verified_here": "verified here", "co_signed": "co-signed", "re_run": "re-run from the bundle",
}  # fmt: skip


# -- quizzes --------------------------------------------------------------------------------------------------------
def quizzes(found: Sequence[Quiz], results: Sequence[QuizResult], screen: Screen) -> list[str]:
    """List quizzes with one's results."""
    rows = []
    for quiz in found:
        line = quiz_line(quiz, results)
        best = "–" if line["best"] is None else f"{line['best']:.0%}".replace("%", " %")
        rows.append(
            [
                quiz.id,
                f"{line['draw']} of {line['questions']}",
                best,
                "yes" if line["passed"] else "",
                one_line(quiz.title),
            ]
        )
    return [
        *screen.table(["quiz", "questions", "best", "passed", "what it asks about"], rows, "<>>", stretch=4),
        screen.soft("`groundwork path quiz QUIZ` takes one; it proves no skill by itself."),
    ]


def question(number: int, total: int, asked: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out one question with its lettered options."""
    lines = screen.paragraph(screen.bold(one_line(asked["ask"])), "", f"{number} of {total}  ")
    for letter, option in zip(LETTERS, asked["options"], strict=False):
        lines += screen.paragraph(one_line(option), "     ", f"  {letter}  ")
    return lines


def drawn(found: DrawnQuiz, screen: Screen) -> list[str]:
    """Lay out a draw that waits for its answers."""
    lines = [screen.bold(one_line(found.title)), ""]
    for number, asked in enumerate(found.questions, 1):
        lines += [*question(number, len(found.questions), asked, screen), ""]
    letters = ",".join("a" for _ in found.questions)
    return [
        *lines,
        screen.soft(f"Hand in a letter for each: `groundwork path quiz {found.quiz} --answers {letters}`."),
    ]


def result(found: QuizResult, screen: Screen) -> list[str]:
    """Lay out a scored draw: what was right, and why."""
    lines: list[str] = []
    for number, item in enumerate(found.items, 1):
        right = item["chosen"] == item["right"]
        mark = screen.green("right") if right else screen.red("wrong")
        lines += screen.paragraph(one_line(item["ask"]), "   ", f"{number}  {mark}  ")
        if not right:
            lines += screen.paragraph(f"right is: {one_line(item['options'][item['right']])}", "   ", "   ")
        lines += screen.paragraph(screen.soft(one_line(item["because"])), "   ", "   ")
    verdict = screen.green("passed") if found.passed else screen.amber("not passed")
    lines += ["", f"{found.score} of {found.total}, {verdict}"]
    return (
        lines
        if found.passed
        else [*lines, screen.soft(f"The next draw differs: `groundwork path quiz {found.quiz}`.")]
    )


# -- what people say ------------------------------------------------------------------------------------------------
def attested(made: Attestation, screen: Screen) -> list[str]:
    """Say what was written down."""
    return [
        f"{screen.bold(made.id)} says of {made.subject}:",
        *screen.paragraph(one_line(made.statement), "  ", "  "),
        screen.soft("It is counted as attested, apart from what records prove."),
    ]


def attestations(found: Sequence[Attestation], screen: Screen) -> list[str]:
    """List attestations, newest first."""
    if not found:
        return [
            "nothing is attested",
            screen.soft('Say it: `groundwork path attest SUBJECT --statement "…"`.'),
        ]
    lines: list[str] = []
    for a in found:
        head = f"{screen.bold(a.id)} {screen.soft(f'{moment(a.created_at)} UTC, says {one_line(a.by)}')}"
        lines += [
            *screen.paragraph(head),
            *screen.paragraph(f"{a.subject}: {one_line(a.statement)}", "    ", "    "),
        ]
        lines += [f"    {a.link}"] if a.link else []
    return lines


def reflections(questions: Sequence[Reflection], notes: Sequence[Reflected], screen: Screen) -> list[str]:
    """List the questions to oneself, and one's own notes."""
    lines: list[str] = []
    for asked in questions:
        lines += [screen.bold(asked.id), *screen.paragraph(one_line(asked.ask), "  ", "  ")]
        for prompt in asked.prompts:
            lines += screen.paragraph(f"- {one_line(prompt)}", "    ", "  ")
    for note in notes:
        lines += ["", screen.soft(f"{note.id}, {moment(note.created_at)} UTC, {note.question or 'a note'}")]
        lines += [line for text in note.text.splitlines() for line in screen.paragraph(text, "  ", "  ")]
    return [*lines, "", screen.soft("What you write is yours alone: `groundwork path reflect QUESTION`.")]


# -- proofs ---------------------------------------------------------------------------------------------------------
def proofs(found: Sequence[ProofState], problems: Sequence[str], screen: Screen) -> list[str]:
    """List proofs, newest first, with how each stands now."""
    if not found and not problems:
        return [
            "nothing is proven yet",
            screen.soft("`groundwork path next` says what to do; `groundwork path check` asks your records."),
        ]
    lines: list[str] = []
    for s in found:
        p = s.proof
        lines += screen.paragraph(f"{screen.bold(p.id)} {_state(s, screen)}, {GRADES[p.grade]}")
        rests = f"{count(len(p.found), 'record')}, {moment(p.created_at)} UTC"
        lines += screen.paragraph(f"{p.subject_kind} {p.subject} {screen.soft(f'({rests})')}", "    ", "    ")
        for why in s.why:
            lines += screen.paragraph(screen.amber(one_line(why)), "    ", "    ")
    for problem in problems:
        lines += screen.paragraph(screen.amber(one_line(problem)), "  ")
    return [
        *lines,
        *screen.paragraph(screen.soft(f"`groundwork path proofs PROOF` opens its records. {CLAIM}")),
    ]


def proof(state: ProofState, screen: Screen) -> list[str]:
    """Lay out a proof: what it shows, how it stands, and each record with the command that opens it."""
    p = state.proof
    lines = [f"{screen.bold(one_line(p.title))} {_state(state, screen)}"]
    by = f" by {', '.join(p.cosigners)}" if p.cosigners else ""
    lines += screen.paragraph(
        f"{p.subject_kind} {p.subject}; {GRADES[p.grade]}{by}; made {moment(p.created_at)} UTC"
    )
    for why in state.why:
        lines += screen.paragraph(screen.amber(one_line(why)), "  ", "  ")
    lines += ["", f"It rests on {count(len(p.found), 'record')}:"]
    for one in proof_document(state)["found"]:
        now = "" if one["state"] == "same" else " " + screen.amber(f"{one['state']}: {one['why']}")
        values = ", ".join(f"{k}={one_line(str(v))[:60]}" for k, v in one["values"].items())
        lines += screen.paragraph(f"{one['kind']} {one['id']}{now}", "    ", "  ")
        lines += screen.paragraph(screen.soft(values), "    ", "    ") if values else []
        if one["command"]:
            lines.append(f"    {screen.teal(one['command'])}")
        if one["address"]:
            lines.append(f"    page {one['address']}")
    chain = f"number {p.position} of this workspace's chain, digest {p.digest[:12]}"
    return [*lines, "", *screen.paragraph(screen.soft(f"{chain}. {CLAIM}"))]


def exported(report: ExportReport, screen: Screen) -> list[str]:
    """Say what an export wrote, or what stopped it."""
    if report.stopped:
        lines = [screen.red("nothing was written: something must not leave"), ""]
        for one in report.stopped:
            lines += screen.paragraph(f"{one.kind} in {one.place}", "    ", "  ")
            lines += screen.paragraph(screen.soft(one.advice), "    ", "    ")
        return lines
    past = f", {count(report.stale, 'stale one')} as history" if report.stale else ""
    forged = f", {report.forged} that do not hold left out" if report.forged else ""
    proofs_ = f"{count(report.proofs, 'proof')}{past}{forged}"
    lines = [f"wrote {count(len(report.files), 'file')} to {report.folder}: {proofs_}"]
    if report.systems:
        lines.append(f"systems: {', '.join(report.systems)}")
    command = f"groundwork path verify {report.bundle}"
    return [*lines, "Anybody can check it, offline:", f"  {screen.teal(command)}"]


def kept(proofs_: Sequence[Proof], screen: Screen) -> list[str]:
    """Say which proofs a co-signature is about."""
    lines = [f"kept; it is about {count(len(proofs_), 'proof')}:"]
    return [
        *lines,
        *(f"  {p.id} {p.subject}: {GRADES[p.grade]} by {', '.join(p.cosigners)}" for p in proofs_),
    ]


def cosigned(file: str, screen: Screen) -> list[str]:
    """Say where a co-signature was written and what its owner does with it."""
    return [
        f"wrote {file}",
        *screen.paragraph(
            screen.soft(f"Give it to the owner, who keeps it: `groundwork path cosign {file} --add`.")
        ),
    ]


def _state(state: ProofState, screen: Screen) -> str:
    paint = {"current": screen.green, "stale": screen.amber, "forged": screen.red}
    return paint[state.state](state.state)
