"""Snapshots: compare them, go back, let old ones go, erase from all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import ConflictError, DamagedError, GoneError, InvalidInputError, NotFoundError
from tests.workspaces import FILES, LIGHT, light_workspace, write


@pytest.fixture(params=["memory", "lance"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    spec = LIGHT.replace('"memory"', f'"{request.param}"')
    with light_workspace(tmp_path / "ws", spec) as made:
        yield made


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", FILES)


def change(docs: Path) -> None:
    (docs / "travel.md").write_text(
        "# Travel policy\n\nTrains are booked in first class.\n\nFlights need the approval of a manager.\n"
    )
    (docs / "leave.md").rename(docs / "holidays.md")
    (docs / "it/passwords.txt").unlink()
    write(docs, {"new.md": "# News\n\nThe office moves to Hamburg.\n"})


def test_the_difference_of_two_snapshots_names_every_document(workspace: Workspace, docs: Path) -> None:
    old = workspace.ingest([docs]).snapshot
    change(docs)
    new = workspace.ingest([docs]).snapshot
    assert old is not None
    assert new is not None
    diff = workspace.diff("default", old[:8], "head")
    assert {(c.kind, c.document) for c in diff.changes} == {
        ("changed", "docs/travel.md"),
        ("renamed", "docs/holidays.md"),
        ("removed", "docs/it/passwords.txt"),
        ("added", "docs/new.md"),
    }
    assert workspace.diff("default", "head~1", "head") == diff


def test_rolling_back_answers_as_before_and_rolling_forward_undoes_it(
    workspace: Workspace, docs: Path
) -> None:
    old = workspace.ingest([docs]).snapshot
    was = workspace.search("trains class", strategy="lexical")
    change(docs)
    new = workspace.ingest([docs]).snapshot
    assert old is not None
    assert new is not None
    assert workspace.rollback("default", old).id == old
    now = workspace.search("trains class", strategy="lexical")
    assert now.hits == was.hits
    with pytest.raises(ConflictError):
        workspace.rollback("default", old)
    workspace.rollback("default", new)
    assert "first class" in workspace.search("trains class", strategy="lexical").hits[0].text


def test_an_ingest_after_a_rollback_brings_the_index_up_to_date_again(
    workspace: Workspace, docs: Path
) -> None:
    old = workspace.ingest([docs]).snapshot
    change(docs)
    new = workspace.ingest([docs]).snapshot
    assert old is not None
    workspace.rollback("default", old)
    assert workspace.ingest([docs]).snapshot == new
    (docs / "new.md").write_text("# News\n\nThe office stays in Bremen.\n")
    workspace.rollback("default", old)
    workspace.ingest([docs])
    assert "Bremen" in workspace.search("office", strategy="lexical").hits[0].text
    assert workspace.verify().ok


def test_pruned_snapshots_are_gone_and_the_rest_still_answers(workspace: Workspace, docs: Path) -> None:
    for n in range(4):
        (docs / "travel.md").write_text(f"# Travel\n\nEdition {n} of the travel policy.\n")
        workspace.ingest([docs])
    dropped = workspace.prune("default", 2)
    assert len(dropped) == 2
    assert len(workspace.snapshots()) == 2
    assert "Edition 2" in workspace.search("edition", strategy="lexical", snapshot="head~1").hits[0].text
    with pytest.raises(NotFoundError):
        workspace.search("edition", strategy="lexical", snapshot=dropped[0])
    assert workspace.verify().ok


def test_a_snapshot_name_that_fits_nothing_or_too_much_is_an_error(workspace: Workspace, docs: Path) -> None:
    with pytest.raises(NotFoundError, match="no snapshot yet"):
        workspace.search("x", strategy="lexical")
    workspace.ingest([docs])
    for name in ("ffffffff", "head~7", "head~x", "abc"):
        with pytest.raises((NotFoundError, InvalidInputError)):
            workspace.snapshot("default", name)


def test_an_erased_document_is_found_in_no_snapshot_and_in_no_file(workspace: Workspace, docs: Path) -> None:
    canary = "Zanzibarquux7731"
    write(docs, {"secret.md": f"# Secret\n\nThe code word is {canary}.\n"})
    old = workspace.ingest([docs]).snapshot
    answer = workspace.ask("What is the code word?")
    (docs / "travel.md").write_text("# Travel\n\nTrains only.\n")
    workspace.ingest([docs])
    document = next(d for d in workspace.documents()[0] if d.document == "docs/secret.md")
    receipts = workspace.erase([document.id])
    holding_text = {
        "knowledge",
        "answers",
        "gateway",
        "telemetry",
        "datasets",
        "evaluations",
        "judges",
        "releases",
    }
    assert holding_text <= {r.room for r in receipts}
    for snapshot in (old, "head"):
        assert not workspace.search(canary, strategy="lexical", snapshot=snapshot).hits
        assert workspace.search("passwords", strategy="lexical", snapshot=snapshot).hits
    with pytest.raises((GoneError, NotFoundError)):
        workspace.document(document.id)
    assert workspace.replay(answer.id).result == "redacted"
    assert workspace.verify().ok
    report = workspace.ingest([docs])
    assert [e.reason for e in report.quarantine] == ["erased"]
    workspace.close()
    holding = [p for p in workspace.root.rglob("*") if p.is_file() and canary.encode() in p.read_bytes()]
    assert holding == []


def test_maintenance_removes_what_a_crash_left_and_nothing_else(workspace: Workspace, docs: Path) -> None:
    workspace.ingest([docs])
    answer = workspace.ask("How many days of paid leave does an employee have?")
    change(docs)
    workspace.ingest([docs])
    orphan = workspace.rooms.blobs.put(b"left by a crash")
    for path in (workspace.root / ".groundwork" / "blobs").rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    workspace.maintain()
    assert not workspace.rooms.blobs.exists(orphan)
    assert workspace.verify().ok
    assert workspace.replay(answer.id).result == "identical"


def test_an_ingest_after_a_rollback_counts_from_where_it_was_rolled_back_to(
    workspace: Workspace, docs: Path
) -> None:
    write(docs, {"same.md": "# Same\n\nThis one stays.\n"})
    workspace.ingest([docs])
    change(docs)
    new = workspace.ingest([docs])
    workspace.rollback("default", "head~1")
    again = workspace.ingest([docs])
    assert again.documents == new.documents
    assert again.snapshot == new.snapshot


def test_a_rollback_followed_by_an_ingest_elsewhere_keeps_what_was_rolled_back_to(
    workspace: Workspace, docs: Path, tmp_path: Path
) -> None:
    workspace.ingest([docs])
    (docs / "it/passwords.txt").unlink()
    workspace.ingest([docs])
    workspace.rollback("default", "head~1")
    other = write(tmp_path / "other", {"a.md": "# Other\n\nSomething else.\n"})
    workspace.ingest([other])
    assert workspace.search("passwords characters", strategy="lexical").hits
    assert workspace.ingest([docs]).documents.removed == 1


def test_documents_taken_out_by_name_or_folder_can_come_again(workspace: Workspace, docs: Path) -> None:
    first = workspace.ingest([docs])
    report = workspace.remove(["docs/it", "docs/leave.md"])
    assert (report.documents.removed, report.documents.unchanged) == (2, 1)
    assert [d.document for d in workspace.documents()[0]] == ["docs/travel.md"]
    assert workspace.search("paid leave", strategy="lexical", snapshot="head~1").hits
    with pytest.raises(NotFoundError):
        workspace.remove(["docs/nowhere.md"])
    again = workspace.ingest([docs])
    assert again.snapshot == first.snapshot
    assert again.documents.added == 2


def test_the_head_is_the_newest_also_when_it_was_there_before(workspace: Workspace, docs: Path) -> None:
    original = (docs / "travel.md").read_text()
    first = workspace.ingest([docs]).snapshot
    (docs / "travel.md").write_text("# Travel\n\nSomething else.\n")
    second = workspace.ingest([docs]).snapshot
    (docs / "travel.md").write_text(original)
    assert workspace.ingest([docs]).snapshot == first
    assert [s.id for s in workspace.snapshots()] == [first, second]
    assert workspace.snapshot("default", "head~1").id == second
    assert workspace.prune("default", 1) == [second]


def test_a_rebuild_mends_what_damage_has_reached(workspace: Workspace, docs: Path) -> None:
    workspace.ingest([docs])
    workspace.close()
    for path in sorted((workspace.root / ".groundwork").rglob("*")):
        inside = path.relative_to(workspace.root / ".groundwork").parts[0]
        if path.is_file() and inside in ("blobs", "knowledge"):
            data = bytearray(path.read_bytes())
            data[len(data) // 2 : len(data) // 2 + 8] = b"damaged!"[: max(1, len(data) - len(data) // 2)]
            path.write_bytes(data)
    mended = Workspace.open(workspace.root)
    assert not mended.verify().ok
    report = mended.ingest([docs], rebuild=True)
    assert report.documents.quarantined == 0
    assert mended.search("passwords characters", strategy="lexical").hits
    mended.prune("default", 1)
    mended.maintain()
    assert mended.ingest([docs]).snapshot == report.snapshot
    answer = mended.ask("How many days of paid leave does an employee have?")
    assert "28 days" in answer.text
    mended.close()


def test_a_snapshot_whose_files_are_gone_is_told_as_damage(workspace: Workspace, docs: Path) -> None:
    workspace.ingest([docs])
    workspace.close()
    shutil.rmtree(workspace.root / ".groundwork" / "knowledge")
    again = Workspace.open(workspace.root)
    with pytest.raises(DamagedError) as caught:
        again.search("passwords", strategy="lexical")
    assert "--rebuild" in caught.value.hint
    again.close()
