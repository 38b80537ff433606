"""`groundwork bench groundedness`: plain rows, native layouts, thresholds, and floors on the sets that are here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.bench import groundedness as bench
from groundwork.bench.grounded_rows import read
from groundwork.core.errors import InvalidInputError
from tests.data_sets import data_set


def _rows(folder: Path, n: int = 80) -> Path:
    folder.mkdir()
    with gzip.open(folder / "rows.jsonl.gz", "wt") as stream:
        for at in range(n):
            context = f"House {at} was built in {1700 + at}. It has {at + 3} rooms and a green door."
            text = f"House {at} was built in {1700 + at + (at % 2)}."
            row = {
                "id": str(at),
                "cluster": f"c{at}",
                "context": [context],
                "text": text,
                "label": 1 - at % 2,
            }
            stream.write(json.dumps(row) + "\n")
    return folder


def test_plain_rows_are_measured_with_intervals(tmp_path: Path) -> None:
    result = bench.run(_rows(tmp_path / "rows"))
    assert result["n"] == 80
    assert result["supported"] == 40
    for name in ("balanced_accuracy", "auroc"):
        assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]
        assert result[name]["value"] > 0.95
    assert result["per_second"]["value"] > 0


def test_labels_of_the_set_choose_the_threshold_and_are_left_out_of_the_figures(tmp_path: Path) -> None:
    result = bench.run(_rows(tmp_path / "rows"), labels=60, seed=2)
    assert result["n"] == 20
    assert result["calibration"]["n"] == 60
    with pytest.raises(InvalidInputError, match="too few"):
        bench.run(tmp_path / "rows", labels=59)
    with pytest.raises(InvalidInputError, match="nothing to measure"):
        bench.run(tmp_path / "rows", labels=80)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "empty"),
        ("[]", "no JSON object"),
        ("{", "no JSON"),
        ('{"text": "a"}', "lacks"),
        ('{"context": "a", "text": "a", "label": "maybe"}', "maybe"),
    ],
)
def test_rows_that_cannot_be_read_are_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "rows.jsonl").write_text(line + "\n")
    with pytest.raises(InvalidInputError, match=says):
        read(tmp_path)


def test_one_label_alone_gives_no_accuracy(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"context": "a b c", "text": "a house", "label": true}\n')
    result = bench.run(tmp_path)
    assert result["balanced_accuracy"] is None
    assert result["auroc"] is None


def test_judgements_without_texts_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="without the articles"):
        read(data_set("frank"))


@pytest.mark.parametrize(
    ("name", "every", "least"), [("wice", 3, 0.74), ("begin", 4, 0.9), ("faithbench", 1, 0.53)]
)
def test_ranking_stays_above_its_floor(name: str, every: int, least: float, tmp_path: Path) -> None:
    judged = read(data_set(name))
    rows: list[dict[str, Any]] = [
        {"id": r.id, "cluster": r.cluster, "context": r.passages, "text": r.text, "label": r.supported}
        for r in judged.rows[::every]
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert bench.run(tmp_path)["auroc"]["value"] >= least
