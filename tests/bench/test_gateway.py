"""The bench of the gateway measures what it says, on a small scale; figures themselves depend on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.bench import gateway
from groundwork.bench.gateway_load import Reply

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@linux
@pytest.mark.slow
def test_a_small_run_has_every_figure_and_no_error() -> None:
    result = gateway.run(rounds=30, requests=200, repeats=1, memory_requests=200)
    for part in ("latency", "stream"):
        figures = result[part]["groundwork"]
        assert figures["errors"] == 0
        assert figures["added"]["n"] == result[part]["direct"]["n"] >= 15
        assert 0 < figures["added"]["p50"] <= figures["added"]["p99"]
        low, high = figures["added"]["p50_interval"]
        assert low <= figures["added"]["p50"] <= high
    assert result["throughput"]["groundwork"]["errors"] == 0
    assert result["throughput"]["groundwork"]["per_second"]["median"] > 20
    assert result["cpu"]["groundwork"]["one_client_ms"]["median"] > 0
    assert result["memory"]["errors"] == 0
    refusing = result["refusing"]
    assert set(refusing["statuses"]) <= {"503", "507"}
    assert (refusing["reached_upstream"], refusing["rows_added"], refusing["open_rows"]) == (0, 0, 0)
    assert refusing["serves_again"]


def test_a_reply_is_whole_when_its_length_or_last_chunk_has_come() -> None:
    sized = Reply()
    assert not sized.feed(b"HTTP/1.1 200 OK\r\nContent-Le")
    assert not sized.feed(b"ngth: 5\r\n\r\nab")
    assert sized.feed(b"cde")
    assert (sized.status, sized.text) == (200, b"abcde")
    chunked = Reply()
    assert not chunked.feed(b"HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\n")
    assert chunked.first_data
    assert chunked.feed(b"0\r\n\r\n")
    assert chunked.status == 429
