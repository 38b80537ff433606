"""`groundwork judge`: try judges, draw and label samples, make their cards, see how far to trust them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import judges_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.evaluation.judges.judges import Judges

app = Commands(help="Judges: try, label samples, see how far to trust them.")
UNCHANGED = "nothing was changed"
CACHED = "what the judge said is in the cache; run it again to go on"

JudgeArgument = Annotated[
    str, typer.Argument(metavar="JUDGE", help="A judge of the spec.", show_default=False)
]
SampleArgument = Annotated[
    str, typer.Argument(metavar="SAMPLE", help="The id of a sample, `smp_…`, or `last`.", show_default=False)
]
RaterOption = Annotated[
    str, typer.Option("--rater", metavar="NAME", help="Who labels, where several people use one terminal.")
]


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door) -> Reply:
    """List the judges, how far each agrees with people, and what that allows it."""
    with door.workspace() as workspace:
        found = workspace.evaluation.judges.overview(principal(None))
    return Reply(
        {"judges": [view.judge_document(i) for i in found]}, lambda screen: view.judges(found, screen)
    )


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, judge: JudgeArgument) -> Reply:
    """Show one judge: what it is made of, its card, whether it drifted, its samples and earlier cards."""
    asking = principal(None)
    with door.workspace() as workspace:
        judges = workspace.evaluation.judges
        info, counts = judges.info(asking, judge), judges.counts(asking)
        cards, drift = judges.cards(asking, judge), judges.drift(asking, judge)
    samples = [(s, counts.get(s.id, (0, 0))) for s in info.samples]
    document = {
        **view.judge_document(info),
        "record": info.card.as_dict() if info.card else None,
        "drift": {"state": drift.state, "reason": drift.reason, "changed": drift.changed, "n": drift.n},
        "sample_list": [view.sample_document(s, n) for s, n in samples],
        "cards": [{"id": c.id, "version": c.version, "n": c.n, "created_at": c.created_at} for c in cards],
    }
    return Reply(document, lambda screen: view.judge(info, samples, cards, drift, screen))


@app.add("try", interrupted=UNCHANGED)
def try_(
    door: Door,
    judge: JudgeArgument,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="TEXT", help="What is judged; `-` reads standard input.")
    ],
    input_: Annotated[str, typer.Option("--input", "-i", metavar="TEXT", help="What was asked.")] = "",
    expected: Annotated[str, typer.Option("--expected", metavar="TEXT", help="What should come out.")] = "",
    passage: Annotated[
        list[str] | None, typer.Option("--passage", metavar="TEXT", help="A passage; may be repeated.")
    ] = None,
    other: Annotated[
        str, typer.Option("--other", metavar="TEXT", help="The second output, for a judge of pairs.")
    ] = "",
    anew: Annotated[
        bool, typer.Option("--anew", help="Ask the model also where its reply is cached.")
    ] = False,
) -> Reply:
    """Ask a judge about one output, or two. Exits with 1 when it gives no verdict that can be read."""
    from groundwork.core.errors import InvalidInputError
    from groundwork.evaluation.judges.types import Shown

    text = sys.stdin.read() if output == "-" else output
    with door.workspace() as workspace:
        asker = workspace.evaluation.judges.asker(judge, principal(None), cached=not anew)
        if asker.is_pairwise != bool(other):
            raise InvalidInputError(
                f"the judge `{judge}` "
                + ("compares two outputs" if asker.is_pairwise else "judges one output"),
                hint="give the second one with --other" if asker.is_pairwise else "leave --other out",
            )
        verdict = asker.ask(Shown(input_, text, expected, tuple(passage or ()), other))
    return Reply(verdict.as_dict(), lambda screen: view.tried(verdict, screen), 1 if verdict.error else 0)


@app.add("sample", interrupted=UNCHANGED)
def sample(
    door: Door,
    judge: JudgeArgument,
    evaluation: Annotated[
        str,
        typer.Argument(
            metavar="EVALUATION", help="Whose outputs are drawn, `evl_…` or `last`.", show_default=False
        ),
    ],
    size: Annotated[int, typer.Option("--size", min=1, max=5000, help="How many.")] = 100,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Equal seeds draw equally; by chance otherwise.", show_default=False),
    ] = None,
    against: Annotated[
        str, typer.Option("--against", metavar="EVALUATION", help="The second outputs, for a judge of pairs.")
    ] = "",
    strata: Annotated[
        str,
        typer.Option(
            "--strata",
            metavar="BY",
            help="`verdict` or `tag:NAME`: equally many of each; a simple random draw otherwise.",
        ),
    ] = "",
) -> Reply:
    """Draw outputs of an evaluation for people to label; seed, population and order are recorded."""
    with door.workspace() as workspace:
        found = workspace.evaluation.judges.draw(
            principal(None), judge, evaluation, size, seed, against=against, strata=strata
        )
    return Reply(view.sample_document(found, (0, 0)), lambda screen: view.drawn(found, screen))


@app.add("label", interrupted="what was labelled is kept; run it again to go on")
def label(
    door: Door,
    sample: SampleArgument,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="Take labels from CSV or JSON lines: `item`, `label`, `comment`.",
        ),
    ] = None,
    rater: RaterOption = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take back what you said last.")] = False,
) -> Reply:
    """Label the items of a sample, one at a time and without seeing the judge's verdict.

    Each key counts at once: a number for a label, `s` skips, `u` takes the last one back, `c` adds a comment, `q` leaves;
    the next sitting goes on where this one ended. With --json the items are listed and nothing is asked.
    """
    asking = _rater(rater)
    with door.workspace() as workspace:
        judges = workspace.evaluation.judges
        found = judges.sample(asking, sample)
        sample = found.id
        if undo:
            judges.undo(asking, sample)
        elif file is not None:
            judges.label_all(asking, sample, _given(file))
        elif not door.json:
            from groundwork.cli.judges_labelling import Session

            Session(judges, asking, sample, door.stdout).run()
        progress, items = judges.progress(asking, sample), judges.items(asking, sample)
    document = {
        "sample": sample,
        "judge": found.judge,
        "progress": progress.as_dict(),
        "items": [view.item_document(i) for i in items],
    }
    return Reply(document, lambda screen: view.labelled(progress, sample, found.judge))


@app.add("card", interrupted=CACHED)
def card(
    door: Door,
    judge: JudgeArgument,
    make: Annotated[
        bool, typer.Option("--make", help="Make a new card: the judge is asked for every labelled item.")
    ] = False,
    sample: Annotated[
        list[str] | None,
        typer.Option("--sample", metavar="SAMPLE", help="Only labels of this sample; may be repeated."),
    ] = None,
) -> Reply:
    """Show the card of a judge, or make one. Exits with 1 when it does not let the judge decide a gate."""
    asking = principal(None)
    with door.workspace() as workspace:
        judges = workspace.evaluation.judges
        if make or sample:
            with door.progress("items") as progress:
                judges.make_card(asking, judge, tuple(sample or ()), progress=progress.count)
        info = judges.info(asking, judge)
    found = info.card
    document = {**view.judge_document(info), "record": found.as_dict() if found else None}

    def lines(screen: Any) -> list[str]:
        above = view.card(found, screen) if found else []
        return [
            *above,
            *screen.paragraph(
                f"{view.admission(info)}{f': {info.trust.reason}' if info.trust.reason else ''}"
            ),
        ]

    return Reply(document, lines, 0 if info.trust.gates else 1)


@app.add("check", interrupted=UNCHANGED)
def check(
    door: Door,
    judge: JudgeArgument,
    items: Annotated[int, typer.Option("--items", min=1, max=5000, help="How many of its card.")] = 50,
) -> Reply:
    """Ask a judge again, past the cache, for items of its card. Exits with 1 when it agrees less with people than then.

    Run it on a schedule, such as weekly: a model behind a name can change without a word.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        judges = workspace.evaluation.judges
        with door.progress("items") as progress:
            found = judges.check(asking, judge, items, progress=progress.count)
        drift = judges.drift(asking, judge)
    document = {**found.as_dict(), "state": drift.state, "reason": drift.reason, "cusum": drift.cusum}
    return Reply(
        document, lambda screen: view.checked(found, drift, screen), 1 if drift.state == "drifted" else 0
    )


@app.add("import", interrupted=UNCHANGED)
def import_(
    door: Door,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or JSON lines, also gzipped.", show_default=False)
    ],
    judge: Annotated[
        str, typer.Option("--judge", metavar="JUDGE", help="Whose verdicts they are.", show_default=False)
    ],
    labels: Annotated[
        str,
        typer.Option(
            "--labels",
            metavar="WORDS",
            help="Labels worst first, such as `fail,pass`; otherwise the judge's.",
        ),
    ] = "",
    passing: Annotated[
        str, typer.Option("--passing", metavar="LABEL", help="The least that passes; otherwise the best.")
    ] = "",
    family: Annotated[
        str, typer.Option("--family", metavar="NAME", help="Family of the judge's model.")
    ] = "",
    make: Annotated[bool, typer.Option("--card/--no-card", help="Make the judge's card of it.")] = True,
) -> Reply:
    """Take in human labels and verdicts that were recorded elsewhere, and make the judge's card of them.

    Columns: `item`; `human`, or `human_1`, `human_2` … for several people; `verdict`; of pairs `swapped` (which of the same
    two outputs it preferred in the other order); `length` or `length_first`, `length_second`; `family` or `family_first`,
    `family_second`. Verdicts of pairs are `first`, `second`, `tie`. No text is taken in.
    """
    from groundwork.evaluation.judges.labels_import import read_file

    asking = principal(None)
    with door.workspace() as workspace:
        judges = workspace.evaluation.judges
        words, least = _words(judges, asking, judge, labels, passing)
        found = judges.import_judged(
            asking, judge, read_file(file, words), words, least, family=family, title=file.name
        )
        made = judges.make_card(asking, judge, (found.id,)) if make else None
        info = judges.info(asking, judge)
    document = {
        "sample": view.sample_document(found, (len(found.items), 0)),
        "card": made.as_dict() if made else None,
        **view.judge_document(info),
    }

    def lines(screen: Any) -> list[str]:
        head = f"{len(found.items):,} items are in {found.id}."
        return [head, *(view.card(made, screen) if made else []), *screen.paragraph(info.trust.reason)]

    return Reply(document, lines)


@app.add("correct", interrupted=UNCHANGED)
def correct(
    door: Door,
    evaluation: Annotated[
        str, typer.Argument(metavar="EVALUATION", help="`evl_…` or `last`.", show_default=False)
    ],
    scorer: Annotated[
        str, typer.Argument(metavar="SCORER", help="A scorer of it that asks a judge.")
    ] = "judge",
    sample: Annotated[
        str,
        typer.Option(
            "--sample", metavar="SAMPLE", help="Whose labels count; otherwise those of the fullest draw."
        ),
    ] = "",
) -> Reply:
    """Show a judged rate corrected by people's labels of a drawn part of the same outputs."""
    with door.workspace() as workspace:
        found = workspace.evaluation.judges.corrected(principal(None), evaluation, scorer, sample)
    return Reply(found.as_dict(), lambda screen: view.corrected(found, screen))


def _rater(name: str) -> Principal:
    asking = principal(None)
    return replace(asking, name=f"rater:{name.strip()[:100]}") if name.strip() else asking


def _given(file: Path) -> list[tuple[str, str, str]]:
    from groundwork.core.errors import InvalidInputError
    from groundwork.evaluation.judges.labels_import import rows

    found = []
    for number, row in rows(file):
        item, said = str(row.get("item") or "").strip(), str(row.get("label") or "").strip()
        if not item or not said:
            raise InvalidInputError(
                f"{file.name}, line {number}: `item` or `label` is missing",
                hint="a line names both",
                line=number,
            )
        found.append((item, said, str(row.get("comment") or "")))
    if not found:
        raise InvalidInputError(f"{file.name} holds no labels", hint="columns: item, label, comment")
    return found


def _words(
    judges: Judges, asking: Principal, judge: str, labels: str, passing: str
) -> tuple[tuple[str, ...], str]:
    """Return labels and passing label of what is imported: those of the judge, or as they were given."""
    from groundwork.core.errors import InvalidInputError
    from groundwork.evaluation.judges.asking import PAIR_LABELS

    if judge in judges.specs:
        return judges.words(asking, judge), judges.passing_of(judge)
    words = tuple(split([labels]))
    if set(words) == set(PAIR_LABELS):
        return PAIR_LABELS, "first"
    if len(words) < 2 or len(set(words)) < len(words) or (passing and passing not in words):
        raise InvalidInputError(
            f"the spec has no judge `{judge[:80]}`, so its labels are not known",
            hint="give them worst first, such as `--labels fail,pass`; of pairs `--labels second,tie,first`",
        )
    return words, passing or words[-1]
