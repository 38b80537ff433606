"""Labs as pages of the handbook: each lab's own text with example values in its holes, and one page that lists them."""

from __future__ import annotations

from graphlib import TopologicalSorter

from groundwork.pathways.labs import LABS, Lab
from groundwork.pathways.labs import task as texts

_ABOUT = """\
# Labs

Hands-on work in a workspace of your own, verified by the records that it leaves. Everything runs on your machine, without
network, key or cost; where a model is needed, it plays a script. What a lab asks for is drawn for your workspace, so the
values on these pages are examples and yours are others.

```console
$ groundwork path labs
$ groundwork path lab first-documents
$ groundwork path verify
```

`path lab` lays out the start in `labs/<name>/` and prints the task, `path hint` helps on, `path verify` looks at the
records and says what is missing, and `path reset` begins again with another draw. `path lab NAME --test-out` gives no hints
and shows that you do not need the lesson. Passing a lab leaves a proof. What labs make is named `lab-…` and counts for no
milestone: those ask for what you built yourself. [How to write a lab](../guides/labs.md) is a page of its own.

| lab | what you do | minutes | proves | better after |
| --- | --- | --- | --- | --- |
"""


def pages() -> dict[str, str]:
    """Return the Markdown of every page by its file name: `index.md`, and one named as each lab."""
    labs = {texts.lab_id(name): LABS.make(name) for name in LABS.names()}
    written = {f"{name}.md": _page(name, lab) for name, lab in labs.items()}
    return {
        "index.md": _ABOUT + "\n".join(_row(name, labs[name]) for name in _in_order(labs)) + "\n",
        **written,
    }


def _page(name: str, lab: Lab) -> str:
    text = texts.filled(name, texts.example_draw(lab))
    title, _, rest = text.partition("\n")
    after = ", ".join(f"[{other}]({other}.md)" for other in lab.after)
    takes = f"About {lab.minutes} minutes" + (f", better after {after}" if after else "")
    about = f"{takes}. Begin with `groundwork path lab {name}`."
    return f"{title}\n\n*{about} The values on this page are examples; yours are drawn.*\n{rest}"


def _row(name: str, lab: Lab) -> str:
    cells = (
        f"[{name}]({name}.md)",
        lab.summary,
        str(lab.minutes),
        ", ".join(lab.skills),
        ", ".join(lab.after) or "—",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _in_order(labs: dict[str, Lab]) -> list[str]:
    """Return the names so that each stands behind those it comes after; else by name, the technical ones first."""
    sorter = TopologicalSorter({name: [a for a in lab.after if a in labs] for name, lab in labs.items()})
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(
            sorter.get_ready(), key=lambda n: (not n.startswith("first-"), labs[n].stream != "technical", n)
        )
        order += ready
        sorter.done(*ready)
    return order
