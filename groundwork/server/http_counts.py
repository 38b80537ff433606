"""Requests by route: how many, with which status, how long they took. Plain numbers by templates of paths, which are few."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import Any

BOUNDS_MS = (5.0, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000)
MOST_LABELS = 500
OTHER = "other"


class HttpCounts:
    """Counters of one application; safe to use from several threads.

    Attributes:
        requests: by `(method, route, status)`; the route is the template of the path, such as `/answers/{answer_id}`.
        times: by route: counts by upper bound (the last is infinity) and the sum in milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: dict[tuple[str, str, str], int] = {}
        self.times: dict[str, tuple[list[int], list[float]]] = {}

    def add(self, method: str, route: str, status: int, milliseconds: float) -> None:
        """Count a request; status 0 is one that was left before it was answered."""
        key = (method if method in METHODS else OTHER, route, str(status))
        with self._lock:
            if key not in self.requests and len(self.requests) >= MOST_LABELS:
                key = (OTHER, OTHER, str(status))
            self.requests[key] = self.requests.get(key, 0) + 1
            found = self.times.get(key[1])
            if found is None:
                found = self.times[key[1]] = ([0] * (len(BOUNDS_MS) + 1), [0.0])
            found[0][bisect_left(BOUNDS_MS, milliseconds)] += 1
            found[1][0] += milliseconds

    def snapshot(self) -> tuple[dict[tuple[str, str, str], int], dict[str, tuple[list[int], float]]]:
        """Return copies of both."""
        with self._lock:
            return dict(self.requests), {
                route: (list(c), total[0]) for route, (c, total) in self.times.items()
            }


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(scope: Any) -> str:
    """Return the template of the path that answered; `other` where none did."""
    route = scope.get("route")
    return str(getattr(route, "path_format", None) or getattr(route, "path", None) or OTHER)
