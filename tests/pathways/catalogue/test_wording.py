"""Checks in words."""

from __future__ import annotations

import pytest

from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.catalogue.wording import in_words


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"attest": "I was there."}, ["you say: I was there"]),
        ({"find": "answer"}, ["one `answer`"]),
        (
            {
                "find": "answer",
                "where": {"app": "desk", "citations": {"at_least": 1}},
                "count": {"at_least": 10},
            },
            ["at least 10 of `answer`, where `app` is `desk` and `citations` at least 1"],
        ),
        (
            {
                "all": [
                    {"find": "release", "as": "shipped"},
                    {"find": "verdict", "where": {"release": "$shipped.digest"}},
                ]
            },
            [
                "one `release` (called `shipped`)",
                "one `verdict`, where `release` is the `digest` of `shipped`",
            ],
        ),
        (
            {"any": [{"find": "release"}, {"attest": "It is out"}]},
            ["one of: one `release`; or you say: It is out"],
        ),
        (
            {
                "find": "call",
                "share": {"where": {"failed": False}, "at_least": 0.99},
                "span": {"at_least_days": 7},
            },
            ["one `call`, over at least 7 days, at least 99% of them with `failed` is false"],
        ),
        ({"find": "override", "count": {"at_most": 0}}, ["at most 0 of `override`"]),
        (
            {
                "find": "prompt_version",
                "per": "name",
                "spread": {"field": "digest", "at_least": 3},
                "each": {"tests": {"above": 0}},
            },
            [
                "one `prompt_version`, all of one `name`, with at least 3 different values of `digest`, "
                "each with `tests` above 0"
            ],
        ),
        (
            {"find": "lab_result", "where": {"lab": ["a", "b"], "minutes": {"exists": True}}},
            ["one `lab_result`, where `lab` is `a` or `b` and `minutes` is there"],
        ),
    ],
)
def test_a_check_is_said_in_words(check: dict[str, object], words: list[str]) -> None:
    assert in_words(check) == words


def test_every_check_of_the_catalogue_has_words(loaded: Loaded) -> None:
    for entry in (*loaded.catalogue.milestones, *loaded.catalogue.actions):
        assert all(in_words(entry.check)), entry.id


def test_a_part_that_waits_for_a_room_says_so() -> None:
    assert in_words({"find": "monitor"}, {"monitor": "monitoring"}) == [
        "one `monitor` (waits for the room monitoring)"
    ]
