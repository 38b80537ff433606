"""Every fault of a provider, whole and streamed, in every dialect, through the real server: each call ends rightly."""

from __future__ import annotations

from typing import Any

import pytest

from groundwork.bench import faults
from groundwork.bench.fault_cells import CHAT_DIALECTS, cells
from groundwork.server.application import create_app
from groundwork.testing.upstream_script import CHAT_FAULTS


@pytest.fixture(scope="module")
def matrix() -> dict[str, Any]:
    """The whole matrix, run once."""
    result = faults.run(create_app)
    print(faults.summary(result))
    return result


def test_the_matrix_has_every_kind_of_fault_in_every_form_and_dialect() -> None:
    chat = [c for c in cells() if c.part == "end" and c.inbound in CHAT_DIALECTS]
    assert len({c.fault for c in chat}) >= 30
    assert len({(c.fault, c.stream, c.inbound) for c in chat}) == len(CHAT_FAULTS) * 2 * 3 >= 180
    assert {c.wire for c in chat} == {"openai", "anthropic"}
    assert len({c.name for c in cells()}) == len(list(cells()))


def test_every_call_ends_rightly_in_time_and_on_record(matrix: dict[str, Any]) -> None:
    assert matrix["failures"] == []
    assert matrix["passed"] == matrix["cells"]


def test_nothing_is_left_behind(matrix: dict[str, Any]) -> None:
    assert not any(matrix["left_behind"].values()), matrix["left_behind"]
