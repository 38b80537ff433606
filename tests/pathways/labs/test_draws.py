"""What labs draw is what their checks take it for: what is made up is not true, and the bad hour is the worst."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from groundwork.datasets.content import read_example
from groundwork.datasets.personal import scan
from groundwork.evaluation.groundedness.detector import default
from groundwork.gateway import schemas
from groundwork.pathways.labs import _facts
from groundwork.pathways.labs.access_and_privacy import AccessAndPrivacy
from groundwork.pathways.labs.hallucination_caught import HallucinationCaught
from groundwork.pathways.labs.monitoring_read import MonitoringRead, traffic
from groundwork.pathways.labs.structured_output import StructuredOutput, _forms, schema_of


@pytest.mark.parametrize("seed", range(40))
def test_a_made_up_sentence_has_a_number_that_its_page_does_not_have(seed: int) -> None:
    facts = _facts.draw_facts(Random(seed), 9)
    pages = _facts.documents(facts)
    for fact in facts:
        page = pages[_facts.file_of(fact["topic"])]
        assert fact["sentence"] in page
        assert fact["expected"] in fact["sentence"]
        assert _facts.wrong(fact) != fact["sentence"]
        assert _facts.wrong(fact) not in page
        assert f" {fact['number'] + 7} " not in page


@pytest.mark.parametrize("seed", range(6))
def test_the_detector_finds_every_answer_that_was_made_up_and_no_other(seed: int) -> None:
    draw = HallucinationCaught().draw(Random(seed))
    pages = _facts.documents(draw["facts"])
    found = [
        f["id"]
        for f in draw["facts"]
        if not all(
            one.supported
            for one in default().text(draw["said"][f["id"]], [pages[_facts.file_of(f["topic"])]])
        )
    ]
    assert found == draw["made_up"].split()


@pytest.mark.parametrize("seed", range(40))
def test_the_scan_finds_every_letter_with_personal_data_and_no_other(seed: int) -> None:
    draw = AccessAndPrivacy().draw(Random(seed))
    found = {f.id for f in scan([read_example(x, "a letter") for x in draw["letters"]])}
    assert found == set(draw["personal"].split())


@pytest.mark.parametrize("seed", range(40))
def test_one_form_breaks_the_schema_and_is_mended_and_one_breaks_it_each_time(seed: int) -> None:
    draw = StructuredOutput().draw(Random(seed))
    rules = _forms(draw)["rules"]
    tickets, repairs = rules[: len(draw["tickets"])], rules[len(draw["tickets"]) :]
    faults = [schemas.faults(schema_of(draw), rule["json"]) for rule in tickets]
    assert [n for n, f in enumerate(faults) if f] == sorted((draw["mended"], draw["refused"]))
    for n, mends in ((draw["mended"], True), (draw["refused"], False)):
        said = next(r["json"] for r in repairs if f"- {faults[n][0]}".startswith(r["when"]))
        assert (not schemas.faults(schema_of(draw), said)) is mends


@pytest.mark.parametrize("seed", range(40))
def test_the_day_has_one_bad_hour_and_the_numbers_that_were_drawn(seed: int) -> None:
    draw = MonitoringRead().draw(Random(seed))
    requests = traffic(draw)
    failed = [r for r in requests if r.failure]
    hours = Counter(r.second // 3600 for r in failed).most_common(2)
    assert hours[0][0] == draw["bad_hour"]
    assert len(hours) < 2 or hours[0][1] > 2 * hours[1][1]
    in_it = Counter((r.app, r.model, r.failure) for r in failed if r.second // 3600 == draw["bad_hour"])
    assert in_it.most_common(1)[0][0] == (draw["bad_app"], draw["bad_model"], draw["cause"])
    assert len(failed) == draw["failed"]
    slow = sorted(r.ms for r in requests if r.app == draw["slow_app"])
    assert {slow[int(len(slow) * share)] for share in (0.94, 0.95, 0.96)} == {draw["slow_ms"]}
    assert sum(r.nanousd for r in requests) / 1e9 == pytest.approx(draw["usd"], abs=1e-4)
