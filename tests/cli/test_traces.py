"""`groundwork trace`: lists, trees, sessions, deletion and views on the command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.cli.traces import moment, question
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import LOCAL
from groundwork.telemetry.types import Query, SpanEvent
from tests.cli.conftest import Done, call
from tests.telemetry.making import START, generation, span, span_id, trace_id

SECOND = 10**9


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("traces")
    workspace = Workspace.init(made)
    workspace.telemetry.store.add(
        "default",
        [
            span(
                1, 0, app="shop", session_id="s1", user_id="ann", name="ask", input="When does the gate open?"
            ),
            generation(1, 1, 0, cost_nanousd=12_000_000, events=(SpanEvent("done", START + SECOND),)),
            span(2, 0, session_id="s1", status="error", name="tool \x1b[31mred"),
            span(3, 4, 9, name="lost"),
        ],
    )
    workspace.close()
    return made


def trace(root: Path, *arguments: object) -> Done:
    return call("trace", *arguments, "--workspace", root)


def test_traces_are_listed_for_people_and_as_json(root: Path) -> None:
    said = trace(root, "list")
    assert said.code == 0
    assert "$0.012" in said.out
    assert "1 error" in said.out
    assert "\x1b[31m" not in said.out
    found = trace(root, "list", "gate", "--where", "app=shop", "--json").json
    assert [t["trace_id"] for t in found["traces"]] == [trace_id(1)]
    first = trace(root, "--limit", "1", "--json").json
    second = trace(root, "--limit", "5", "--after", first["next"], "--json").json
    assert len(first["traces"]) + len(second["traces"]) == 3
    assert trace(root, "list", "nothing").out.strip() == "No trace fits."


def test_a_trace_is_shown_as_a_tree_and_a_span_with_everything(root: Path) -> None:
    said = trace(root, "show", trace_id(1)[:8])
    assert "When does the gate open?" in said.out
    assert "  step 1" in said.out
    assert "100 read, 10 written" in said.out
    assert trace(root, "show", "last").out.startswith("lost")
    assert "its root has not come" in trace(root, "show", "last").out
    one = trace(root, "show", trace_id(1), "--span", span_id(1))
    assert "event after" in one.out
    assert trace(root, "show", trace_id(1), "--json").json["spans"][1]["depth"] == 1
    missing = trace(root, "show", "abcdef")
    assert missing.code != 0
    assert "groundwork trace list" in missing.err


def test_spans_and_sessions_are_listed(root: Path) -> None:
    assert [
        s["name"] for s in trace(root, "spans", "--where", "kind=generation", "--json").json["spans"]
    ] == ["step 1"]
    assert "s1" in trace(root, "sessions").out
    assert len(trace(root, "sessions", "s1", "--json").json["traces"]) == 2
    assert trace(root, "sessions", "none").code != 0


def test_deleting_needs_one_way_to_say_what(root: Path) -> None:
    assert trace(root, "delete").code != 0
    assert trace(root, "delete", trace_id(1), "--where", "app=shop").code != 0
    workspace = Workspace.open(root)
    workspace.telemetry.store.add("default", [span(n, 0, app="gone") for n in (20, 21, 22)])
    workspace.close()
    assert trace(root, "delete", trace_id(20)).out.strip() == "deleted 1 trace with 1 span"
    assert trace(root, "delete", "--where", "app=gone", "--json").json == {"traces": 2, "spans": 2}
    assert trace(root, "kept", "--drop", "--json").json["dropped"]["deleted_spans"] == 3
    assert "deleted by hand: 3 traces, 3 spans" in trace(root, "kept").out


def test_saved_views_are_listed_and_forgotten(root: Path) -> None:
    assert "No view is saved yet" in trace(root, "views").out
    workspace = Workspace.open(root)
    made = workspace.telemetry.views.save(LOCAL, "Errors", "traces", "status=error", True)
    workspace.close()
    assert "status=error" in trace(root, "views", "--page", "traces").out
    assert trace(root, "views", "--delete", made.id, "--json").json == {"views": []}


def test_filters_and_times_are_read_as_people_write_them() -> None:
    asked = question(
        "gate", ["app=shop", "min_ms=1.5", "min_tokens=3", "name=a=b"], "2026-11-28", "2026-11-28T10:00+01:00"
    )
    assert asked == Query(
        app="shop", text="gate", min_ms=1.5, min_tokens=3, name="a=b",
        since_ns=1_795_824_000 * SECOND, until_ns=1_795_856_400 * SECOND,
    )  # fmt: skip
    back = moment("2h", "--since")
    assert back is not None
    assert abs(time.time_ns() - 7200 * SECOND - back) < 60 * SECOND
    for where, since in (
        (["nothing"], None),
        (["since_ns=1"], None),
        (["min_ms=x"], None),
        ([], "yesterday"),
        ([], "2026-13-01"),
    ):
        with pytest.raises(InvalidInputError):
            question("", where, since, None)
