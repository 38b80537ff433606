"""What a person sees of ingest: only what changed is worked on, and nothing is ever half done."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import BusyError, CancelledError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.knowledge.plan import AccessRules, make_plan
from groundwork.knowledge.records import IngestProgress
from groundwork.knowledge.scan import Found, Stamp, scan
from groundwork.knowledge.store import Source
from tests.workspaces import FILES, light_workspace, write


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with light_workspace(tmp_path / "ws") as made:
        yield made


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", FILES)


def names(workspace: Workspace, snapshot: str | None = None) -> list[str]:
    return [d.document for d in workspace.documents(snapshot=snapshot)[0]]


def test_a_folder_becomes_a_snapshot_that_can_be_searched(workspace: Workspace, docs: Path) -> None:
    report = workspace.ingest([docs])
    assert report.documents.added == 3
    assert report.snapshot is not None
    assert len(report.snapshot) == 64
    assert names(workspace) == ["docs/it/passwords.txt", "docs/leave.md", "docs/travel.md"]
    hit = workspace.search("How many days of paid leave?", strategy="lexical").hits[0]
    assert hit.document == "docs/leave.md"
    view = workspace.document(hit.document_id)
    assert view.text[hit.start : hit.end] == hit.text


def test_a_second_ingest_of_the_same_files_does_nothing(workspace: Workspace, docs: Path) -> None:
    first = workspace.ingest([docs])
    second = workspace.ingest([docs])
    assert (second.snapshot, second.documents.unchanged, second.embedded) == (first.snapshot, 3, 0)
    assert len(workspace.snapshots()) == 1


def test_touching_a_file_changes_nothing(workspace: Workspace, docs: Path) -> None:
    first = workspace.ingest([docs])
    os.utime(docs / "leave.md", (1, 1))
    second = workspace.ingest([docs])
    assert second.snapshot == first.snapshot
    assert second.documents.unchanged == 3


def test_only_what_changed_is_worked_on(workspace: Workspace, docs: Path) -> None:
    workspace.ingest([docs])
    (docs / "travel.md").write_text("# Travel policy\n\nTrains are booked in first class.\n")
    (docs / "leave.md").unlink()
    write(docs, {"new.md": "# News\n\nThe office moves to Hamburg.\n"})
    report = workspace.ingest([docs])
    counts = report.documents
    assert (counts.added, counts.changed, counts.removed, counts.unchanged) == (1, 1, 1, 1)
    assert names(workspace) == ["docs/it/passwords.txt", "docs/new.md", "docs/travel.md"]
    assert not workspace.search("paid leave", strategy="lexical").hits
    assert "first class" in workspace.search("trains class", strategy="lexical").hits[0].text


def test_a_renamed_file_keeps_its_id_and_its_chunks(workspace: Workspace, docs: Path) -> None:
    workspace.ingest([docs])
    before = {d.document: d.id for d in workspace.documents()[0]}
    (docs / "leave.md").rename(docs / "holidays.md")
    report = workspace.ingest([docs])
    after = {d.document: d.id for d in workspace.documents()[0]}
    assert report.documents.renamed == 1
    assert (report.documents.added, report.documents.removed, report.embedded) == (0, 0, 0)
    assert after["docs/holidays.md"] == before["docs/leave.md"]


def test_ingesting_another_folder_leaves_the_first_one_in(
    workspace: Workspace, docs: Path, tmp_path: Path
) -> None:
    workspace.ingest([docs])
    other = write(tmp_path / "other", {"a.md": "# Other\n\nSomething else.\n"})
    workspace.ingest([other])
    assert len(names(workspace)) == 4
    workspace.ingest([docs / "it"])
    assert len(names(workspace)) == 4


def test_a_file_that_cannot_be_read_is_quarantined_with_a_reason(workspace: Workspace, docs: Path) -> None:
    (docs / "empty.md").write_bytes(b"")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    report = workspace.ingest([docs])
    reasons = {entry.path: entry.reason for entry in report.quarantine}
    assert reasons["docs/empty.md"] == "empty"
    assert reasons["docs/broken.pdf"] == "broken"
    assert report.documents.quarantined == 2
    assert {e.path for e in workspace.quarantine()} == {"docs/empty.md", "docs/broken.pdf"}
    again = workspace.ingest([docs])
    assert again.documents.quarantined == 2
    write(docs, {"empty.md": "Now there is text.\n"})
    assert workspace.ingest([docs]).documents.added == 1
    assert {e.path for e in workspace.quarantine()} == {"docs/broken.pdf"}


def test_a_document_whose_file_cannot_be_read_any_more_leaves_and_is_counted(
    workspace: Workspace, docs: Path
) -> None:
    first = workspace.ingest([docs])
    assert first.before is None
    (docs / "travel.md").write_bytes(b"")
    report = workspace.ingest([docs])
    assert (report.documents.removed, report.documents.quarantined) == (1, 1)
    assert report.before == first.snapshot != report.snapshot
    assert workspace.ingest([docs]).before == report.snapshot


def _source(file: Found) -> Source:
    seen = "2026-11-20T00:00:00+00:00"
    return Source(
        file.key,
        "",
        f"doc_{file.name}",
        "indexed",
        "v",
        "c",
        file.stamp,
        "text/plain",
        "",
        "",
        seen,
        file.name,
    )


def test_documents_in_a_folder_that_cannot_be_opened_stay(tmp_path: Path, docs: Path) -> None:
    found, roots = scan([docs])
    known = {f.key: _source(f) for f in found}
    closed = Found(str(docs / "it"), "docs/it", Stamp(0, 0, 0, 0), "the folder cannot be opened")
    seen = [f for f in found if "/it/" not in f.path]
    plan = make_plan([*seen, closed], roots, known, {}, AccessRules(None, {}))
    assert not plan.gone
    assert "docs/it/passwords.txt" in [s.name for s in plan.keep]
    assert [s.name for s in make_plan(seen, roots, known, {}, AccessRules(None, {})).gone] == [
        "docs/it/passwords.txt"
    ]


def test_a_path_that_may_not_be_read_is_an_error_and_changes_nothing(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *arguments, **more: False)
    with pytest.raises(InvalidInputError) as caught:
        scan([docs])
    assert "permission denied" in caught.value.message
    assert "permissions" in caught.value.hint


def test_an_empty_folder_is_an_error_and_changes_nothing(
    workspace: Workspace, docs: Path, tmp_path: Path
) -> None:
    workspace.ingest([docs])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no files"):
        workspace.ingest([tmp_path / "empty"])
    assert len(names(workspace)) == 3


def test_a_path_that_does_not_exist_is_an_error(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        workspace.ingest([tmp_path / "nowhere"])


def test_an_unknown_index_is_an_error_that_offers_the_nearest(workspace: Workspace, docs: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        workspace.ingest([docs], index="defualt")
    assert "did you mean `default`" in caught.value.hint


def test_a_cancelled_ingest_publishes_nothing_and_can_go_on(workspace: Workspace, docs: Path) -> None:
    stages: list[IngestProgress] = []
    with pytest.raises(CancelledError):
        workspace.ingest(
            [docs],
            progress=stages.append,
            cancelled=lambda: any(p.stage == "embedding" for p in stages) or len(stages) > 1,
        )
    assert workspace.snapshots() == []
    assert workspace.ingest([docs]).documents.added == 3


def test_a_second_writer_waits_for_the_first_and_then_gives_up(
    workspace: Workspace, docs: Path, tmp_path: Path
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(progress: IngestProgress) -> None:
        if progress.stage == "publishing":
            entered.set()
            leave.wait(10)

    first = threading.Thread(target=lambda: workspace.ingest([docs], progress=hold))
    first.start()
    assert entered.wait(10)
    other = Workspace.open(workspace.root, lease_wait_seconds=0.2)
    with pytest.raises(BusyError):
        other.ingest([docs])
    leave.set()
    first.join()
    assert other.ingest([docs]).documents.unchanged == 3
    other.close()


def test_access_lists_are_kept_inside_the_search(tmp_path: Path, docs: Path) -> None:
    spec = '[indexes.default]\nbackend = "memory"\nembedder = "none"\naccess = { "it/*" = ["group:it"] }\n'
    with light_workspace(tmp_path / "acl", spec) as workspace:
        workspace.ingest([docs])
        ann = Principal(name="user:ann", access=frozenset({"user:ann"}))
        bob = Principal(name="user:bob", access=frozenset({"group:it"}))
        assert not workspace.search("passwords characters", strategy="lexical", principal=ann).hits
        assert workspace.search("passwords characters", strategy="lexical", principal=bob).hits
        assert [d.document for d in workspace.documents(principal=ann)[0]] == [
            "docs/leave.md",
            "docs/travel.md",
        ]
        secret = next(d for d in workspace.documents()[0] if d.document == "docs/it/passwords.txt")
        with pytest.raises(NotFoundError):
            workspace.document(secret.id, ann)
        other = Principal(tenant="other", name="user:eve", owner=True)
        with pytest.raises(NotFoundError):
            workspace.search("passwords", strategy="lexical", principal=other)


def test_a_changed_access_list_takes_effect_without_touching_the_file(
    workspace: Workspace, docs: Path
) -> None:
    workspace.ingest([docs])
    ann = Principal(name="user:ann")
    assert workspace.search("trains", strategy="lexical", principal=ann).hits
    workspace.ingest([docs], access=["group:travel"])
    assert not workspace.search("trains", strategy="lexical", principal=ann).hits
    workspace.ingest([docs])
    assert not workspace.search("trains", strategy="lexical", principal=ann).hits
