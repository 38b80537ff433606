"""The guide's predicates can be read, its program runs, and it names every word of the grammar."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundwork.core.principal import LOCAL
from groundwork.evidence.engine import Checker
from groundwork.evidence.parse import _EVERY, _FIND, read_predicate
from groundwork.storage import improvement_tables as i
from tests.evidence.house import House
from tests.workspaces import light_workspace

GUIDE = Path("docs/guides/evidence.md").read_text(encoding="utf-8")
PREDICATES: list[Any] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)]


@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_predicate_of_the_guide_can_be_asked(checker: Checker, predicate: Any) -> None:
    read_predicate(predicate)
    assert checker.check(LOCAL, predicate).outcome == "not_yet"


def test_every_word_of_the_grammar_stands_in_the_guide() -> None:
    for word in (*_FIND, *_EVERY, "all", "any", "attest"):
        assert f"`{word}" in GUIDE, word


def test_the_rule_of_the_guide_lets_a_gated_and_approved_release_through(
    house: House, checker: Checker
) -> None:
    rule = PREDICATES[-1]
    release = house.release(by="user:bob")
    house.deployment(release, environment="production")
    verdict = house.verdict(release, n=49)
    house.put(
        i.release_approvals,
        release=release["id"],
        environment="production",
        decision="approve",
        principal="user:bob",
    )
    told = [m.sentence for m in checker.check(LOCAL, rule).missing]
    assert told == [
        "no gate passed what the release pins on at least 50 examples.",
        "nobody but its maker approved the release.",
    ]
    house.remove(i.verdicts, verdict)
    house.verdict(release, n=50)
    house.put(
        i.release_approvals,
        release=release["id"],
        environment="production",
        decision="approve",
        principal="user:ann",
    )
    assert checker.check(LOCAL, rule).proven
    house.put(
        i.release_approvals,
        release=release["id"],
        environment="production",
        decision="refuse",
        principal="user:ann",
    )
    assert not checker.check(LOCAL, rule).proven, "of one person the last word counts"


def test_the_program_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    light_workspace(tmp_path).close()
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    exec(program, {})
    assert capsys.readouterr().out == "not_yet [] ['needs 1 of the releases with app `handbook`.']\n"
