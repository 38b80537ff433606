"""Questions that could not be answered: nothing is recorded of them, so how far they came is held until it is in a trace."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from groundwork.answers.spans import spans_of_failed

if TYPE_CHECKING:
    from groundwork.answers.pipeline import Course
    from groundwork.telemetry.store import SpanStore

MOST = 1000


class Unanswered:
    """Holds them in memory, the newest thousand. Safe to use from several threads.

    Args:
        texts: says of an app whether its texts are kept.
    """

    def __init__(self, texts: Callable[[str], bool]) -> None:
        self._texts = texts
        self._lock = threading.Lock()
        self._held: deque[Course] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, course: Course) -> None:
        """Hold a question that failed."""
        with self._lock:
            self._held.append(course)

    def flush(self, store: SpanStore) -> int:
        """Store the spans of what is held, and return how many; what the store refuses is held on."""
        made = 0
        while True:
            with self._lock:
                if not self._held:
                    return made
                course = self._held[0]
            spans = spans_of_failed(course, texts=self._texts(course.app))
            store.add(course.principal.tenant, spans)
            made += len(spans)
            with self._lock:
                if self._held and self._held[0] is course:
                    self._held.popleft()
