"""The extractive reader quotes what answers, and is quiet about what the documents do not hold."""

from __future__ import annotations

import time
from functools import partial
from itertools import islice
from typing import Any

import pytest

from groundwork.answers.readers import READERS, Reader
from groundwork.answers.readers.extractive import Extractive
from groundwork.answers.reading.linear import trained
from groundwork.answers.reading.question import read_question
from groundwork.answers.types import Draft, Passage
from groundwork.bench.extract import Read as BenchRead
from groundwork.bench.extract import auroc, figures, run
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.testing.reader import check_draft, passage
from tests.data_sets import data_set, rows

GUIDE = (
    "# Setup\nTo install:\n\n1. Run make setup.\n2. Run make test.\n3. Open the console.\n\n"
    "The report was written by Ann Lee in 1999. It rained. The licence costs 5 dollars.\n\n"
    "| plan | price |\n|---|---|\n| free | 0 |\n| team | 25 USD |\n"
)
REFUNDS = "Refunds are paid within 14 days of cancellation. Contact billing for help. No refund is given for gift cards."


@pytest.fixture
def words() -> Reader:
    return READERS.make({"name": "extractive", "encoder": "none"})


def ask(reader: Reader, question: str) -> tuple[Draft, list[str]]:
    shown = [passage(GUIDE, 1, "guide.md", "Guide"), passage(REFUNDS, 2, "billing.md", "Billing > Refunds")]
    draft = reader.read(question, shown)
    check_draft(draft, shown)
    return draft, [shown[q.passage].text[q.start : q.end] for q in draft.quotes]


def test_a_question_is_answered_by_the_sentence_that_holds_the_answer(words: Reader) -> None:
    draft, quotes = ask(words, "Who wrote the report?")
    assert quotes == ["The report was written by Ann Lee in 1999."]
    assert draft.text == "The report was written by Ann Lee in 1999. [1]"
    assert draft.confidence > Extractive.default_threshold


def test_a_question_for_steps_is_answered_by_the_whole_list(words: Reader) -> None:
    _, quotes = ask(words, "What are the steps to install?")
    assert quotes == ["To install:\n\n1. Run make setup.\n2. Run make test.\n3. Open the console."]


def test_a_row_of_a_table_is_quoted_under_its_header(words: Reader) -> None:
    _, quotes = ask(words, "What is the price of the team plan?")
    assert quotes[0].startswith("| plan | price |")
    assert quotes[0].endswith("| team | 25 USD |")


def test_a_question_of_two_parts_combines_sentences(words: Reader) -> None:
    draft, quotes = ask(words, "How much does the licence cost and who wrote the report?")
    assert set(quotes) == {"The report was written by Ann Lee in 1999.", "The licence costs 5 dollars."}
    assert "[2]" in draft.text


def test_two_documents_that_each_answer_a_part_are_both_quoted(words: Reader) -> None:
    draft, _ = ask(words, "Who wrote the report and how many days until refunds are paid?")
    assert {q.passage for q in draft.quotes} == {0, 1}


@pytest.mark.parametrize(
    "question", ["What is the capital of Mongolia?", "Who won the 2010 football world cup?"]
)
def test_what_is_not_in_the_documents_gets_no_confidence(words: Reader, question: str) -> None:
    draft, _ = ask(words, question)
    assert draft.confidence < Extractive.default_threshold / 2


def test_the_same_sentence_in_overlapping_chunks_is_quoted_once(words: Reader) -> None:
    text = "Ann Lee wrote the report in 1999. Bob Ray paid for it."
    shown = [passage(text, 1, "a.md"), passage(text[10:], 2, "a.md", start=10), passage(text, 3, "copy.md")]
    assert len(words.read("Who wrote the report?", shown).quotes) == 1


def test_the_signals_name_the_figures_behind_the_confidence(words: Reader) -> None:
    draft, _ = ask(words, "Who wrote the report?")
    assert {"overlap", "passage_share", "unseen", "lead", "type"} <= set(draft.signals)
    assert draft.signals["unseen"] == 0.0


def test_the_fingerprint_follows_what_is_read_with(words: Reader) -> None:
    assert words.fingerprint == Extractive(encoder="none").fingerprint
    assert words.fingerprint != Extractive(encoder="none", max_quotes=1).fingerprint
    assert words.fingerprint != Extractive(encoder="minilm").fingerprint


def test_without_the_weights_it_reads_by_words_and_says_so_in_its_fingerprint(
    monkeypatch: pytest.MonkeyPatch, words: Reader
) -> None:
    monkeypatch.setattr("groundwork.answers.readers.extractive.is_present", lambda *_: False)
    assert Extractive().variant == "words"
    assert Extractive().fingerprint == words.fingerprint


@pytest.mark.parametrize("variant", ["words", "minilm"])
def test_the_weights_say_where_they_come_from(variant: Any) -> None:
    provenance = trained(variant).provenance
    assert {"data", "licence", "questions", "data_digest", "command", "seed"} <= set(provenance)


@pytest.mark.parametrize(
    ("question", "asked", "english"),
    [
        ("Who wrote it?", "person", True),
        ("In what year was it written?", "time", True),
        ("How many cats are there?", "count", True),
        ("How do I install it?", "steps", True),
        ("Why does it fail?", "reason", True),
        ("Is it free?", "polar", True),
        ("Wer hat den Bericht geschrieben?", "person", False),
        ("¿Cuándo se escribió el informe?", "time", False),
        ("Сколько стоит лицензия?", "count", False),
        ("谁写了这份报告？", "thing", False),
    ],
)
def test_a_question_is_told_by_what_it_asks_for(question: str, asked: str, english: bool) -> None:
    found = read_question(question)
    assert (found.type, found.english) == (asked, english)


@pytest.mark.parametrize(
    ("language", "least"), [("en", 0.75), ("de", 0.65), ("es", 0.7), ("ru", 0.7), ("zh", 0.65), ("ar", 0.6)]
)
def test_other_languages_are_read_too(words: Reader, language: str, least: float) -> None:
    right = asked = 0
    for row in islice(rows(data_set("xquad") / f"{language}.jsonl"), 0, None, 6):
        text = row["text"]
        for question in row["qas"]:
            draft = words.read(question["question"], [passage(text)])
            quoted = text[draft.quotes[0].start : draft.quotes[0].end] if draft.quotes else ""
            right += any(a["text"] in quoted for a in question["answers"])
            asked += 1
    assert right / asked >= least


def test_eight_passages_are_read_in_a_moment(words: Reader) -> None:
    shown = [passage((GUIDE + REFUNDS)[: 8 * 100] * 2, rank, f"{rank}.md") for rank in range(1, 9)]
    words.read("Who wrote the report?", shown)
    began = time.thread_time()
    for _ in range(5):
        words.read("Who wrote the report?", shown)
    assert (time.thread_time() - began) / 5 < 0.5


def test_the_bench_reads_squad_as_well_as_is_claimed() -> None:
    found = run(data_set("squad2"), reader={"name": "extractive", "encoder": "none"})
    assert found["n"] == 3097
    assert found["sentence_accuracy"]["value"] >= 0.86
    assert found["answerability_auroc"]["value"] >= 0.68
    for figure in (found["sentence_accuracy"], found["answerability_auroc"], found["aurc"]):
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert found["risk_at_coverage"]["0.1"]["value"] < found["risk_at_coverage"]["0.5"]["value"]


def test_the_figures_of_the_bench_are_right_on_a_set_worked_by_hand() -> None:
    reads = [
        BenchRead("a", 0.9, True, True),
        BenchRead("b", 0.8, False, False),
        BenchRead("c", 0.7, True, False),
        BenchRead("d", 0.1, False, False),
    ]
    found = figures(reads, resamples=50)
    assert found["sentence_accuracy"]["value"] == 0.5
    assert found["answerability_auroc"]["value"] == 0.75
    # errors in order of confidence: 0 1 1 1, so the risks are 0, 1/2, 2/3, 3/4
    assert found["aurc"]["value"] == pytest.approx((0 + 1 / 2 + 2 / 3 + 3 / 4) / 4, abs=1e-4)
    assert found["risk_at_coverage"]["0.5"]["value"] == 0.5


def test_the_bench_names_what_a_set_lacks(tmp_path: Any) -> None:
    with pytest.raises(NotFoundError, match=r"passages\.jsonl"):
        run(tmp_path)
    (tmp_path / "passages.jsonl").write_text('{"doc_id": "a", "text": "Ann wrote it."}\n')
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": "1", "doc_id": "b", "question": "Who?", "answers": []}\n')
    with pytest.raises(InvalidInputError, match="passage `b`"):
        run(tmp_path)
    questions.write_text('{"id": "1", "doc_id": "a", "question": "Who?", "answers": [{"text": "Ann"}]}\n')
    with pytest.raises(InvalidInputError, match="both kinds"):
        run(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["none", "auto"])
def test_questions_about_other_articles_are_told_from_answerable_ones(encoder: str) -> None:
    folder = data_set("squad2")
    passages = list(rows(folder / "passages.jsonl"))
    by_name = {p["doc_id"]: p for p in passages}
    reader = READERS.make({"name": "extractive", "encoder": encoder})
    home, abroad = [], []
    for question in islice(rows(folder / "questions.jsonl"), 0, None, 8):
        own = by_name[question["doc_id"]]
        if question["is_impossible"]:
            continue
        strange = [p for p in passages if p["title"] != own["title"]]
        others = sorted(strange, key=partial(_unlike, question["question"]))[:8]
        home.append(reader.read(question["question"], _shown([own])).confidence)
        abroad.append(reader.read(question["question"], _shown(others)).confidence)
    assert auroc(home, abroad) >= 0.85


def _unlike(question: str, other: dict[str, Any]) -> tuple[int, str]:
    """Sort passages with many of the question's words first."""
    shared = set(question.casefold().split()) & set(other["text"].casefold().split())
    return -len(shared), other["doc_id"]


def _shown(found: list[Any]) -> list[Passage]:
    return [passage(p["text"], rank, p["doc_id"]) for rank, p in enumerate(found, 1)]
