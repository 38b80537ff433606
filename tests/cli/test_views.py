"""What people see, character by character."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from groundwork.answers.types import Answer, Citation, Deletion, Difference, Explanation, Pins, Replay
from groundwork.cli import answer_view, bench_view, ingest, knowledge_view
from groundwork.cli.screen import Screen
from groundwork.knowledge.records import (
    DocumentChange,
    DocumentCounts,
    IngestReport,
    QuarantineEntry,
    SnapshotDiff,
    SnapshotInfo,
)

SCREEN = Screen()
A, B = "a" * 64, "b" * 64


def seen(lines: Any) -> str:
    text = "\n".join(lines)
    assert max(len(line) for line in text.splitlines()) <= 80
    return text


def same(text: str) -> str:
    return dedent(text).strip("\n")


def answer(**changes: Any) -> Answer:
    quote = "The gate opens at seven in the morning and closes at ten at night."
    values: dict[str, Any] = {
        "id": "ans_06gvilb9v121cthugrn2og26oo",
        "app": "default",
        "question": "When does the gate open?",
        "text": f"{quote} [1]",
        "abstained": False,
        "reason": "",
        "citations": (
            Citation("docs/arrival.pdf", "doc_a", "chk_a", 61, 127, quote, "page 3", "Arrival > Parking"),
        ),
        "pins": Pins(None, A, None, f"extractive@{B}", "c" * 64),
        "confidence": 0.976,
        "threshold": 0.35,
        "calibration": None,
        "usage": {},
        "trace_id": "trc_a",
        "created_at": "2026-11-20T14:03:53.323755+00:00",
        "principal": "local",
    }
    return Answer(**{**values, **changes})


def test_an_answer():
    assert seen(answer_view.answer(answer(), SCREEN)) == same("""
        The gate opens at seven in the morning and closes at ten at night. [1]

        [1] docs/arrival.pdf · page 3 · Arrival > Parking
            “The gate opens at seven in the morning and closes at ten at night.”

        confidence 0.98, threshold 0.35, uncalibrated: nothing is promised yet
        default@aaaaaaa, ans_06gvilb9v121cthugrn2og26oo
        next: groundwork replay last, groundwork explain last
    """)


def test_a_calibrated_abstention():
    declined = answer(
        text="",
        abstained=True,
        reason="the confidence 0.12 is under the threshold 0.35",
        citations=(),
        confidence=0.12,
        calibration="cal_a",
    )
    assert seen(answer_view.answer(declined, SCREEN)) == same("""
        No answer: the confidence 0.12 is under the threshold 0.35

        confidence 0.12, threshold 0.35
        default@aaaaaaa, ans_06gvilb9v121cthugrn2og26oo
        next: groundwork replay last, groundwork explain last
    """)


def test_a_list_of_answers():
    assert seen(answer_view.answers([answer(), answer(abstained=True)], SCREEN)) == same("""
        ans_06gvilb9v121cthugrn2og26oo  2026-11-20 14:03  default@aaaaaaa  1 citation
            When does the gate open?
        ans_06gvilb9v121cthugrn2og26oo  2026-11-20 14:03  default@aaaaaaa  abstained
            When does the gate open?
    """)


def test_replays():
    drifted = Replay("ans_b", "drifted", (Difference("text", "It opens at seven.", "It opens at nine."),))
    assert seen(answer_view.replay(drifted, SCREEN)) == same("""
        ans_b: drifted — something else came out
          text
            was  It opens at seven.
            now  It opens at nine.
    """)
    assert seen(answer_view.replays([Replay("ans_a", "identical"), drifted], SCREEN)) == same("""
        answer  result   differs in
        ans_b   drifted  text

        2 answers: 1 identical, 0 same-set, 1 drifted, 0 redacted
    """)


def test_an_explanation():
    passages = (
        {
            "rank": 1,
            "score": 1.0,
            "document": "docs/arrival.pdf",
            "start": 61,
            "cited": True,
            "legs": {"dense": {"rank": 2, "score": 0.61}, "lexical": {"rank": 1, "score": 7.2}},
        },
        {
            "rank": 2,
            "score": 0.4,
            "document": "docs/" + "a-very-long-name/" * 4 + "house-rules.md",
            "start": 0,
            "cited": False,
            "legs": {"dense": {"rank": 1, "score": 0.64}},
        },
    )
    explained = Explanation(
        answer(),
        passages,
        ({"name": "confidence", "value": 0.976, "threshold": 0.35, "passed": True},),
        (Deletion("chk_a", "docs/arrival.pdf", "", True, 0.1, True),),
        ("Passage 1 is quoted.",),
    )
    assert seen(answer_view.explanation(explained, SCREEN)) == same("""
        question  When does the gate open?
        answer    The gate opens at seven in the morning and closes at ten at night. [1]

        - Passage 1 is quoted.

        check       value  threshold
        confidence  0.976      0.350  passed

        Passages by score, and what brought them
          1  cited  docs/arrival.pdf:61                                            1.000
                    dense #2 (0.610), lexical #1 (7.200)
          2         docs/a-very-long-name/a-very-…ery-long-name/house-rules.md:0   0.400
                    dense #1 (0.640)

        Without each cited passage
          docs/arrival.pdf: there would be no answer (confidence 0.10)

        ans_06gvilb9v121cthugrn2og26oo: snapshot aaaaaaa, model extractive@bbbbbbb,
          settings ccccccc
    """)


def test_a_difference_of_snapshots():
    changes = (
        DocumentChange(
            "changed", "doc_a", "docs/arrival.md", chunks_added=2, chunks_removed=1, chunks_kept=4
        ),
        DocumentChange("renamed", "doc_b", "docs/travel.md", was="docs/journeys.md", chunks_kept=2),
        DocumentChange("removed", "doc_c", "docs/old.md", chunks_removed=3),
        DocumentChange("added", "doc_d", "docs/new.md", chunks_added=1),
    )
    diff = SnapshotDiff(
        "default", A, B, changes, {"added": 3, "removed": 4, "kept": 120}, {"embedder": ("lsa", "minilm")}
    )
    assert seen(knowledge_view.diff(diff, SCREEN)) == same("""
        default: aaaaaaa → bbbbbbb
          embedder: lsa → minilm

        ~ changed  docs/arrival.md (+2 -1 =4)
        > renamed  docs/journeys.md → docs/travel.md (=2)
        - removed  docs/old.md (-3)
        + added    docs/new.md (+1)

        4 documents differ; chunks: 3 added, 4 removed, 120 kept
    """)
    nothing = SnapshotDiff("default", A, A, (), {"added": 0, "removed": 0, "kept": 9})
    assert seen(knowledge_view.diff(nothing, SCREEN)).endswith("\n\nno difference")


def test_a_list_of_snapshots():
    new = SnapshotInfo(
        B,
        "default",
        "2026-11-20T14:04:00",
        "local",
        1200,
        34567,
        False,
        A,
        "minilm",
        {"added": 1, "changed": 2},
    )
    old = SnapshotInfo(
        A, "default", "2026-11-20T14:03:00", "local", 1199, 34001, True, None, "minilm", {"added": 1199}
    )
    assert seen(knowledge_view.snapshots([new, old], SCREEN)) == same("""
           snapshot  made (UTC)        documents  chunks  changes  embedder
           bbbbbbb   2026-11-20 14:04      1,200  34,567  +1 ~2    minilm
        *  aaaaaaa   2026-11-20 14:03      1,199  34,001  +1199    minilm
    """)


def test_the_summary_says_that_nothing_changed_only_when_the_snapshot_is_the_same():
    def told(before: str) -> str:
        report = IngestReport("ing_a", "default", A, DocumentCounts(unchanged=3), 4, 0, 1.0, before=before)
        return seen(ingest.summary(report, SCREEN))

    assert "nothing changed; the snapshot is still aaaaaaa" in told(A)
    assert "snapshot aaaaaaa, 4 chunks" in told(B)


def test_the_summary_of_an_ingest():
    quarantine = tuple(
        QuarantineEntry(f"docs/{n}.pdf", "encrypted", "the file is protected by a password")
        for n in range(14)
    )
    report = IngestReport(
        "ing_a",
        "default",
        A,
        DocumentCounts(added=3, unchanged=1200, quarantined=14),
        4321,
        17,
        12.34,
        quarantine,
    )
    assert seen(ingest.summary(report, SCREEN)).startswith(
        same("""
        default: documents 3 added, 1,200 unchanged in 12 s
        snapshot aaaaaaa, 4,321 chunks, 17 embedded

        14 files in quarantine:
          docs/0.pdf: encrypted: the file is protected by a password
    """)
    )
    assert seen(ingest.summary(report, SCREEN)).endswith(
        "  and 2 more (2 encrypted); `groundwork knowledge quarantine` lists them"
    )


def test_a_benchmark_never_shows_a_quality_without_its_interval():
    def figure(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    measures = ("ndcg@10", "mrr@10", "recall@10", "recall@100")
    result = {
        "data_digest": A,
        "strategies": [
            {
                "strategy": "hybrid",
                "default": True,
                "n": 225,
                **{m: figure(0.45) for m in measures},
                "p50_ms": 4.2,
                "p95_ms": 9.9,
            },
            {
                "strategy": "lexical",
                "default": False,
                "n": 225,
                **{m: figure(0.41) for m in measures},
                "p50_ms": 1.2,
                "p95_ms": 2.0,
            },
        ],
    }
    text = seen(bench_view.retrieval(result, SCREEN))
    assert "[.430 .470]" in text
    assert text.count("[") == 4
    assert "hybrid *  225" in text
    flat = seen(bench_view.figures({"sentence_accuracy": figure(0.861), "n": 1000}, SCREEN))
    assert flat == "sentence_accuracy  .861 [.841 .881]\nn                  1,000"


def test_a_hostile_name_cannot_steer_the_terminal():
    hostile = answer(
        text="\x1b[2J\x1b]0;owned\x07 [1]",
        citations=(Citation("\x1b[31mred\u202e.md", "d", "c", 0, 1, "\x07"),),
    )
    assert not set("\x1b\x07\u202e") & set("\n".join(answer_view.answer(hostile, SCREEN)))


def test_colours_change_no_column():
    plain = answer_view.explanation(Explanation(answer(), (), (), (), ("Why.",)), SCREEN)
    coloured = answer_view.explanation(Explanation(answer(), (), (), (), ("Why.",)), Screen(colour=True))
    import re

    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain
