"""`groundwork compare`: two evaluations, example by example."""

from __future__ import annotations

from typing import Annotated

import typer

from groundwork.cli import gates_view as view
from groundwork.cli import report_files
from groundwork.cli.door import Commands, Door, Reply, principal, split

app = Commands(help="Compare two evaluations example by example.")

RefArgument = (
    "An evaluation by its id or the beginning of it, `last`, or an app or release for its newest one."
)


@app.add("compare", interrupted="nothing was changed")
def compare(
    door: Door,
    a: Annotated[
        str, typer.Argument(metavar="A", help=f"The first, or baseline. {RefArgument}", show_default=False)
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The second, or candidate.", show_default=False)],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", "-m", metavar="METRIC", help="Such as correct or 'p95(latency)'. Repeatable."
        ),
    ] = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="Compare the examples that both have, although the datasets differ."),
    ] = False,
    slice_: Annotated[
        list[str] | None,
        typer.Option(
            "--slice", metavar="TAG", help="Only these tags; `language:` is all that begin so. Repeatable."
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option("--format", "-f", metavar="FORMAT", help="html, markdown or json; else by the ending."),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write the report here.")
    ] = "",
    console: Annotated[
        str, typer.Option("--console", metavar="URL", help="Address of the console, for links in the report.")
    ] = "",
) -> Reply:
    """Compare two evaluations example by example.

    Says what differs from A to B, in which metric, on which examples, and how sure that is. Both are of the same version
    of a dataset; only examples that both have are compared. Scores that are missing speak against B. Each metric has its
    difference with a 95 % interval, the test behind it, and how many examples would decide.
    """
    from groundwork.evaluation.reports.formats import format_of, write_comparison

    asking = principal(None)
    with door.workspace() as workspace:
        more = {"slices": split(slice_)} if slice_ else {}
        found = workspace.evaluation.comparisons.compare(asking, a, b, metric or None, shared=shared, **more)
    document = found.as_dict()
    if not (format_ or output):
        return Reply(document, lambda screen: view.comparison(found, screen))
    text = write_comparison(found, format_of(format_, output), base=console)
    if not output:
        return Reply(document, lambda screen: [text.rstrip("\n")])
    file = report_files.write(output, text)
    return Reply(
        {**document, "files": [file]},
        lambda screen: [*view.comparison(found, screen), screen.soft(f"wrote {file}")],
    )
