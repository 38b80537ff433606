"""Thresholds of a domain from its own labels, kept in a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundwork.app.grounding import detector, domains, keep, kept
from groundwork.core.errors import DamagedError, InvalidInputError, NotFoundError
from groundwork.evaluation.groundedness.model import RESPONSE, bundled
from groundwork.evaluation.groundedness.thresholds import Labelled, Thresholds, best_cut, calibrate
from tests.workspaces import light_workspace


def _labels(n: int, shift: float = 2.0, seed: int = 1) -> list[Labelled]:
    rng = np.random.default_rng(seed)
    found = []
    for at in range(n):
        right = bool(at % 2)
        value = float(rng.normal(shift if right else -shift)) / 2 - 3
        found.append(Labelled(dict.fromkeys(RESPONSE, value), right, f"cluster-{at // 2}"))
    return found


def test_thresholds_are_found_where_the_labels_part() -> None:
    found = calibrate(_labels(100), bundled(), seed=3, domain="desk")
    assert found == calibrate(_labels(100), bundled(), seed=3, domain="desk")
    assert (found.n, found.supported, found.clusters) == (100, 50, 50)
    assert 0.9 < found.balanced_accuracy <= 1.0
    assert found.low <= found.balanced_accuracy <= found.high
    assert Thresholds.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (_labels(59), "too few"),
        ([r for r in _labels(200) if r.supported], "say supported"),
        ([Labelled(r.figures, r.supported, "one") for r in _labels(100)], "1 passages"),
    ],
)
def test_labels_that_decide_nothing_are_refused(labels: list[Labelled], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        calibrate(labels, bundled())


def test_labels_without_a_signal_are_reported_as_chance() -> None:
    assert calibrate(_labels(100, shift=0.0), bundled(), adapt=False).high < 0.65


def test_a_cut_parts_what_can_be_parted() -> None:
    scores = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    assert -1.0 < best_cut(scores, scores > 0) < 1.0
    assert np.isfinite(best_cut(np.zeros(6), scores > 0))


def test_a_workspace_keeps_thresholds_by_domain(tmp_path: Path) -> None:
    with light_workspace(tmp_path) as workspace:
        assert domains(workspace) == []
        assert detector(workspace, "desk").thresholds is None
        found = calibrate(_labels(100), bundled(), domain="desk", adapt=False)
        path = keep(workspace, "desk", found)
        assert domains(workspace) == ["desk"]
        assert kept(workspace, "desk") == found
        assert detector(workspace, "desk").threshold == found.response
        with pytest.raises(NotFoundError):
            kept(workspace, "other")
        with pytest.raises(InvalidInputError):
            keep(workspace, "../escape", found)
        path.write_text("{}")
        with pytest.raises(DamagedError):
            detector(workspace, "desk")
