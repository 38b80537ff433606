"""The measurement of predicates runs, small, and says what it measured."""

from __future__ import annotations

from groundwork.bench import evidence
from groundwork.cli.bench_evidence import _lines
from groundwork.cli.screen import Screen


def test_a_small_measurement_says_what_it_measured() -> None:
    told: list[str] = []
    found = evidence.run(1000, 1, progress=lambda done, total, what: told.append(what))
    assert found["checks"] == 31
    assert set(found["worlds"]) == {"held", "nearly"}
    for world in found["worlds"].values():
        assert world["records"] >= 1000
        assert sum(world["outcomes"].values()) == 31
        assert world["outcomes"]["unavailable"] == 9
        assert world["all_ms"] >= world["slowest_ms"] > 0
    assert found["worlds"]["held"]["outcomes"]["proven"] > found["worlds"]["nearly"]["outcomes"]["proven"]
    assert "asking" in told
    assert any("the bar of 5 s" in line for line in _lines(found, Screen(width=140)))
