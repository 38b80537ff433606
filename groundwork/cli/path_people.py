"""`groundwork path quiz`, `attest`, `reflect`, `proofs`, `export`, `cosign`: what people say, and what leaves the house."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.app import pathway_documents as documents
from groundwork.cli import path_people_view as view
from groundwork.cli import path_words as words
from groundwork.cli.door import Door, Reply, principal, question_of, split
from groundwork.cli.path import UNCHANGED, app

if TYPE_CHECKING:
    from groundwork.pathways.walking.types import DrawnQuiz

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@app.add("quiz", interrupted="the draw waits for its answers: the same command goes on with it")
def quiz(
    door: Door,
    name: Annotated[
        str,
        typer.Argument(
            metavar="[QUIZ]", help="Its id; otherwise they are listed.", autocompletion=words.quizzes
        ),
    ] = "",
    answers: Annotated[
        str, typer.Option("--answers", metavar="LETTERS", help="Hand these in, one a question: `b,a,d`.")
    ] = "",
) -> Reply:
    """Take a quiz: in a terminal it asks; without one it shows the questions, and `--answers` hands in.

    A draw is scored once and the next one differs; the same answers always score the same. A quiz proves no skill by itself.
    Exits with 1 when it was handed in and not passed.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.quizzes
        if not name:
            loaded = workspace.pathways.catalogues.current()
            results = room.results(asking)
            document: Any = {
                "quizzes": [documents.quiz_line(q, results) for q in loaded.catalogue.quizzes],
                "results": [r.as_dict() for r in results],
            }
            return Reply(document, lambda screen: view.quizzes(loaded.catalogue.quizzes, results, screen))
        drawn = room.draw(asking, name)
        if not answers and (door.json or not sys.stdin.isatty()):
            return Reply(drawn.as_dict(), lambda screen: view.drawn(drawn, screen))
        chosen = _chosen(answers) if answers else _asked(door, drawn)
        result = room.hand_in(asking, drawn.id, chosen)
    return Reply(result.as_dict(), lambda screen: view.result(result, screen), 0 if result.passed else 1)


@app.add("attest", interrupted="`groundwork path attest` lists what was written down")
def attest(
    door: Door,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="[SUBJECT]",
            help="A milestone, action or skill; otherwise yours are listed.",
            autocompletion=words.subjects,
        ),
    ] = "",
    statement: Annotated[
        str,
        typer.Option("--statement", "-s", metavar="TEXT", help="What was done, in a sentence; `-` reads it."),
    ] = "",
    link: Annotated[str, typer.Option("--link", metavar="URL", help="Where it can be seen.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so; otherwise yourself.")] = "",
    withdraw: Annotated[
        str, typer.Option("--withdraw", metavar="ATS", help="Take this one back, `ats_…`.")
    ] = "",
) -> Reply:
    """Say that you did what no record can show, such as a meetup; counted apart, and never as proven."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.notes
        if withdraw:
            gone = room.withdraw(asking, withdraw)
            return Reply(gone.as_dict(), lambda screen: [f"{gone.id} is withdrawn; it counts no more"])
        if not subject:
            found = room.attestations(asking)
            document = {"attestations": [a.as_dict() for a in found]}
            return Reply(document, lambda screen: view.attestations(found, screen))
        text = _text(door, statement, "What did you do? ")
        made = room.attest(asking, subject, text, link, by or None)
    return Reply(made.as_dict(), lambda screen: view.attested(made, screen))


@app.add("reflect", interrupted=UNCHANGED)
def reflect(
    door: Door,
    question: Annotated[
        str,
        typer.Argument(
            metavar="[QUESTION]",
            help="Id of a reflection, or `note`; otherwise questions and notes are listed.",
            autocompletion=words.reflections,
        ),
    ] = "",
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="What you write; `-` reads standard input.")
    ] = "",
    forget: Annotated[
        str, typer.Option("--forget", metavar="ID", help="Delete this note for good, `rfl_…` or `ats_…`.")
    ] = "",
) -> Reply:
    """Write a note to yourself; nobody else reads it, it is in no export, and `--forget` deletes it for good."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.notes
        if forget:
            room.forget(asking, forget)
            return Reply(
                {"forgotten": forget}, lambda screen: [f"{forget} is deleted; no file holds it any more"]
            )
        loaded = workspace.pathways.catalogues.current()
        if not question:
            found = room.reflections(asking)
            document = {
                "questions": [r.model_dump(mode="json") for r in loaded.catalogue.reflections],
                "notes": [r.as_dict() for r in found],
            }
            return Reply(
                document, lambda screen: view.reflections(loaded.catalogue.reflections, found, screen)
            )
        asked = "" if question == "note" else loaded.reflection(question).ask
        if asked and not door.json:
            door.say(door.screen.paragraph(asked))
        made = room.reflect(asking, "" if question == "note" else question, _text(door, text, "> "))
    return Reply(made.as_dict(), lambda screen: [f"kept for you alone as {made.id}"])


@app.add("proofs", interrupted=UNCHANGED)
def proofs(
    door: Door,
    id_: Annotated[
        str, typer.Argument(metavar="[PROOF]", help="Open this one, `prf_…`, with its records.")
    ] = "",
    envelope: Annotated[bool, typer.Option("--envelope", help="Print its signed envelope alone.")] = False,
) -> Reply:
    """List your proofs and how each stands now, or open one: every record behind it, looked at again.

    Exits with 1 when a proof is forged or the chain of proofs does not hold.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.proofs
        if id_:
            one = room.show(asking, id_)
            code = 1 if one.state == "forged" else 0
            if envelope:
                signed = dict(one.proof.envelope)
                return Reply(signed, lambda screen: json.dumps(signed, indent=2).splitlines(), code)
            return Reply(documents.proof_document(one), lambda screen: view.proof(one, screen), code)
        found = room.list(asking)
        problems = room.verify_chain(asking)
    document = {"proofs": [documents.proof_line(s) for s in found], "problems": problems}
    forged = any(s.state == "forged" for s in found)
    return Reply(document, lambda screen: view.proofs(found, problems, screen), 1 if forged else 0)


@app.add("export", interrupted="each file is written whole; run it again to have all of them")
def export(
    door: Door,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if need be.", show_default=False)
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="Your name; otherwise the profile's.")
    ] = "",
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What you are, in a few words.")] = "",
    summary: Annotated[str, typer.Option("--summary", metavar="TEXT", help="A sentence about you.")] = "",
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="Shown as it is.")] = "",
    url: Annotated[str, typer.Option("--url", metavar="URL", help="A page of yours.")] = "",
    address: Annotated[
        str, typer.Option("--address", metavar="URL", help="Where it will be published; credentials name it.")
    ] = "",
    domain: Annotated[
        str, typer.Option("--domain", metavar="NAME", help="A domain of yours: the issuer is then `did:web`.")
    ] = "",
    systems: Annotated[
        list[str] | None,
        typer.Option("--system", metavar="APPS", help="Only these apps; otherwise all with releases."),
    ] = None,
    questions: Annotated[
        list[str] | None,
        typer.Option(
            "--question", metavar="ANSWERS", help="Show these answers in whole, `ans_…`; otherwise none."
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAMES", help="Names that must not appear anywhere."),
    ] = None,
) -> Reply:
    """Write your portfolio: a static site, JSON Resume, Open Badges, and a bundle that anybody can check offline.

    Secrets and personal data are looked for first. Where something is found nothing is written, the place is named, and it
    exits with 1. Reflections are never part of it.
    """
    with door.workspace() as workspace:
        report = workspace.pathways.portfolio.export(
            principal(None),
            folder,
            name=name,
            label=label,
            summary=summary,
            email=email,
            url=url,
            address=address,
            domain=domain,
            systems=split(systems) if systems else None,
            include_questions=split(questions or []),
            erased_names=split(without or []),
        )
    return Reply(report.as_dict(), lambda screen: view.exported(report, screen), 1 if report.stopped else 0)


@app.add("cosign", interrupted=UNCHANGED)
def cosign(
    door: Door,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Somebody's bundle; with --add a co-signature.", show_default=False
        ),
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="Who you are, for those who read it.")
    ] = "",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PROOFS", help="Only these of its proofs, `prf_…`.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write it here; otherwise it is printed.")
    ] = "",
    add: Annotated[
        bool, typer.Option("--add", help="Keep a co-signature that somebody made for you.")
    ] = False,
) -> Reply:
    """Check somebody's bundle and put your workspace's name to its proofs; its owner keeps that with `--add`."""
    from groundwork.core.errors import InvalidInputError, NotFoundError

    if not file.exists():
        raise NotFoundError(f"there is no {file}", hint="name a bundle, or with --add a co-signature")
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.proofs
        if add:
            try:
                signed = json.loads(file.read_text(encoding="utf-8"))
            except (ValueError, OSError):
                raise InvalidInputError(
                    f"{file} is no co-signature", hint="`groundwork path cosign` writes one"
                ) from None
            kept = room.add_cosignature(asking, signed)
            document: Any = {"proofs": [p.id for p in kept]}
            return Reply(document, lambda screen: view.kept(kept, screen))
        if not name.strip():
            raise InvalidInputError(
                "nobody is named who co-signs", hint='add `--name "Ann Example, Example Ltd"`'
            )
        made = room.cosign(asking, file, name=name, only=tuple(split(only or [])))
    if output:
        from groundwork.cli import report_files

        report_files.write(output, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
        return Reply(made, lambda screen: view.cosigned(output, screen))
    return Reply(made, lambda screen: json.dumps(made, indent=2, ensure_ascii=False).splitlines())


# -- below ----------------------------------------------------------------------------------------------------------
def _text(door: Door, given: str, prompt: str) -> str:
    """Return a text from an option, from standard input, or from a person at a terminal."""
    if given:
        return question_of(given)
    if not door.json and sys.stdin.isatty():
        return str(typer.prompt(prompt.rstrip(), prompt_suffix=" ", err=True))
    from groundwork.core.errors import InvalidInputError

    raise InvalidInputError("there is no text", hint="give it with an option; `-` reads standard input")


def _chosen(letters: str) -> list[int]:
    """Return places from 0 of answers given as letters (`b,a,d`, `bad`) or as numbers from 1 (`2,1,4`)."""
    from groundwork.core.errors import InvalidInputError

    words_ = [w for w in letters.lower().replace(",", " ").split() if w]
    if len(words_) == 1 and words_[0].isalpha():
        words_ = list(words_[0])
    found = []
    for word in words_:
        if len(word) == 1 and word in LETTERS:
            found.append(LETTERS.index(word))
        elif word.isascii() and word.isdigit() and int(word) > 0:
            found.append(int(word) - 1)
        else:
            raise InvalidInputError(
                f"`{word[:20]}` is no answer", hint="write a letter for each question: `b,a,d`"
            )
    return found


def _asked(door: Door, drawn: DrawnQuiz) -> list[int]:
    """Ask each question at the terminal, again where what was typed is no option."""
    screen = door.screen
    door.say([screen.bold(drawn.title), ""])
    chosen: list[int] = []
    for number, question in enumerate(drawn.questions, 1):
        door.say(view.question(number, len(drawn.questions), question, screen))
        options = LETTERS[: len(question["options"])]
        while True:
            typed = str(typer.prompt(f"  {'/'.join(options)}", prompt_suffix=": ", err=True)).strip().lower()
            if len(typed) == 1 and typed in options:
                chosen.append(options.index(typed))
                break
    return chosen
