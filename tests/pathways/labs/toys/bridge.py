"""A second lab for tests, without a test-out; it asks for a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.pathways.labs import Point, Sheet
from tests.pathways.labs.toys.tower import Tower


class Bridge(Tower):
    title = "Name the bridge"
    test_out = False

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        return (Point("name", "What it is called", sheet=Sheet("name", "Long Bridge")),)

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return ()


plugin = Bridge
