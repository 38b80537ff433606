"""Citations, groundedness and what is told without a reference, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.datasets.types import Example
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence, Passage
from groundwork.testing.scorer import Found, PlainServices
from tests.evaluation.scoring.build import scored

EXAMPLE = Example("exm_1", "Where?")


class EveryWord(PlainServices):
    """Supports a sentence whose every word stands in the passages together."""

    def grounded(self, claim: str, passages: Sequence[str]) -> Found:
        there = {w.strip(".").lower() for p in passages for w in p.split()}
        missing = [w for w in claim.split() if w.strip(".").lower() not in there]
        return Found(not missing, 0.0 if missing else 1.0, f"{', '.join(missing)} is nowhere", "entity")


def answer(*sentences: tuple[str, tuple[int, ...]], quotes: Sequence[str]) -> Output:
    return Output(
        text=" ".join(s for s, _ in sentences),
        sentences=tuple(OutputSentence(s, c) for s, c in sentences),
        citations=tuple(CitedPassage(q) for q in quotes),
        passages=tuple(Passage(q, f"{i}.md") for i, q in enumerate(quotes)),
    )


def test_each_sentence_needs_citations_that_together_support_it() -> None:
    output = answer(
        ("Paris is big.", (1, 2)),
        ("It rains.", ()),
        ("Rome is old.", (3,)),
        quotes=["Paris", "is big", "Rome"],
    )
    recall = scored("citation_recall", EXAMPLE, output, EveryWord())
    assert recall.value == 1 / 3
    assert "It rains" in recall.reason


def test_a_citation_that_adds_nothing_or_refers_to_nothing_is_not_precise() -> None:
    output = answer(("Paris is big.", (1, 2, 9)), quotes=["Paris is big", "Rome"])
    assert scored("citation_precision", EXAMPLE, output, EveryWord()).value == 1 / 3
    needed = answer(("Paris is big.", (1, 2)), quotes=["Paris", "is big"])
    assert scored("citation_precision", EXAMPLE, needed, EveryWord()).value == 1


def test_an_answer_without_citations_is_worst_and_one_that_declines_is_left_out() -> None:
    bare = Output(text="Paris is big.")
    assert scored("citation_precision", EXAMPLE, bare, EveryWord()).value == 0
    assert scored("citation_recall", EXAMPLE, bare, EveryWord()).value == 0
    for name in ("citation_precision", "citation_recall", "groundedness", "hallucination"):
        assert not scored(name, EXAMPLE, Output(abstained=True), EveryWord()).applies


def test_marks_in_a_text_are_read_where_no_sentences_are_listed() -> None:
    output = Output(
        text="Paris is big [1]. Rome is old. [2]",
        citations=(CitedPassage("Paris is big"), CitedPassage("Rome is old")),
    )
    assert scored("citation_recall", EXAMPLE, output, EveryWord()).value == 1


def test_groundedness_counts_sentences_and_hallucination_names_the_worst() -> None:
    output = answer(("Paris is big.", (1,)), ("Mars is red.", (1,)), quotes=["Paris is big"])
    assert scored("groundedness", EXAMPLE, output, EveryWord()).value == 1 / 2
    found = scored("hallucination", EXAMPLE, output, EveryWord())
    assert (found.value, found.label) == (1, "hallucinated")
    assert "Mars" in found.reason


def test_served_well_needs_support_and_a_reason_to_decline() -> None:
    good = answer(("Paris is big.", (1,)), quotes=["Paris is big"])
    assert scored("served_well", EXAMPLE, good, EveryWord()).value == 1
    assert scored("served_well", EXAMPLE, answer(("Mars.", (1,)), quotes=["x"]), EveryWord()).value == 0
    marked = Output(text="x", sentences=(OutputSentence("x", (1,), False),), citations=(CitedPassage("x"),))
    assert scored("served_well", EXAMPLE, marked, EveryWord()).value == 0
    assert scored("served_well", EXAMPLE, Output(abstained=True), EveryWord()).value == 1
    assert (
        scored("served_well", EXAMPLE, Output(abstained=True, passages=good.passages), EveryWord()).value == 0
    )
    assert scored("served_well", EXAMPLE, Output(error="x"), EveryWord()).value == 0
