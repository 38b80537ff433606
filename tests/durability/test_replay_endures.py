"""An answer can be made again whatever happened since: new documents, changed ones, compaction, another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from tests.durability.processes import result, start
from tests.durability.stages import make_workspace

THINGS = (
    "harbour",
    "library",
    "mill",
    "bridge",
    "chapel",
    "market",
    "station",
    "orchard",
    "theatre",
    "tower",
)
FACTS = (
    "The {thing} of {place} was built in {year}.",
    "It costs {price} crowns to enter the {thing} of {place}.",
    "The keeper of the {thing} of {place} lives {price} steps from its door.",
)
ASKED = ("when was the {thing} of {place} built", "what does it cost to enter the {thing} of {place}")


def places(count: int) -> list[str]:
    return [
        f"{a}{b}"
        for a in ("North", "South", "Old", "New", "Lower", "Upper")
        for b in ("ham", "ford", "wick", "by")
    ][:count]


def write_facts(folder: Path, count: int, shift: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    for number, place in enumerate(places(count)):
        lines = [f"# {place}\n"]
        for n, thing in enumerate(THINGS):
            values = {
                "thing": thing,
                "place": place,
                "year": 1500 + 17 * number + n + shift,
                "price": 3 + n + number,
            }
            lines.append(" ".join(fact.format(**values) for fact in FACTS) + "\n")
        (folder / f"{place}.md").write_text("\n".join(lines))


def questions(count: int) -> list[str]:
    return [
        ask.format(thing=thing, place=place) for place in places(count) for thing in THINGS for ask in ASKED
    ]


def ask_change_and_replay(root: Path, corpus: Path, answers: int, towns: int) -> dict[str, int]:
    write_facts(corpus, towns)
    with Workspace.open(root) as workspace:
        workspace.ingest([corpus])
        first = workspace.snapshots()[0].id
        asked = [workspace.ask(q) for q in questions(towns)[:answers]]
        assert len(asked) == answers
        assert sum(not a.abstained for a in asked) > answers // 2
        write_facts(corpus, towns, shift=100)
        workspace.ingest([corpus])
        (corpus / "extra.md").write_text(
            "# Extra\n\nThe harbour, the mill and the bridge were all built in 1999.\n"
        )
        workspace.ingest([corpus])
        next(corpus.glob("*ham.md")).unlink()
        workspace.ingest([corpus])
        workspace.maintain()
        workspace.rollback("default", first)
        workspace.maintain()
    done = result(start("replay", str(root)))
    assert done["differences"] == []
    counts: dict[str, int] = done["results"]
    return counts


def test_twenty_answers_are_replayed_after_new_snapshots_compaction_and_restart(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "workspace", "lsa")
    assert ask_change_and_replay(root, tmp_path / "towns", 20, 2) == {"identical": 20}


@pytest.mark.slow
def test_two_hundred_answers_are_replayed_after_new_snapshots_compaction_and_restart(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "workspace", "minilm")
    assert ask_change_and_replay(root, tmp_path / "towns", 200, 12) == {"identical": 200}
