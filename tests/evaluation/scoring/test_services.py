"""What scorers get in a workspace, and metrics against the statistics they share formulas with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import NotFoundError
from groundwork.datasets.types import Example
from groundwork.evaluation.metrics import METRICS, Row
from groundwork.evaluation.scorers import SCORERS
from groundwork.evaluation.statistics import calibration, selective
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence
from tests.workspaces import light_workspace


def test_a_workspace_brings_the_detector_and_its_judges(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "house") as house:
        services = house.evaluation.services
        passage = "Every employee has 28 days of paid leave a year."
        assert services.grounded("Every employee has 28 days of paid leave.", [passage]).supported
        assert not services.grounded("Every employee has 45 days of paid leave.", [passage]).supported
        with pytest.raises(NotFoundError):
            services.judge("nobody")
        output = Output(
            text="Every employee has 28 days of paid leave a year.",
            sentences=(OutputSentence("Every employee has 28 days of paid leave a year.", (1,)),),
            citations=(CitedPassage(passage),),
        )
        for name in ("citation_precision", "citation_recall", "groundedness", "served_well"):
            assert SCORERS.make(name).score(Example("e", "?"), output, services).value == 1, name


def test_aurc_and_ece_are_those_of_the_statistics() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        sure, loss = np.round(rng.random(50), 1), (rng.random(50) < 0.4).astype(float)
        rows = [
            Row(f"e{i}", f"c{i}", (1 - float(x),), (float(c),), (False,))
            for i, (c, x) in enumerate(zip(sure, loss, strict=True))
        ]
        assert METRICS.make("aurc").measure(rows).value == pytest.approx(selective.aurc(sure, loss))
        assert METRICS.make("ece").measure(rows).value == pytest.approx(calibration.ece(sure, 1 - loss))
