"""A lab for tests: one record, one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet


class Tower:
    title = "Measure the tower"
    summary = "Ask for its height."
    minutes = 10
    skills: Sequence[str] = ("cited-answers",)
    milestones: Sequence[str] = ()
    after: Sequence[str] = ()
    stream = "technical"
    test_out = True
    cut_off = False

    def draw(self, random: Random) -> dict[str, Any]:
        return {"height": random.randint(10, 10_000)}

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        bench.write("documents/tower.md", f"# Tower\n\nThe tower is {draw['height']} m high.\n")
        if Tower.cut_off:
            raise KeyboardInterrupt
        bench.spec(
            {
                "indexes": {"lab-tower": {"backend": "memory", "embedder": "none"}},
                "apps": {"lab-tower": {"index": "lab-tower", "strategy": "lexical"}},
            }
        )

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        return (
            Point(
                "in",
                "The page is in the index",
                worth=2,
                check={
                    "find": "snapshot",
                    "where": {"index": "lab-tower", "at": {"after": "$lab.started_at"}},
                    "because": "the page is not in the index yet",
                    "do": "groundwork ingest labs/tower/documents --index lab-tower",
                },
            ),
            Point(
                "height", "How high it is", sheet=Sheet("height", draw["height"], within=1), hint="in metres"
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return ("Look up.", f"It is {draw['height']} m.")


plugin = Tower
