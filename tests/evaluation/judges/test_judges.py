"""From a draw over labels to a card, its checks and corrected rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.core.errors import GoneError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.evaluation.judges import sampling
from groundwork.evaluation.judges.correcting import corrected
from groundwork.evaluation.judges.judges import Judges
from groundwork.evaluation.judges.labels_import import read_file
from tests.evaluation.judges.house import JudgeHouse, animals

ANN, BOB = Principal(name="user:ann", owner=True), Principal(name="user:bob", owner=True)
EVE = Principal(tenant="other", name="eve", owner=True)


def label_by_truth(
    house: JudgeHouse, sample_id: str, *, n: int | None = None, wrong: int = 0, who: Principal = LOCAL
) -> None:
    """Label the first n items as a careful person would, every `wrong`-th the other way."""
    given = []
    for item in house.judges.items(who, sample_id)[:n]:
        good = "zebra" in item.shown.output
        if wrong and item.place % wrong == 0:
            good = not good
        given.append((item.item, "pass" if good else "fail", ""))
    house.judges.label_all(who, sample_id, given)


def test_a_draw_is_the_same_for_the_same_seed_and_records_what_it_was_drawn_from(house: JudgeHouse) -> None:
    house.book.put(animals(60))
    one = house.judges.draw(LOCAL, "right", "evl_one", 20, seed=7)
    again = house.judges.draw(LOCAL, "right", "evl_one", 20, seed=7)
    other = house.judges.draw(LOCAL, "right", "evl_one", 20)
    assert one.items == again.items
    assert one.id != again.id
    assert other.seed != 7
    assert (len(one.items), one.population) == (20, 60)
    texts = {f"exm_{n}/0": t for n, t in enumerate(animals(60))}
    assert one.population_digest == sampling.population_digest(texts)
    assert house.judges.sample(LOCAL, one.id) == one


def test_every_item_is_drawn_equally_often() -> None:
    items = [f"exm_{n}/0" for n in range(20)]
    counts = dict.fromkeys(items, 0)
    for seed in range(1000):
        for item in sampling.draw_simple(items, 5, seed).items:
            counts[item] += 1
    assert all(190 <= n <= 310 for n in counts.values())


def test_strata_are_drawn_evenly_and_their_weights_add_up_to_the_population(house: JudgeHouse) -> None:
    house.book.put(animals(100, share=0.9))
    drawn = house.judges.draw(LOCAL, "right", "evl_one", 20, strata="verdict")
    assert drawn.scheme == "stratified"
    assert sum(drawn.strata[i] == "fail" for i in drawn.items) == 10
    assert sum(drawn.weights[i] for i in drawn.items) == pytest.approx(100)
    with pytest.raises(InvalidInputError, match="no verdict of the judge `yes`"):
        house.judges.draw(LOCAL, "yes", "evl_one", 20, strata="verdict")


def test_items_are_shown_in_order_and_without_the_verdict_and_labels_can_be_taken_back(
    house: JudgeHouse,
) -> None:
    house.book.put(animals(30))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 5, seed=1)
    first = house.judges.next_item(ANN, sample.id)
    assert first is not None
    assert first.item == sample.items[0]
    assert "verdict" not in first.as_dict()
    house.judges.label(ANN, sample.id, first.item, "PASS ", "clear")
    house.judges.label(ANN, sample.id, first.item, "fail")
    house.judges.label(BOB, sample.id, first.item, "pass")
    assert [(x.rater, x.label) for x in house.judges.labels(LOCAL, sample.id)] == [
        ("user:ann", "fail"),
        ("user:bob", "pass"),
    ]
    after = house.judges.next_item(ANN, sample.id)
    assert after is not None
    assert after.item == sample.items[1]
    assert house.judges.progress(ANN, sample.id).as_dict() == {
        "mine": 1,
        "anybody": 1,
        "of": 5,
        "raters": 2,
        "gone": 0,
    }
    taken = house.judges.undo(ANN, sample.id)
    assert taken is not None
    assert taken.label == "fail"
    assert house.judges.undo(ANN, sample.id) is None
    assert len(house.judges.labels(LOCAL, sample.id)) == 1


def test_a_label_that_is_none_of_the_judges_words_and_an_item_nobody_drew_are_refused(
    house: JudgeHouse,
) -> None:
    house.book.put(animals(30))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 5, seed=1)
    with pytest.raises(InvalidInputError) as raised:
        house.judges.label(LOCAL, sample.id, sample.items[0], "passs")
    assert raised.value.hint == "did you mean `pass`?"
    with pytest.raises(InvalidInputError):
        house.judges.label_all(
            LOCAL, sample.id, [(sample.items[0], "pass", ""), (sample.items[1], "maybe", "")]
        )
    assert house.judges.labels(LOCAL, sample.id) == []
    with pytest.raises(NotFoundError, match="not in the sample"):
        house.judges.label(LOCAL, sample.id, "exm_99/0", "pass")


def test_a_judge_that_agrees_is_trusted_once_a_hundred_labels_say_so(house: JudgeHouse) -> None:
    house.book.put(animals(200))
    judges = house.judges
    assert "nobody has measured it" in judges.trust(LOCAL, "right").reason
    sample = judges.draw(LOCAL, "right", "evl_one", 120, seed=3)
    label_by_truth(house, sample.id, n=60)
    judges.make_card(LOCAL, "right")
    trust = judges.trust(LOCAL, "right")
    assert (trust.gates, trust.reason) == (False, "60 of 100 human labels are there; 40 more are needed")
    label_by_truth(house, sample.id, wrong=15)
    card = judges.make_card(LOCAL, "right")
    assert card.record["agreement"]["value"] == pytest.approx(112 / 120)
    trust = judges.trust(LOCAL, "right")
    assert (trust.gates, trust.unattended, trust.card_id) == (True, True, card.id)
    assert trust.correction == card.record["correction"]
    assert card.record["samples"] == [sample.id]
    assert card.record["cost_usd"] == 0


def test_a_judge_that_always_says_pass_is_not_trusted_and_told_why(house: JudgeHouse) -> None:
    house.book.put(animals(150))
    sample = house.judges.draw(LOCAL, "yes", "evl_one", 150, seed=3)
    label_by_truth(house, sample.id)
    card = house.judges.make_card(LOCAL, "yes")
    assert card.record["kappa"] is None
    trust = house.judges.trust(LOCAL, "yes")
    assert not trust.gates
    assert "said `pass` to all 150 items" in trust.reason


def test_a_judge_that_answers_garbage_has_a_card_that_lets_it_do_nothing(house: JudgeHouse) -> None:
    house.book.put(animals(20))
    sample = house.judges.draw(LOCAL, "mute", "evl_one", 20, seed=3)
    label_by_truth(house, sample.id)
    card = house.judges.make_card(LOCAL, "mute")
    assert (card.record["n"], card.record["unread"]) == (0, 20)
    assert not house.judges.trust(LOCAL, "mute").gates


def test_a_changed_rubric_is_another_judge_that_the_labels_measure_anew(
    house: JudgeHouse, tmp_path: Path
) -> None:
    house.book.put(animals(120))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 120, seed=3)
    label_by_truth(house, sample.id)
    house.judges.make_card(LOCAL, "right")
    assert house.judges.trust(LOCAL, "right").gates
    specs = {
        **house.judges.specs,
        "right": house.judges.specs["right"].model_copy(update={"rubric": "Is it short?"}),
    }
    rooms = house.workspace.rooms
    changed = Judges(rooms.database, rooms.clock, specs, house.judges.asking, lambda: house.book)
    assert "another version" in changed.trust(LOCAL, "right").reason
    assert changed.card(LOCAL, "right") is None
    assert changed.info(LOCAL, "right").stale
    changed.make_card(LOCAL, "right")
    assert changed.trust(LOCAL, "right").gates


def test_pairs_are_drawn_from_two_evaluations_and_the_place_shows_on_the_card(house: JudgeHouse) -> None:
    house.book.put(animals(40))
    house.book.put(animals(40, share=0.3), identifier="evl_two")
    with pytest.raises(InvalidInputError, match="compares two outputs"):
        house.judges.draw(LOCAL, "pair", "evl_one", 30)
    sample = house.judges.draw(LOCAL, "pair", "evl_one", 30, against="evl_two", seed=2)
    item = house.judges.item(LOCAL, sample.id, 1)
    assert item.shown.other
    house.judges.label_all(
        LOCAL, sample.id, [(i, ("first", "second", "tie")[n % 3], "") for n, i in enumerate(sample.items)]
    )
    record = house.judges.make_card(LOCAL, "pair").record
    assert record["position"]["found"]
    assert record["position"]["consistent"]["value"] == 0
    assert "said `tie` to all" in record["constant"]


def test_what_was_erased_is_neither_drawn_nor_shown_nor_asked(house: JudgeHouse) -> None:
    house.book.put(animals(30))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 10, seed=1)
    label_by_truth(house, sample.id)
    house.book.erase("evl_one")
    assert {i.gone for i in house.judges.items(LOCAL, sample.id)} == {
        "its output was erased, or is not yours to read"
    }
    assert house.judges.next_item(ANN, sample.id) is None
    assert house.judges.progress(LOCAL, sample.id).gone == 10
    with pytest.raises(GoneError, match="none has its output"):
        house.judges.make_card(LOCAL, "right")
    with pytest.raises(GoneError, match="no output left"):
        house.judges.draw(LOCAL, "right", "evl_one", 10)


def test_another_tenant_sees_no_sample_label_or_card(house: JudgeHouse) -> None:
    house.book.put(animals(30))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 10, seed=1)
    label_by_truth(house, sample.id)
    card = house.judges.make_card(LOCAL, "right")
    with pytest.raises(NotFoundError):
        house.judges.sample(EVE, sample.id)
    with pytest.raises(NotFoundError):
        house.judges.card_by_id(EVE, card.id)
    with pytest.raises(NotFoundError):
        house.judges.draw(EVE, "right", "evl_one", 10)
    assert house.judges.labels(EVE, sample.id) == []
    assert house.judges.samples(EVE) == []
    assert house.judges.info(EVE, "right").card is None


def test_a_check_asks_the_model_anew_and_notices_when_it_has_changed(house: JudgeHouse) -> None:
    house.book.put(animals(120))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 120, seed=3)
    with pytest.raises(InvalidInputError, match="no card"):
        house.judges.check(LOCAL, "right")
    label_by_truth(house, sample.id, wrong=10)
    house.judges.make_card(LOCAL, "right")
    assert house.judges.drift(LOCAL, "right").state == "unknown"
    check = house.judges.check(LOCAL, "right", 40)
    assert (check.record["n"], check.record["changed"]["n"]) == (40, 0)
    assert house.judges.drift(LOCAL, "right").state == "steady"

    class Other:
        """The same name, and another model behind it."""

        def complete(self, request: object, caller: object) -> object:
            from groundwork.gateway.types import Completion

            return Completion('{"reason": "so it goes", "verdict": "fail"}')

    house.judges.asking = replace(house.judges.asking, gateway=lambda: Other())
    check = house.judges.check(LOCAL, "right", 40)
    assert check.record["changed"]["n"] > 15
    drift = house.judges.drift(LOCAL, "right")
    assert drift.state == "drifted"
    assert "label a new sample" in drift.reason


def test_under_a_hundred_labels_people_alone_count_and_from_there_on_the_judge_helps(
    house: JudgeHouse,
) -> None:
    house.book.put(animals(1000))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 200, seed=5)
    label_by_truth(house, sample.id, n=1)
    none = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert none.measured.value is None
    assert "2 are the least" in none.measured.method
    label_by_truth(house, sample.id, n=60, wrong=10)
    few = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert few.measured.method == "Wilson score, 60 human labels of a drawn sample"
    assert few.powered is not None
    assert any("40 more are needed" in n for n in few.notes)
    label_by_truth(house, sample.id, wrong=10)
    many = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert "prediction-powered" in many.measured.method
    assert (many.measured.n, many.measured.clusters, many.labels) == (1000, 200, 200)
    assert many.judged == pytest.approx(0.6)
    assert many.human_only is not None
    assert many.measured.low is not None
    assert many.measured.high is not None
    assert many.measured.high - many.measured.low < many.human_only.width
    assert many.measured.low < 0.58 < many.measured.high
    assert many.cross_check is not None
    assert corrected(LOCAL, "evl_one", "judge", judges=house.judges) == many.measured


def test_labels_of_items_that_were_not_drawn_from_the_evaluation_correct_nothing(house: JudgeHouse) -> None:
    house.book.put(animals(100))
    house.book.put(animals(100), identifier="evl_two")
    other = house.judges.draw(LOCAL, "right", "evl_two", 50, seed=5)
    label_by_truth(house, other.id)
    alone = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert alone.measured.value is None
    assert "nobody labelled a draw" in alone.measured.method
    with pytest.raises(InvalidInputError, match="was not drawn from"):
        house.judges.corrected(LOCAL, "evl_one", "judge", other.id)
    with pytest.raises(NotFoundError, match="no scores `other`"):
        house.judges.corrected(LOCAL, "evl_one", "other")


def test_skipped_items_are_told_and_stratified_labels_are_weighted(house: JudgeHouse) -> None:
    house.book.put(animals(500, share=0.9))
    plain = house.judges.draw(LOCAL, "right", "evl_one", 50, seed=5)
    items = house.judges.items(LOCAL, plain.id)
    house.judges.label_all(LOCAL, plain.id, [(i.item, "pass", "") for i in items[10:20]])
    found = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert found.skipped == 10
    assert "skipped" in found.notes[0]
    strata = house.judges.draw(LOCAL, "right", "evl_one", 100, seed=5, strata="verdict")
    label_by_truth(house, strata.id)
    weighted = house.judges.corrected(LOCAL, "evl_one", "judge")
    assert weighted.sample == strata.id
    assert weighted.measured.value == pytest.approx(0.9)
    assert weighted.measured.low is not None
    assert weighted.measured.low < 0.9 < (weighted.measured.high or 0)


def test_a_card_is_made_of_labels_and_verdicts_recorded_elsewhere(house: JudgeHouse, tmp_path: Path) -> None:
    def said(n: int, but: int) -> str:
        return "pass" if n % 2 and n % but else "fail"

    lines = ["item,human_1,human_2,verdict,length"]
    lines += [f"i{n},{'pass' if n % 2 else 'fail'},{said(n, 9)},{said(n, 7)},{n + 5}" for n in range(140)]
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(lines))
    judged = read_file(file, ("fail", "pass"))
    sample = house.judges.import_judged(LOCAL, "right", judged, ("fail", "pass"), "pass", title=file.name)
    assert (sample.scheme, sample.version) == ("imported", house.judges.version(LOCAL, "right"))
    card = house.judges.make_card(LOCAL, "right", (sample.id,))
    assert card.record["origin"] == "imported"
    assert card.record["raters"] == 2
    assert house.judges.trust(LOCAL, "right").card_id == card.id
    with pytest.raises(InvalidInputError, match="imported with its labels"):
        house.judges.label(LOCAL, sample.id, "i1", "pass")
    with pytest.raises(InvalidInputError, match="says fail, pass"):
        house.judges.import_judged(LOCAL, "right", judged, ("no", "yes"), "yes")
    unknown = house.judges.import_judged(LOCAL, "elsewhere", judged, ("fail", "pass"), "pass")
    house.judges.make_card(LOCAL, "elsewhere", (unknown.id,))
    assert "elsewhere" in [i.name for i in house.judges.overview(LOCAL)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item,human,verdict\na,pass,pass\na,pass,pass\n", "is there twice"),
        ("item,human,verdict\na,maybe,pass\n", "line 2: `maybe` is none"),
        ("item,human\na,pass\n", "no column `verdict`"),
        ("item,verdict\na,pass\n", "no item with a human label"),
        ("", "no item with a human label"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=words):
        read_file(file, ("fail", "pass"))


def test_what_was_remarked_goes_with_the_documents_and_the_label_stays(house: JudgeHouse) -> None:
    from sqlalchemy import insert

    from groundwork.evaluation.judges.erasure import JudgesEraser
    from groundwork.storage.improvement_tables import evaluation_documents, evaluation_results

    house.book.put(animals(5))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 5, seed=1)
    for item in sample.items:
        house.judges.label(LOCAL, sample.id, item, "pass", "quotes the document")
    row = {"tenant": "default", "evaluation_id": "evl_one", "seq": 0, "repeat": 0}
    with house.workspace.rooms.database.write() as connection:
        connection.execute(
            insert(evaluation_results),
            [
                {
                    **row,
                    "example_id": "exm_0",
                    "state": "done",
                    "output": {},
                    "scores": {},
                    "answer_id": "",
                    "trace_id": "",
                    "latency_ms": 0.0,
                    "cost_nanousd": 0,
                    "created_at": "",
                }
            ],
        )
        connection.execute(insert(evaluation_documents), [{**row, "document_id": "doc_0"}])
    receipt = JudgesEraser(house.workspace.rooms.database).erase_documents(LOCAL, ["doc_0"])
    assert receipt.removed == 1
    left = {x.item: x.comment for x in house.judges.labels(LOCAL, sample.id)}
    assert left["exm_0/0"] == ""
    assert left["exm_1/0"] == "quotes the document"
    assert JudgesEraser(house.workspace.rooms.database).erase_documents(EVE, ["doc_0"]).removed == 0
