"""Spans go on to where they are to go, once the target takes them, and nothing waits for it."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.core.errors import SettingsError
from groundwork.telemetry.exporting.exporter import Exporter, ExportOptions, sampled
from groundwork.telemetry.exporting.pace import Pace
from groundwork.telemetry.exporting.sending import Sent
from groundwork.telemetry.outcomes import OPEN
from groundwork.telemetry.types import Span
from tests.telemetry.conftest import NOW_NS, Kept
from tests.telemetry.exporting.sink import Sink, served
from tests.workspaces import LIGHT, light_workspace

SMALL = ExportOptions(batch=10)


def fill(kept: Kept, first: int, count: int, tenant: str = "default") -> None:
    kept.store.add(tenant, [span_number(n) for n in range(first, first + count)])


def span_number(n: int) -> Span:
    return Span(
        f"{n + 1:032x}",
        f"{n + 1:016x}",
        f"span {n}",
        NOW_NS + n,
        NOW_NS + n + 5,
        input="secret words",
        kind="generation",
    )


def exporter_of(kept: Kept, sink: Sink, options: ExportOptions = SMALL) -> Exporter:
    made = Exporter(kept.database, kept.reader, kept.clock, "http://sink", lambda: sink, options)
    made._pace = Pace(random.Random(1))
    return made


def test_every_span_of_every_tenant_goes_out_once_in_order_of_arrival(kept: Kept) -> None:
    sink = Sink()
    exporter = exporter_of(kept, sink)
    fill(kept, 0, 25)
    fill(kept, 100, 5, "other")
    exporter.drain()
    assert sorted(sink.names) == sorted([f"span {n}" for n in (*range(25), *range(100, 105))])
    assert max(sink.requests) == 10
    fill(kept, 25, 1)
    exporter.drain()
    status = exporter.status()
    assert sink.names[-1] == "span 25"
    assert (status.sent, status.waiting, status.state, status.error) == (31, 0, "well", "")
    assert exporter.step() == 1.0


def test_a_target_that_is_down_for_an_hour_gets_everything_afterwards(local: Kept) -> None:
    sink = Sink()
    sink.down = True
    exporter = exporter_of(local, sink)
    fill(local, 0, 40)
    waited, states = 0.0, set()
    while waited < 3600:
        pause = exporter.step()
        assert 0 < pause <= 60
        local.clock.advance(pause)
        waited += pause
        states.add(exporter.status().state)
    assert states == {"retrying", "open"}
    assert exporter.status().waiting == 40
    assert "nobody answers" in exporter.status().error
    sink.down = False
    exporter.drain()
    assert (len(sink.names), exporter.status().state, exporter.status().sent) == (40, "well", 40)
    assert sink.requests[0] <= 16  # the first one after a breaker is a small one


def test_what_the_target_asks_for_is_waited_for_within_an_hour(local: Kept) -> None:
    sink = Sink()
    sink.answer = lambda spans: Sent(429, b"", 120.0)
    fill(local, 0, 1)
    exporter = exporter_of(local, sink)
    assert exporter.step() == 120.0
    sink.answer = lambda spans: Sent(503, b"", 10.0**9)
    assert exporter.step() == 3600.0
    assert exporter.status().error.startswith("503")


def test_a_batch_that_is_too_large_is_halved_and_a_single_span_that_is_dropped(local: Kept) -> None:
    sink = Sink()
    sink.answer = lambda spans: Sent(413 if spans > 3 else 200)
    fill(local, 0, 10)
    exporter = exporter_of(local, sink)
    exporter.drain()
    assert len(sink.names) == 10
    sink.answer = lambda spans: Sent(413)
    fill(local, 10, 2)
    exporter.drain()
    assert (exporter.status().dropped, exporter.status().waiting) == (2, 0)
    huge = replace(span_number(20), attributes={"a": "x" * 5000})
    local.store.add("default", [huge, replace(huge, span_id="f" * 16)])
    sink.answer = lambda spans: Sent(200)
    exporter_of(local, sink, ExportOptions(batch_bytes=6000)).drain()
    assert sink.requests[-2:] == [1, 1]


def test_what_is_refused_for_good_is_dropped_counted_and_said(local: Kept) -> None:
    sink = Sink()
    sink.answer = lambda spans: Sent(400, b"no such thing")
    fill(local, 0, 4)
    exporter = exporter_of(local, sink)
    exporter.step()
    status = exporter.status()
    assert (status.dropped, status.waiting, status.state) == (4, 0, "well")
    assert status.error == "4 spans were refused: 400 no such thing"
    sink.answer = lambda spans: Sent(200, b"\x0a\x08\x08\x02\x12\x04full")
    fill(local, 4, 5)
    exporter.step()
    assert (exporter.status().rejected, exporter.status().sent) == (2, 3)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_key_or_an_address_that_is_wrong_loses_nothing(local: Kept, status: int) -> None:
    sink = Sink()
    sink.answer = lambda spans: Sent(status, b"who are you")
    fill(local, 0, 3)
    exporter = exporter_of(local, sink)
    assert exporter.step() > 0
    assert (exporter.status().state, exporter.status().waiting) == ("misconfigured", 3)
    sink.answer = lambda spans: Sent(200)
    exporter.drain()
    assert len(sink.names) == 3


def test_another_process_goes_on_where_the_last_answer_was(local: Kept) -> None:
    sink = Sink()
    fill(local, 0, 25)
    first = exporter_of(local, sink)
    first.step()
    sink.down = True
    first.step()  # as if it were killed here: nothing it did not hear about counts
    sink.down = False
    exporter_of(local, sink).drain()
    assert sorted(sink.names) == sorted(f"span {n}" for n in range(25))


def test_a_spool_that_is_full_skips_the_oldest_and_counts_them(local: Kept) -> None:
    sink = Sink()
    sink.down = True
    exporter = exporter_of(local, sink, ExportOptions(batch=10, spool_spans=20))
    fill(local, 0, 50)
    exporter.step()
    assert (exporter.status().skipped, exporter.status().waiting) == (30, 20)
    sink.down = False
    exporter.drain()
    assert sink.names == [f"span {n}" for n in range(30, 50)]
    fill(local, 50, 5)
    assert exporter.skip() == 5
    exporter.drain()
    assert len(sink.names) == 20


def test_spans_that_are_still_open_and_those_outside_of_the_sample_stay_here(local: Kept) -> None:
    sink = Sink()
    local.store.add("default", [replace(span_number(1), attributes={OPEN: True}), span_number(2)])
    exporter_of(local, sink).drain()
    assert sink.names == ["span 2"]
    shares = [sampled(f"{random.Random(n).getrandbits(128):032x}", 0.25) for n in range(4000)]
    assert 0.22 < sum(shares) / 4000 < 0.28
    assert sampled("f" * 32, 1.0)
    assert not sampled("0" * 32, 0.0)


def test_texts_stay_here_where_content_is_off(local: Kept) -> None:
    bodies: list[bytes] = []

    class Keeping(Sink):
        def send(self, body: bytes) -> Sent:
            bodies.append(body)
            return super().send(body)

    fill(local, 0, 1)
    exporter_of(local, Keeping(), ExportOptions(content=False)).drain()
    assert b"secret words" not in bodies[0]
    assert b"span 0" in bodies[0]


def test_a_workspace_exports_over_http_with_headers_from_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []

    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        seen.append(headers)
        return 200, {}, b"{}"

    monkeypatch.setenv("SINK_KEY", "Bearer abc")
    with served(handle) as url:
        spec = f'{LIGHT}\n[export]\nurl = "{url}"\nprotocol = "http/json"\nheaders = {{ Authorization = "env:SINK_KEY" }}\n'
        workspace = light_workspace(tmp_path, spec)
        workspace.telemetry.store.add("default", [span_number(1)])
        exporter = workspace.telemetry.exporter
        assert exporter is not None
        exporter.drain()
        exporter.close()
        assert exporter.status().sent == 1
        assert exporter.status().target == f"{url}/v1/traces"
        workspace.close()
    assert seen[0][":path"] == "/v1/traces"
    assert seen[0]["authorization"] == "Bearer abc"
    assert seen[0]["content-type"] == "application/json"


def test_a_secret_goes_to_no_host_without_encryption_and_into_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not belong into this file"):
        light_workspace(tmp_path / "a", f'{LIGHT}\n[export]\nurl = "https://x"\nheaders = {{ K = "abc" }}\n')
    spec = f'{LIGHT}\n[export]\nurl = "http://collector.example.com"\nheaders = {{ K = "env:HOME" }}\n'
    with light_workspace(tmp_path / "b", spec) as workspace:
        workspace.telemetry.store.add("default", [span_number(1)])
        exporter = workspace.telemetry.exporter
        assert exporter is not None
        assert exporter.step() > 0
        assert exporter.status().state == "misconfigured"
        assert "not encrypted" in exporter.status().error
