"""`groundwork search`: the passages that a question brings, without answering."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from groundwork.cli.door import AsOption, Commands, Door, Reply, principal, question_of
from groundwork.cli.screen import Screen, end_cut, one_line

if TYPE_CHECKING:
    from groundwork.knowledge.filters import Filter
    from groundwork.knowledge.records import SearchResult

app = Commands()
SHOWN_CHARS = 300


@app.add("search", interrupted="nothing was changed")
def search(
    door: Door,
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION", help="The question; `-` reads it from standard input.", show_default=False
        ),
    ],
    index: Annotated[
        str | None,
        typer.Option("--index", "-i", metavar="NAME", help="The index; otherwise the default app's."),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy", "-s", metavar="NAME", help="The retrieval strategy; otherwise the default app's."
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many passages.")] = 10,
    snapshot: Annotated[
        str | None,
        typer.Option(
            "--snapshot",
            metavar="ID",
            help="A digest, its beginning, `head` or `head~1`; otherwise the head.",
        ),
    ] = None,
    filter: Annotated[
        str | None,
        typer.Option("--filter", metavar="JSON", help='Such as `{"eq": ["media_type", "text/html"]}`.'),
    ] = None,
    as_: AsOption = None,
) -> Reply:
    """Show the passages that a question brings, without answering.

    They stand best first, with the legs that found them.
    """
    condition = _filter(filter)
    with door.workspace() as workspace:
        result = workspace.search(
            question_of(question),
            index=index,
            strategy=strategy,
            k=k,
            snapshot=snapshot,
            filter=condition,
            principal=principal(as_),
        )
    return Reply(result.as_dict(), lambda screen: hits(result, screen))


def hits(result: SearchResult, screen: Screen) -> list[str]:
    """Lay out passages, best first."""
    lines: list[str] = []
    for hit in result.hits:
        legs = ", ".join(f"{name} #{leg.rank}" for name, leg in hit.legs.items())
        place = f"{one_line(hit.document)}:{hit.start}-{hit.end}"
        figures = screen.soft(f"{hit.score:.3f}  {legs}".rstrip())
        lines.append(f"{hit.rank:>2}. {screen.bold(place)}  {figures}")
        if hit.context:
            lines.append(f"    {screen.soft(end_cut(one_line(hit.context), screen.width - 4))}")
        lines += [*screen.paragraph(end_cut(one_line(hit.text), SHOWN_CHARS), "    "), ""]
    if not result.hits:
        lines += ["No passage was found.", ""]
    found = f"{result.index}@{result.snapshot[:7]} · {result.strategy} · {result.took_ms:.0f} ms"
    return [*lines, screen.soft(found)]


def _filter(text: str | None) -> Filter | None:
    if text is None:
        return None
    from groundwork.core.errors import InvalidInputError
    from groundwork.knowledge.filters import parse_filter

    try:
        return parse_filter(json.loads(text))
    except json.JSONDecodeError as error:
        raise InvalidInputError(
            f"the filter is not JSON: {error}", hint='write it like `{"eq": ["media_type", "text/html"]}`'
        ) from error
