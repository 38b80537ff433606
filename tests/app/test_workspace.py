"""Opening a workspace, its settings, and the same day's work on PostgreSQL and with blobs elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.app.config import read_config
from groundwork.app.workspace import Workspace
from groundwork.core.errors import (
    DamagedError,
    NotFoundError,
    NoWorkspaceError,
    SettingsError,
    WorkspaceVersionError,
)
from tests.workspaces import FILES, LIGHT, light_workspace, write


def test_init_makes_a_workspace_and_a_second_init_opens_it(tmp_path: Path) -> None:
    Workspace.init(tmp_path / "a").close()
    (tmp_path / "a" / "groundwork.toml").write_text(LIGHT)
    with Workspace.init(tmp_path / "a") as again:
        assert again.spec.indexes["default"].backend == "memory"
        assert again.indexes()[0].head is None


def test_a_workspace_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    Workspace.init(tmp_path).close()
    (tmp_path / "deep" / "down").mkdir(parents=True)
    assert Workspace.open(tmp_path / "deep" / "down").root == tmp_path


def test_where_there_is_no_workspace_the_hint_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspaceError) as caught:
        Workspace.open(tmp_path)
    assert "groundwork init" in caught.value.hint


def test_every_value_knows_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "groundwork.toml").write_text("port = 9000\nthreads = 1\n")
    resolved = read_config(
        tmp_path, {"GROUNDWORK_THREADS": "3", "GROUNDWORK_UNRELATED": "x"}, {"max_file_mib": 7}
    )
    origins = {key: (value, origin) for key, value, origin in resolved.rows()}
    assert origins["settings.port"] == (9000, "groundwork.toml")
    assert origins["settings.threads"] == (3, "environment")
    assert origins["settings.max_file_mib"] == (7, "argument")
    assert origins["settings.host"] == ("127.0.0.1", "default")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("prot = 1\n", "unknown key `prot`", "port"),
        ("[indexes.default]\nchunkr = 'x'\n", "`indexes.default.chunkr`", "chunker"),
        ("port = 'abc'\n", "'abc'", "groundwork settings"),
        ("port = \n", "not valid TOML", "groundwork.toml"),
        ("[apps.default]\nthreshold = 3\n", "threshold", "groundwork settings"),
    ],
)
def test_a_spec_that_makes_no_sense_is_explained(tmp_path: Path, text: str, message: str, hint: str) -> None:
    (tmp_path / "groundwork.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_config(tmp_path, {})
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_workspace_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with light_workspace(tmp_path) as workspace, workspace.rooms.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_future'")
    before = (tmp_path / ".groundwork" / "groundwork.db").read_bytes()
    with pytest.raises(WorkspaceVersionError) as caught:
        Workspace.open(tmp_path)
    assert caught.value.hint
    assert (tmp_path / ".groundwork" / "groundwork.db").read_bytes() == before


def test_the_doctor_names_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    with light_workspace(tmp_path) as workspace:
        findings = {f.topic: f for f in workspace.doctor()}
    assert findings["database"].level == "ok"
    assert findings["index default"].level == "warn"
    assert "groundwork ingest" in findings["index default"].hint


def test_the_doctor_looks_at_every_index_and_app_though_one_is_misconfigured(tmp_path: Path) -> None:
    spec = (
        LIGHT
        + '[indexes.odd]\nembedder = "nope"\n[apps.default]\nstrategy = "zzz"\n[apps.lost]\nindex = "absent"\n'
    )
    with light_workspace(tmp_path, spec) as workspace:
        wrong = {f.topic: f for f in workspace.doctor() if f.level == "error"}
        assert set(wrong) == {"index odd", "app default", "app lost"}
        assert "`nope`" in wrong["index odd"].message
        assert "dense" in wrong["app default"].hint
        assert "[indexes.absent]" in wrong["app lost"].hint
        with pytest.raises(NotFoundError) as caught:
            workspace.ask("Where is it?", app="lost")
    assert caught.value.message == "there is no index `absent`"


def test_the_doctor_says_that_an_index_needs_weights_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with light_workspace(tmp_path) as workspace:
        workspace.ingest([write(tmp_path / "files", FILES)])
        found = [replace(i, embedder="minilm") for i in workspace.indexes()]
        monkeypatch.setattr(Workspace, "indexes", lambda self: found)
        monkeypatch.setattr("groundwork.models.weights.is_present", lambda *arguments: False)
        wrong = [f for f in workspace.doctor() if f.level == "error"]
    assert [f.topic for f in wrong] == ["index default"]
    assert "cannot be searched" in wrong[0].message
    assert "--rebuild" in wrong[0].hint


@pytest.mark.parametrize("empty", [True, False])
def test_a_lost_database_beside_stored_documents_is_told_and_not_begun_anew(
    tmp_path: Path, empty: bool
) -> None:
    with light_workspace(tmp_path) as workspace:
        workspace.ingest([write(tmp_path / "files", FILES)])
    for file in (tmp_path / ".groundwork").glob("groundwork.db*"):
        file.unlink()
    database = tmp_path / ".groundwork" / "groundwork.db"
    if empty:
        database.touch()
    for opened in (Workspace.open, Workspace.init):
        with pytest.raises(DamagedError) as caught:
            opened(tmp_path)
        assert "restore a backup" in caught.value.hint
    assert database.exists() == empty
    assert not empty or database.stat().st_size == 0


def test_a_day_of_work_is_the_same_on_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    docs = write(tmp_path / "docs", FILES)
    lite_spec, pg_spec = LIGHT, f'database = "{empty_postgres_url}"\n{LIGHT}'
    seen = []
    for name, spec in (("lite", lite_spec), ("pg", pg_spec)):
        with light_workspace(tmp_path / name, spec) as workspace:
            first = workspace.ingest([docs])
            answer = workspace.ask("How many days of paid leave does an employee have?")
            original = (docs / "leave.md").read_text()
            (docs / "leave.md").write_text(
                "# Leave policy\n\nEvery employee has 30 days of paid leave a year.\n"
            )
            second = workspace.ingest([docs])
            assert workspace.replay(answer.id).result == "identical"
            workspace.rollback("default", "head~1")
            back = workspace.ask(answer.question)
            assert workspace.verify().ok
            seen.append((first.snapshot, second.snapshot, answer.text, back.text, len(workspace.snapshots())))
            (docs / "leave.md").write_text(original)
    assert seen[0] == seen[1]
