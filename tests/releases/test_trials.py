"""Canaries and shadows: who gets which arm, how they are judged, how they end, and what is left after a crash."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundwork.answers.types import Turn
from groundwork.app import trying
from groundwork.app.workspace import Workspace
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError, UpstreamError
from groundwork.core.improvement import CanarySpec
from groundwork.core.principal import LOCAL, Principal
from groundwork.releases import assigning
from groundwork.releases.judging import Judge
from groundwork.releases.trials import Scored, folded, judge_of
from groundwork.releases.types import Arm, Deployment
from tests.releases.conftest import ANN, QUESTION, promote

WELL, BADLY = Scored("ans_x", 1.0, "well"), Scored("ans_y", 0.0, "unsupported")


def begin(home: Workspace, ref: str = "default@2", kind: Any = "canary", **changes: Any) -> Deployment:
    """Begin a trial in `open`, where `default@1` stands."""
    promote(home, "default@1")
    found = home.releases.trials.begin(LOCAL, ref, "open", kind, changes=changes)
    assert found.deployment is not None
    return found.deployment


def again(home: Workspace, trial: Deployment) -> Deployment:
    return home.releases.promotions.deployment(LOCAL, trial.id)


def silent(home: Workspace) -> str:
    """Make a release that declines everything, and return its name."""
    return home.releases.create(spec=home.app_spec("default").model_copy(update={"threshold": 1.0}))[0].ref


# -- assignment --------------------------------------------------------------------------------------------------------
def test_a_unit_stays_at_its_arm_and_the_arms_get_their_shares() -> None:
    arms = [assigning.arm("salt", f"user:{n}", 0.1) for n in range(20_000)]
    assert arms == [assigning.arm("salt", f"user:{n}", 0.1) for n in range(20_000)]
    share = arms.count("candidate") / len(arms)
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 20_000) ** 0.5
    wider = [assigning.arm("salt", f"user:{n}", 0.5) for n in range(20_000)]
    assert all(b == "candidate" for a, b in zip(arms, wider, strict=True) if a == "candidate")
    assert arms != [assigning.arm("other", f"user:{n}", 0.1) for n in range(20_000)]


def test_the_sample_ratio_test_flags_what_chance_does_not_explain() -> None:
    assert not assigning.sample_ratio(520, 480, 0.5).flagged
    found = assigning.sample_ratio(600, 400, 0.5)
    assert found.flagged
    assert found.p_value == pytest.approx(2.5396e-10, rel=1e-3), "chi-square 40 with one degree of freedom"
    assert assigning.sample_ratio(3, 0, 0.1).p_value is None, "too few to say"
    assert assigning.sample_ratio(10, 0, 1.0).p_value is None


@pytest.mark.parametrize("seed", range(2))
def test_the_sample_ratio_test_is_quiet_about_a_fair_assignment(seed: int) -> None:
    chance = random.Random(seed)
    flagged = 0
    for _ in range(2_000):
        hits = sum(chance.random() < 0.1 for _ in range(200))
        flagged += assigning.sample_ratio(hits, 200 - hits, 0.1).flagged
    assert flagged <= 12, "p < .001, of a discrete statistic"


def test_people_and_conversations_stay_at_one_release(home: Workspace) -> None:
    begin(home, share=0.5)
    for who in [Principal(name=f"user:{n}", owner=True) for n in range(4)]:
        assert (
            len({home.ask(QUESTION, environment="open", principal=who).pins.release for _ in range(3)}) == 1
        )
    for _ in range(3):
        first = home.ask(QUESTION, environment="open", conversation="new")
        then = home.ask("And in March?", environment="open", conversation=first.conversation)
        assert then.pins.release == first.pins.release
    units = {home.ask(QUESTION, environment="open", unit="a").pins.release for _ in range(3)}
    assert len(units) == 1
    assert len({home.ask(QUESTION, environment="open").pins.release for _ in range(16)}) == 2


# -- pairs -------------------------------------------------------------------------------------------------------------
def test_both_releases_answer_and_the_asker_gets_their_arm(home: Workspace) -> None:
    trial = begin(home, share=1.0)
    answer = home.ask(QUESTION, environment="open", principal=ANN)
    assert "30 days" in answer.text
    assert home.releases.trying.wait()
    request = home.releases.trials.requests(LOCAL, trial.id)[0]
    assert (request.arm, request.candidate_answer, request.outcome) == ("candidate", answer.id, "tie")
    unseen = home.answer(request.baseline_answer)
    assert "28 days" in unseen.text
    assert unseen.principal == f"trial:{trial.id}"
    assert "ann" not in request.unit
    assert [a.id for a in home.answers(Principal(name="user:ann"))] == [answer.id]


def test_a_shadow_answers_unseen_and_decides_nothing(home: Workspace) -> None:
    trial = begin(home, silent(home), "shadow", max_requests=10)
    for _ in range(12):
        assert "28 days" in home.ask(QUESTION, environment="open").text
    assert home.releases.trying.wait()
    found = home.releases.trials.status(LOCAL, again(home, trial))
    assert (found.deployment.state, found.losses, found.wins) == ("ended", 10, 0)
    assert "Of 10 pairs it was better in 0 and worse in 10." in found.sentence


def test_a_follow_up_is_asked_as_it_was_understood_and_an_erasure_finds_it(home: Workspace) -> None:
    trial = begin(home, share=1.0)
    first = home.ask(QUESTION, environment="open", conversation="new")
    second = home.ask(
        "How many of them may be carried over?", environment="open", conversation=first.conversation
    )
    assert home.releases.trying.wait()
    request = home.releases.trials.requests(LOCAL, trial.id)[0]
    unseen = home.answer(request.baseline_answer)
    assert unseen.question == (second.standalone or second.question)
    assert unseen.conversation is None
    leave = next(d for d in home.documents()[0] if d.document.endswith("leave.md"))
    home.erase([leave.id])
    assert home.answer(request.baseline_answer).question == ""


def test_what_fails_counts_against_the_arm_that_failed(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = begin(home, share=0.5)
    candidate = trial.release
    real = type(home.rooms.pipeline).ask

    def ask(pipeline: Any, *given: Any, **more: Any) -> Any:
        if more["pinned"].release == candidate:
            raise UpstreamError("the model is down")
        return real(pipeline, *given, **more)

    monkeypatch.setattr(type(home.rooms.pipeline), "ask", ask)
    for n in range(7):
        try:
            home.ask(QUESTION, environment="open", unit=f"u{n}")
        except UpstreamError:
            continue
    assert home.releases.trying.wait()
    found = home.releases.trials.status(LOCAL, again(home, trial))
    assert (found.losses, found.errors["candidate"], found.errors["baseline"]) == (7, 7, 0)
    assert found.deployment.state == "rolled_back"
    assert "28 days" in home.ask(QUESTION, environment="open").text


def test_what_the_asker_did_wrong_counts_against_nobody(home: Workspace) -> None:
    trial = begin(home, share=1.0)
    for wrong in ("", "x" * 9000):
        with pytest.raises(InvalidInputError):
            home.ask(wrong, environment="open")
    with pytest.raises(NotFoundError):
        home.ask(QUESTION, environment="open", conversation="con_unknown")
    assert home.releases.trying.wait()
    assert home.releases.trials.requests(LOCAL, trial.id) == []


def test_requests_beyond_the_queue_are_recorded_without_a_pair(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "MOST_WAITING", 0)
    trial = begin(home, share=0.5)
    for _ in range(3):
        home.ask(QUESTION, environment="open", history=(Turn("user", "Hello"),))
    home.releases.trying.close()
    found = home.releases.trials.status(LOCAL, again(home, trial))
    assert (found.n, found.pairs, found.dropped) == (3, 0, 3)
    assert found.candidate_n + found.baseline_n == 3


# -- decisions ---------------------------------------------------------------------------------------------------------
def test_a_candidate_that_harms_is_taken_back_by_the_request_that_shows_it(home: Workspace) -> None:
    trial = begin(home, silent(home), share=1.0)
    asked = 0
    while again(home, trial).state == "active":
        assert home.ask(QUESTION, environment="open").abstained
        assert home.releases.trying.wait()
        asked += 1
    assert asked == 7, "seven losses of seven: 1/e-value = .031"
    assert "28 days" in home.ask(QUESTION, environment="open").text
    ended = again(home, trial)
    assert (ended.state, ended.share) == ("rolled_back", 0.0)
    assert "it did harm" in ended.record["ended_because"]
    assert home.releases.trials.record("default", trial.id, "late", "candidate", WELL, BADLY) == ""
    assert len(home.releases.trials.requests(LOCAL, trial.id)) == 7


def feed(home: Workspace, trial: Deployment, outcome: str, times: int, arm: Arm = "candidate") -> list[str]:
    baseline, candidate = {"win": (BADLY, WELL), "loss": (WELL, BADLY), "tie": (WELL, WELL)}[outcome]
    record = home.releases.trials.record
    return [record("default", trial.id, f"u{n}", arm, baseline, candidate) for n in range(times)]


def test_a_benefit_is_told_once_and_harm_is_watched_on(home: Workspace) -> None:
    trial = begin(home, min_requests=10)
    said = feed(home, trial, "win", 12)
    assert said == [""] * 9 + ["benefit"] + [""] * 2
    assert "it can be promoted" in home.releases.trials.status(LOCAL, again(home, trial)).sentence
    said = feed(home, trial, "loss", 60)
    assert "harm" in said
    assert again(home, trial).state == "rolled_back"


def test_a_canary_that_shows_nothing_ends_after_its_requests(home: Workspace) -> None:
    trial = begin(home, max_requests=12)
    assert feed(home, trial, "tie", 14) == [""] * 11 + ["undecided"] + [""] * 2
    assert again(home, trial).record["ended_because"] == "12 requests are over, and nothing was shown"


def test_a_canary_is_promoted_on_behalf_of_who_began_it(home: Workspace, says: Callable[..., str]) -> None:
    home.releases.create(spec=home.app_spec("default").model_copy(update={"threshold": 1.0}))
    promote(home, "default@3")
    found = home.releases.trials.begin(
        ANN, "default@1", "open", changes={"share": 1.0, "promote": True, "min_requests": 0}
    )
    assert found.deployment is not None
    for _ in range(7):
        home.ask(QUESTION, environment="open")
        assert home.releases.trying.wait()
    assert again(home, found.deployment).state == "promoted"
    newest = home.releases.promotions.history(LOCAL, environment="open")[0]
    assert (newest.kind, newest.created_by) == ("promote", "user:ann")
    assert says() == "28"


def test_a_canary_is_ended_and_promoted_by_hand(home: Workspace) -> None:
    trial = begin(home)
    ended = home.releases.trials.end(LOCAL, "default", "open", "seen enough")
    assert (ended.state, ended.record["ended_because"]) == ("ended", "seen enough")
    with pytest.raises(NotFoundError, match="no canary or shadow of `default` runs in open"):
        home.releases.trials.end(LOCAL, "default", "open")
    assert home.releases.trials.newest(LOCAL, "default", "open").id == trial.id
    begun = home.releases.trials.begin(LOCAL, "default@2", "open")
    assert begun.deployment is not None
    refused = home.releases.promotions.promote(LOCAL, "default@2", "open")
    assert [c.name for c in refused.missing] == ["trial"]
    assert home.releases.trials.promote(LOCAL, "default", "open").promoted
    assert again(home, begun.deployment).state == "promoted"


def test_a_rollback_ends_the_canary_with_it(home: Workspace) -> None:
    promote(home, "default@2")
    trial = begin(home, "default@2")
    home.releases.promotions.rollback(LOCAL, "default", "open")
    assert again(home, trial).state == "ended"


def test_a_canary_needs_something_else_to_stand_beside_and_is_alone(home: Workspace) -> None:
    trials = home.releases.trials
    with pytest.raises(ConflictError, match="nothing to compare with"):
        trials.begin(LOCAL, "default@2", "open")
    promote(home, "default@1")
    with pytest.raises(ConflictError, match="cannot be tried beside itself"):
        trials.begin(LOCAL, "default@1", "open")
    first = trials.begin(LOCAL, "default@2", "open").deployment
    assert first is not None
    for kind in ("canary", "shadow"):
        with pytest.raises(ConflictError, match=f"the canary `{first.id}` runs in open already"):
            trials.begin(LOCAL, "default@2", "open", kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": 0}, "greater than 0"),
        ({"share": float("nan")}, "share"),
        ({"sharre": 0.1}, "sharre"),
        ({"scorer": "f1"}, "needs expected"),
        ({"scorer": "latency", "mirror": False}, "not one of 0 and 1"),
    ],
)
def test_a_canary_that_cannot_be_judged_is_refused(
    home: Workspace, changes: dict[str, Any], said: str
) -> None:
    promote(home, "default@1")
    with pytest.raises(InvalidInputError, match=said):
        home.releases.trials.begin(LOCAL, "default@2", "open", changes=changes)


def test_a_canary_needs_what_a_promotion_needs_and_a_shadow_does_not(home: Workspace) -> None:
    home.releases.promotions.decide(ANN, "default@1", "production", "approve")
    promote(home, "default@1", "production")
    refused = home.releases.trials.begin(LOCAL, "default@2", "production")
    assert [c.name for c in refused.missing] == ["approvals"]
    assert home.releases.trials.begin(LOCAL, "default@2", "production", "shadow").promoted


def test_the_salt_is_told_to_nobody(home: Workspace) -> None:
    trial = begin(home)
    assert "salt" in trial.record
    assert "salt" not in str(trial.as_dict())
    assert "salt" not in str(home.releases.trials.status(LOCAL, trial).as_dict())


# -- what is left ------------------------------------------------------------------------------------------------------
def test_the_state_is_the_one_that_the_rows_give(home: Workspace) -> None:
    trial = begin(home, max_requests=500)
    chance = random.Random(1)
    for n in range(60):
        feed(
            home, trial, chance.choice(["win", "loss", "tie", "tie"]), 1, "candidate" if n % 3 else "baseline"
        )
    stored = again(home, trial)
    rows = home.releases.trials.requests(LOCAL, trial.id, limit=1000)[::-1]
    assert folded(stored, rows).state() == judge_of(stored).state()
    course = home.releases.trials.course(LOCAL, stored)
    assert (len(course), course[-1].harm) == (61, judge_of(stored).harm)


KILLED = """
import os, sys
from pathlib import Path
from groundwork.app.workspace import Workspace
with Workspace.open(Path(sys.argv[1])) as home:
    for n in range(1000):
        home.ask("How many days of paid leave does every employee have?", environment="open")
        print(n, flush=True)
"""


def test_a_killed_server_leaves_a_canary_that_others_go_on_with(home: Workspace, copy: Path) -> None:
    trial = begin(home, share=0.5)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(copy)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert killed.stdout is not None
    until = time.monotonic() + 60
    while not (rows := home.releases.trials.requests(LOCAL, trial.id)) and time.monotonic() < until:
        killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert rows
    stored = again(home, trial)
    rows = home.releases.trials.requests(LOCAL, trial.id, limit=1000)[::-1]
    assert folded(stored, rows).state() == judge_of(stored).state()
    home.ask(QUESTION, environment="open")
    assert home.releases.trying.wait()
    assert len(home.releases.trials.requests(LOCAL, trial.id, limit=1000)) == len(rows) + 1


# -- the judge ---------------------------------------------------------------------------------------------------------
def test_a_judge_goes_on_from_what_it_kept() -> None:
    for mirror in (True, False):
        spec, chance = CanarySpec(mirror=mirror, max_requests=400), random.Random(3)
        one, other = Judge(spec), Judge(spec)
        for n in range(200):
            arm: Arm = "candidate" if n % 2 else "baseline"
            values = float(chance.random() < 0.6), float(chance.random() < 0.8)
            decisions = one.add(arm, *values), other.add(arm, *values)
            assert decisions[0] == decisions[1]
            other = Judge.restored(spec, True, other.state())
        assert one.state() == other.state()


def test_without_a_difference_a_canary_is_seldom_taken_back() -> None:
    chance, back = random.Random(0), 0
    for _ in range(150):
        judge = Judge(CanarySpec(max_requests=300))
        for _ in range(300):
            draw = chance.random()
            pair = (1.0, 0.0) if draw < 0.1 else (0.0, 1.0) if draw < 0.2 else (1.0, 1.0)
            if judge.add("candidate", *pair) == "harm":
                back += 1
                break
    assert back <= 15, "5 % of 150 and three standard errors"


def test_a_regression_of_ten_points_is_taken_back() -> None:
    chance, back = random.Random(5), 0
    for _ in range(100):
        judge = Judge(CanarySpec(max_requests=500))
        for _ in range(500):
            draw = chance.random()
            pair = (1.0, 0.0) if draw < 0.05 else (0.0, 1.0) if draw < 0.2 else (1.0, 1.0)
            if judge.add("candidate", *pair) == "harm":
                back += 1
                break
    assert back >= 90
