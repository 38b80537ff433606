"""`groundwork trace import` and `export` on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import call
from tests.telemetry.exporting.sink import served
from tests.telemetry.importing.records import LANGFUSE, TAU, TRACE, lines
from tests.workspaces import LIGHT, light_workspace


def test_traces_come_in_from_files_and_go_out_into_one(tmp_path: Path) -> None:
    root = tmp_path / "w"
    light_workspace(root).close()
    (tmp_path / "a.jsonl").write_bytes(lines(LANGFUSE, TAU) + b"odd\n")
    done = call("trace", "import", tmp_path / "a.jsonl", "--workspace", root)
    assert done.code == 0
    assert "8 spans of 2 traces (langfuse, tau_bench)" in done.out
    assert "1 of 3 records were not imported" in done.out
    assert "record 3: a line that is no JSON" in done.out
    again = call("trace", "import", tmp_path / "a.jsonl", "--workspace", root, "--json").json["files"][0]
    assert (again["stored"], again["duplicates"], again["quarantined"]) == (0, 8, 1)

    out = tmp_path / "out.jsonl"
    done = call("trace", "export", out, "--workspace", root, "--json")
    assert (done.json["spans"], done.json["traces"]) == (8, 2)
    other = tmp_path / "other"
    light_workspace(other).close()
    assert call("trace", "import", out, "--workspace", other, "--json").json["files"][0]["stored"] == 8
    one = call(
        "trace", "export", out, "--format", "jsonl", "--trace", TRACE, "--workspace", root, "--json"
    ).json
    assert one["spans"] == 3
    assert {json.loads(line)["trace_id"] for line in out.read_text().splitlines()} == {TRACE}
    few = call("trace", "export", out, "--where", "kind=tool", "--workspace", root, "--json").json
    assert few["traces"] == 1


def test_all_spans_of_a_time_go_into_a_folder_of_columns(tmp_path: Path) -> None:
    import duckdb

    root = tmp_path / "w"
    light_workspace(root).close()
    (tmp_path / "a.jsonl").write_bytes(lines(LANGFUSE, TAU))
    call("trace", "import", tmp_path / "a.jsonl", "--workspace", root)
    out = tmp_path / "columns"
    done = call("trace", "export", out, "--format", "parquet", "--workspace", root, "--json").json
    assert (done["spans"], [f["spans"] for f in done["files"]]) == (8, [8])
    counted = duckdb.sql(f"SELECT count(*), count(DISTINCT trace_id) FROM '{out}/*.parquet'").fetchall()
    assert counted == [(8, 2)]
    none = call(
        "trace",
        "export",
        tmp_path / "none",
        "--format",
        "parquet",
        "--until",
        "1990-01-01",
        "--workspace",
        root,
        "--json",
    ).json
    assert (none["spans"], none["files"]) == (0, [])
    odd = call("trace", "export", out, "--format", "parquet", "--text", "x", "--workspace", root)
    assert odd.code == 2
    assert "--since" in odd.err


def test_wrong_use_is_said(tmp_path: Path) -> None:
    light_workspace(tmp_path / "w").close()
    (tmp_path / "x").write_text("hello")
    for arguments in (
        ("import", tmp_path / "absent"),
        ("import", tmp_path / "x"),
        ("import", tmp_path / "x", "--format", "unheard-of"),
        ("export",),
        ("export", tmp_path / "o", "--format", "xml"),
        ("export", tmp_path / "no" / "folder" / "o"),
    ):
        done = call("trace", *arguments, "--workspace", tmp_path / "w")
        assert done.code == 2, arguments
        assert "error:" in done.err


def test_the_export_can_be_looked_at_pushed_and_begun_anew(tmp_path: Path) -> None:
    taken: list[int] = []

    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        taken.append(len(body))
        return 200, {}, b""

    plain = tmp_path / "plain"
    light_workspace(plain).close()
    assert "No target is set" in call("trace", "export", "--status", "--workspace", plain).out
    with served(handle) as url:
        root = tmp_path / "w"
        light_workspace(root, f'{LIGHT}\n[export]\nurl = "{url}"\n').close()
        (tmp_path / "a.jsonl").write_bytes(lines(LANGFUSE))
        call("trace", "import", tmp_path / "a.jsonl", "--workspace", root)
        assert "0 spans sent, 3 waiting" in call("trace", "export", "--status", "--workspace", root).out
        assert "3 spans sent, 0 waiting" in call("trace", "export", "--now", "--workspace", root).out
        (tmp_path / "b.jsonl").write_bytes(lines(TAU))
        call("trace", "import", tmp_path / "b.jsonl", "--workspace", root)
        skipped = call("trace", "export", "--skip", "--workspace", root, "--json").json
        assert (skipped["waiting"], skipped["skipped"], len(taken)) == (0, 5, 1)
        assert any(
            "handed on" in f["message"]
            for f in call("doctor", "--workspace", root, "--json").json["findings"]
        )
    done = call("trace", "export", "--now", "--workspace", root, "--json")
    assert (done.code, done.json["state"]) == (0, "well")
