"""Another embedder or chunker is another index version: never a mixture, and old answers stay what they were."""

from __future__ import annotations

from pathlib import Path

from groundwork.app.workspace import Workspace
from tests.workspaces import FILES, light_workspace, write

WITH = '[indexes.default]\nbackend = "lance"\nembedder = "{embedder}"\n'


def reopened(workspace: Workspace, spec: str) -> Workspace:
    workspace.close()
    (workspace.root / "groundwork.toml").write_text(spec)
    return Workspace.open(workspace.root)


def test_another_embedder_makes_another_index_version_and_old_answers_replay(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", FILES)
    workspace = light_workspace(tmp_path / "ws", WITH.format(embedder="none"))
    old = workspace.ingest([docs])
    answer = workspace.ask("How many days of paid leave does an employee have?")
    workspace = reopened(workspace, WITH.format(embedder="lsa"))
    new = workspace.ingest([docs])
    assert new.snapshot != old.snapshot
    assert new.documents.unchanged == 3
    assert new.embedded == new.chunks
    assert workspace.snapshots()[0].embedder == "lsa"
    diff = workspace.diff("default", "head~1", "head")
    assert "embedder" in diff.settings
    assert "dense" in {leg for hit in workspace.search("paid leave").hits for leg in hit.legs}
    assert workspace.replay(answer.id).result == "identical"
    assert workspace.verify().ok
    folders = list((workspace.root / ".groundwork" / "knowledge" / "default" / "default").iterdir())
    assert len(folders) == 2
    workspace.close()


def test_another_chunker_cuts_everything_anew_and_embeds_only_what_is_new_text(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", FILES)
    workspace = light_workspace(tmp_path / "ws")
    workspace.ingest([docs])
    workspace = reopened(
        workspace,
        '[indexes.default]\nbackend = "memory"\nembedder = "none"\nchunker = { name = "sentences", max_chars = 64 }\n',
    )
    report = workspace.ingest([docs])
    assert report.chunks > 4
    view = workspace.document(workspace.documents()[0][0].id)
    assert "".join(view.text[c.start : c.end] for c in view.chunks) == view.text
    workspace.close()


def test_other_parameters_of_an_embedder_are_another_version_and_a_rollback_finds_the_first(
    tmp_path: Path,
) -> None:
    docs = write(tmp_path / "docs", FILES)
    spec = '[indexes.default]\nbackend = "memory"\nembedder = {{ name = "lsa", dimensions = {n} }}\n'
    workspace = light_workspace(tmp_path / "ws", spec.format(n=4))
    first = workspace.ingest([docs])
    workspace = reopened(workspace, spec.format(n=8))
    second = workspace.ingest([docs])
    assert first.snapshot != second.snapshot
    workspace.rollback("default", "head~1")
    assert workspace.search("paid leave", k=1).snapshot == first.snapshot
    workspace.close()
