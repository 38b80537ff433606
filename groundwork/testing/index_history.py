"""What many processes, killed writers and any history of calls must leave of an index."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from groundwork.core.digest import digest_json
from groundwork.knowledge.filters import Eq, Not
from groundwork.knowledge.indexes import INDEXES, Index, Scope
from groundwork.knowledge.types import ChunkRow
from groundwork.testing.index_oracle import (
    DENSE_TOLERANCE,
    DIM,
    EVERYTHING,
    LEXICAL_TOLERANCE,
    TENANT,
    WORDS,
    Oracle,
    answers,
    check_hits,
    make_row,
)


def check_processes(
    name: str, location: Path, control: Path, *, readers: int, writers: int, publishes: int
) -> None:
    """Let processes read at old and new refs while others append, publish and maintain, and check what they saw."""
    control.mkdir()
    (control / "refs.json").write_text("{}")
    (control / "lock").touch()
    tasks = [["write", str(n), str(publishes)] for n in range(writers)] + [
        ["read", str(n), "0"] for n in range(readers)
    ]
    started = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "groundwork.testing._index_process",
                task,
                name,
                str(location),
                str(control),
                n,
                count,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for task, n, count in tasks
    ]
    try:
        for process in started[:writers]:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
        (control / "stop").touch()
        for process in started[writers:]:
            printed, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            assert json.loads(printed)["errors"] == []
            assert json.loads(printed)["reads"] > 0
    finally:
        for process in started:
            process.kill()
    index = INDEXES.get(name)(str(location), DIM)
    wanted = {f"w{n}-{i}": 5 for n in range(writers) for i in range(publishes)}
    assert index.staged() == wanted
    refs = json.loads((control / "refs.json").read_text())
    assert len(refs) == writers * publishes
    assert len(list(index.scan(index.publish(wanted)))) == 5 * len(wanted)
    for ref, expected in refs.items():
        assert json.loads(json.dumps(answers(index, ref, 3))) == expected


def check_kills(name: str, location: Path, kills: int) -> None:
    """Kill a writer at some moment of its work again and again, and check that the index can be used on."""
    random = np.random.default_rng(3)
    for attempt in range(kills):
        command = [
            sys.executable,
            "-m",
            "groundwork.testing._index_process",
            "grow",
            name,
            str(location),
            "-",
            str(attempt),
            "99",
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(float(random.uniform(0, 0.7)))
        process.kill()
        told = [line.split() for line in process.stdout.read().splitlines() if line.endswith(".")]
        process.wait()
        index = INDEXES.get(name)(str(location), DIM)
        staged = index.staged()
        assert set(staged.values()) <= {5}
        acknowledged = {line[1] for line in told if line[0] == "appended"}
        assert acknowledged <= set(staged)
        ref = index.publish(staged)
        assert len(list(index.scan(ref))) == 5 * len(staged)
        assert len(index.lexical(ref, {f"w{n}": 1.0 for n in range(50)}, 10_000, EVERYTHING)) == 5 * len(
            staged
        )
        assert len(index.dense(ref, np.ones(DIM, np.float32), 10_000, EVERYTHING)) == 5 * len(staged)
        for line in told:
            if line[0] == "published":
                assert len(list(index.scan(line[1]))) == int(line[2])
        if attempt % 3 == 2:
            index.maintain()


def check_history(make: Callable[[], Index], data: st.DataObject, steps: int) -> None:
    """Do what hypothesis draws to an index and to the oracle, and compare every answer."""
    index, oracle = make(), Oracle()
    for _ in range(data.draw(st.integers(1, steps), label="steps")):
        action = data.draw(
            st.sampled_from(
                ["append", "append", "publish", "publish", "restore", "drop", "maintain", "erase", "reopen"]
            ),
            label="action",
        )
        refs = sorted(oracle.states)
        if action == "append":
            batch = data.draw(
                st.lists(_drawn_document(), min_size=1, max_size=3, unique_by=lambda d: d[0].version)
            )
            index.append([row for rows in batch for row in rows])
            oracle.newest.update({rows[0].version: rows for rows in batch})
        elif action == "publish":
            kept = data.draw(st.sets(st.sampled_from(sorted(oracle.newest)))) if oracle.newest else set()
            oracle.newest = {v: rows for v, rows in oracle.newest.items() if v in kept}
            ref = index.publish({v: len(rows) for v, rows in oracle.newest.items()})
            oracle.states[ref] = [row for rows in oracle.newest.values() for row in rows]
        elif action == "restore" and refs:
            ref = data.draw(st.sampled_from(refs))
            index.restore(ref)
            oracle.newest = {}
            for row in oracle.states[ref]:
                oracle.newest.setdefault(row.version, []).append(row)
        elif action == "drop" and refs:
            ref = data.draw(st.sampled_from(refs))
            index.drop([ref])
            del oracle.states[ref]
        elif action == "maintain":
            index.maintain()
        elif action == "reopen":
            index = make()
        elif action == "erase":
            gone = data.draw(st.sets(st.sampled_from([f"doc_{n}" for n in range(5)]), min_size=1))
            kept_refs = sorted(data.draw(st.sets(st.sampled_from(refs)))) if refs else []
            renamed = index.erase(sorted(gone), kept_refs)
            oracle.states = {
                renamed[r]: [row for row in oracle.states[r] if row.document_id not in gone]
                for r in kept_refs
            }
            for version, rows in list(oracle.newest.items()):
                if left := [row for row in rows if row.document_id not in gone]:
                    oracle.newest[version] = left
                else:
                    del oracle.newest[version]
        assert index.staged() == {v: len(rows) for v, rows in oracle.newest.items()}
        for ref in oracle.states:
            _compare(index, oracle, ref, data)


def _compare(index: Index, oracle: Oracle, ref: str, data: st.DataObject) -> None:
    assert sorted(r.chunk_id for r in index.scan(ref)) == sorted(r.chunk_id for r in oracle.states[ref])
    scope = data.draw(
        st.sampled_from(
            [
                EVERYTHING,
                Scope(TENANT, ("public",)),
                Scope("other", None),
                Scope(TENANT, ("user:a",), Not(Eq("language", "en"))),
            ]
        )
    )
    k = data.draw(st.sampled_from([1, 3, 100]))
    terms = data.draw(st.dictionaries(st.sampled_from(WORDS), st.sampled_from([0.25, 1.0, 2.5]), max_size=5))
    check_hits(index.lexical(ref, terms, k, scope), oracle.lexical(ref, terms, scope), k, LEXICAL_TOLERANCE)
    vector = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal(DIM).astype(np.float32)
    vector /= np.linalg.norm(vector)
    scores = oracle.dense(ref, vector, scope)
    check_hits(index.dense(ref, vector, k, scope, "exact"), scores, k, 1e-6)
    near = index.dense(ref, vector, k, scope)
    assert len(near) == min(k, len(scores))
    assert all(hit.score == pytest.approx(scores[hit.chunk_id], abs=DENSE_TOLERANCE) for hit in near)


@st.composite
def _drawn_document(draw: st.DrawFn) -> list[ChunkRow]:
    number = draw(st.integers(0, 4))
    values: dict[str, Any] = {
        "document_id": f"doc_{number}",
        "tenant": draw(st.sampled_from([TENANT, TENANT, "other"])),
        "access": draw(st.sampled_from([("public",), ("user:a",), ("public", "user:a"), ("user:b",)])),
        "fields": draw(st.sampled_from([{}, {"language": "en"}, {"language": "de", "modified": 3}])),
    }
    texts = draw(
        st.lists(
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=4
        )
    )
    # A version is a digest of what is in it, so equal content has an equal version.
    version = digest_json([values, texts])
    return [make_row(version, n, terms=terms, **values) for n, terms in enumerate(texts)]
