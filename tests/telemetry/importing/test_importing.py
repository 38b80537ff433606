"""Traces of other tools come in whole, twice adds nothing, and what cannot be read is named."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.core.principal import LOCAL
from groundwork.telemetry.importing._files import records, upload
from groundwork.telemetry.importing._running import ImportReport, run
from groundwork.telemetry.intake import Intake
from groundwork.telemetry.types import Query, Span
from tests.data_sets import data_set
from tests.telemetry.conftest import Kept
from tests.telemetry.importing.records import (
    LANGFUSE,
    MLFLOW_2,
    MLFLOW_3,
    OTLP,
    OWN,
    PHOENIX,
    RECORDS,
    TAU,
    TRACE,
    lines,
)


def bring(kept: Kept, file: Path, format: str = "auto") -> ImportReport:
    return run(Intake(kept.store), "default", "local", file.name, records(file), format=format)


def spans_of(kept: Kept, trace_id: str = TRACE) -> dict[str, Span]:
    found = kept.reader.tree(LOCAL, trace_id).items
    return {s.name: kept.reader.span(LOCAL, s.trace_id, s.span_id) for s in found}


def test_a_file_of_mixed_records_comes_in_once_and_what_is_wrong_with_it_is_said(
    local: Kept, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_bytes(
        lines(LANGFUSE, TAU)
        + b"no json\n"
        + lines({"odd": 1}, {"traceId": "x", "startTime": "", "type": "SPAN"})
    )
    first, second = bring(local, file), bring(local, file)
    assert first.formats == {"langfuse": 2, "tau_bench": 1}
    assert (first.records, first.traces, first.quarantined) == (5, 2, 3)
    assert {(q.record, q.reason.split(":")[0]) for q in first.quarantine} == {
        (3, "a line that is no JSON"),
        (4, "no importer knows a record with the names odd"),
        (5, "an observation names no trace or has no id"),
    }
    assert first.stored > 0
    assert (second.stored, second.duplicates) == (0, first.stored)


def test_langfuse_tells_nesting_texts_usage_cost_and_scores(local: Kept, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"data": [LANGFUSE], "meta": {"page": 1}}))
    bring(local, file)
    spans = spans_of(local)
    root, chat, score = spans["answer"], spans["chat"], spans["helpful"]
    assert (chat.parent_id, score.parent_id, root.parent_id) == (root.span_id, root.span_id, "")
    assert (root.input, root.output, root.user_id, root.session_id, root.release) == (
        "When does the gate open?", "At nine.", "ann", "s-1", "r1"
    )  # fmt: skip
    assert (chat.kind, chat.model, chat.input_tokens, chat.output_tokens) == ("generation", "gpt-4o", 10, 4)
    assert (chat.cost_nanousd, chat.input, chat.output, chat.first_token_ms) == (
        2_000_000,
        "When?",
        "At nine.",
        200.0,
    )
    assert (chat.service, chat.scope, chat.source) == ("guide", "langfuse-sdk@3.1", "import:langfuse")
    assert (score.kind, score.output) == ("evaluation", "helpful: 1.0\nYes.")


def test_phoenix_rows_come_as_lines_as_a_table_and_from_its_interface(local: Kept, tmp_path: Path) -> None:
    table = io.StringIO()
    writer = csv.DictWriter(table, PHOENIX)
    writer.writeheader()
    writer.writerow(PHOENIX)
    (tmp_path / "spans.csv").write_text(table.getvalue())
    (tmp_path / "spans.jsonl").write_bytes(lines(PHOENIX))
    first = bring(local, tmp_path / "spans.jsonl")
    second = bring(local, tmp_path / "spans.csv")
    assert (first.stored, second.duplicates) == (1, 1)
    span = spans_of(local)["ChatCompletion"]
    assert (span.kind, span.model, span.input_tokens, span.output_tokens) == ("generation", "gpt-4o", 10, 4)
    assert (span.input, span.output, span.session_id, span.status) == ("When?", "At nine.", "s-1", "ok")
    rest = {
        "id": "1", "name": "search", "span_kind": "RETRIEVER", "parent_id": "b7ad6b7169203331",
        "start_time": PHOENIX["start_time"], "end_time": PHOENIX["end_time"], "status_code": "OK",
        "context": {"trace_id": TRACE, "span_id": "00000000000000aa"},
        "attributes": {"input.value": "q", "retrieval.documents.0.document.content": "Five days."},
    }  # fmt: skip
    (tmp_path / "rest.json").write_text(json.dumps({"data": [rest], "next_cursor": None}))
    bring(local, tmp_path / "rest.json")
    assert spans_of(local)["search"].output == "Five days."


def test_phoenix_comes_as_parquet(local: Kept, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    row = {k: v for k, v in PHOENIX.items() if v is not None}
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "spans.parquet")
    assert bring(local, tmp_path / "spans.parquet").stored == 1
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InvalidInputError, match="no Parquet"):
        bring(local, tmp_path / "broken.parquet")


def test_mlflow_comes_in_both_its_forms(local: Kept, tmp_path: Path) -> None:
    (tmp_path / "3.json").write_text(json.dumps(MLFLOW_3))
    (tmp_path / "2.json").write_text(json.dumps([MLFLOW_2, {"trace": json.dumps(MLFLOW_3)}]))
    bring(local, tmp_path / "3.json")
    spans = spans_of(local)
    assert (spans["predict"].kind, spans["predict"].input, spans["predict"].output) == (
        "generation",
        "When?",
        "At nine.",
    )
    assert (spans["predict"].user_id, spans["predict"].session_id, spans["predict"].input_tokens) == (
        "ann",
        "s-1",
        10,
    )
    assert spans["correct"].output == "correct: 1.0 true\nIt is."
    report = bring(local, tmp_path / "2.json")
    assert (report.stored, report.quarantined) == (0, 0)  # the same ids as before: the trace was here already


def test_otlp_and_our_own_lines_come_back_as_they_were(local: Kept, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(OTLP))
    assert bring(local, tmp_path / "a.jsonl").formats == {"otlp": 1}
    own = {**OWN, "span_id": "c" * 16}
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines(own)))
    bring(local, tmp_path / "b.jsonl.gz")
    span = spans_of(local)["answer"]
    assert (span.kind, span.answer_id, span.cost_nanousd, span.input) == ("answer", "ans_1", 12, "When?")
    assert span.source == "import:groundwork"
    assert span.attributes["a"] == 1


def test_a_run_of_tau_bench_reads_as_an_agent_with_its_turns_tools_and_reward(
    local: Kept, tmp_path: Path
) -> None:
    (tmp_path / "t.jsonl").write_bytes(lines(TAU))
    bring(local, tmp_path / "t.jsonl")
    (trace,) = local.reader.traces(LOCAL, Query()).items
    assert (trace.name, trace.kind, trace.user_id, trace.output) == (
        "task 3, trial 1",
        "agent",
        "olivia",
        "There is none.",
    )
    found = [
        local.reader.span(LOCAL, trace.trace_id, s.span_id)
        for s in local.reader.tree(LOCAL, trace.trace_id).items
    ]
    assert Counter(s.kind for s in found) == {"agent": 1, "generation": 2, "tool": 1, "evaluation": 1}
    tool = next(s for s in found if s.kind == "tool")
    assert (tool.status, tool.output) == ("error", "Error: none")
    reward = next(s for s in found if s.kind == "evaluation")
    assert reward.attributes["gen_ai.evaluation.score.label"] == "pass"


def test_a_format_can_be_named_and_files_that_are_none_are_refused(local: Kept, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(lines(*RECORDS.values()))
    report = bring(local, tmp_path / "x.jsonl", "otlp")
    assert report.formats == {"otlp": 1}
    assert report.quarantined == len(RECORDS) - 1
    for content in (b"hello", b"[1, 2", b"\x1f\x8b broken"):
        (tmp_path / "y").write_bytes(content)
        with pytest.raises(InvalidInputError):
            bring(local, tmp_path / "y")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        bring(local, tmp_path / "absent")
    (tmp_path / "empty").write_bytes(b"\n\n")
    assert bring(local, tmp_path / "empty").records == 0


def test_an_upload_is_bounded_also_where_it_is_packed(local: Kept) -> None:
    bomb = io.BytesIO(gzip.compress(b"[" + b" " * 5_000_000 + b"]"))
    with pytest.raises(TooLargeError):
        list(upload(bomb, "x.json.gz", 1024 * 1024))
    assert len(list(upload(io.BytesIO(lines(TAU)), "x.jsonl", 1024 * 1024))) == 1
    with pytest.raises(InvalidInputError, match="Parquet"):
        list(upload(io.BytesIO(b""), "x.parquet", 10))


def test_the_exported_runs_of_fifteen_agent_frameworks_come_in_whole(local: Kept) -> None:
    file = data_set("agent_traces") / "langfuse_framework_traces.jsonl.gz"
    report = bring(local, file)
    assert (report.records, report.quarantined) == (15, 0)
    stored = _rows(file)
    traces = {t.trace_id: t for t in local.reader.traces(LOCAL, Query(), limit=100).items}
    assert report.traces == len(traces)
    for row in stored:
        trace = traces[row["trace"]["id"]]
        assert not trace.rootless
        told = {o["id"]: o for o in row["observations"]}
        spans = {s.span_id: s for s in local.reader.tree(LOCAL, trace.trace_id, limit=200).items}
        assert set(told) <= set(spans)
        for name, observation in told.items():
            span = local.reader.span(LOCAL, trace.trace_id, name)
            assert span.name == observation["name"]
            assert round(span.duration_ms) == round((observation["latency"] or 0) * 1000)
            usage = observation["usageDetails"]
            if observation["type"] == "GENERATION":
                assert span.kind == "generation"
                assert (span.model or None) == _short(observation["model"])
                assert (span.input_tokens or 0) >= usage.get("input", 0)
                assert (span.output_tokens or 0) == usage.get("output", 0)
                assert bool(span.input) == bool(observation["input"])
            parent = observation["parentObservationId"]
            if parent in told:
                assert span.parent_id == parent
    assert bring(local, file).stored == 0


def test_the_recorded_runs_of_tau_bench_come_in_whole(local: Kept) -> None:
    file = data_set("tau_airline_traces") / "trajectories.jsonl.gz"
    report = bring(local, file)
    rows = _rows(file)
    assert (report.records, report.traces, report.quarantined) == (len(rows), len(rows), 0)
    assistants = sum(m["role"] == "assistant" for r in rows for m in r["traj"])
    tools = sum(m["role"] == "tool" for r in rows for m in r["traj"])
    assert report.stored == 2 * len(rows) + assistants + tools
    passed = local.reader.spans(LOCAL, Query(kind="evaluation"), limit=200).items
    assert len(passed) == len(rows)


def _rows(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt") as stream:
        return [json.loads(line) for line in stream]


def _short(model: str | None) -> str | None:
    return model.rpartition("models/")[2] if model else None
