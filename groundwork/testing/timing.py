"""How long work took, less what the machine withheld: for tests of deadlines that run beside other work.

A busy machine may not run a process for a tenth of a second. Then a deadline that was kept looks missed, and a test that
allowed for it everywhere would no longer notice a deadline that is missed by so much. So the time withheld is measured: a
thread that only sleeps wakes up late, and what this process did not spend on its own processor time meanwhile was withheld
from it. A loop that blocks itself, by computing or by waiting, gets no allowance.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

BEAT_S = 0.005


class Stopwatch:
    """Measures the body of a `with` statement.

    Attributes:
        wall_s: seconds that passed on the clock. withheld_s: seconds of these in which the machine did not run this process.
        seconds: the difference, which is what the work is answerable for.
    """

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.withheld_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="stopwatch", daemon=True)

    def __enter__(self) -> Stopwatch:
        self._thread.start()
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s = time.monotonic() - self._began
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """What the work took, never less than nothing."""
        return max(0.0, self.wall_s - self.withheld_s)

    def _beat(self) -> None:
        while not self._ended.is_set():
            began, used = time.monotonic(), time.process_time()
            time.sleep(BEAT_S)
            late = time.monotonic() - began - BEAT_S
            # Of what the process used, as much as fits into the sleep itself was not used while this thread was late.
            own = max(0.0, time.process_time() - used - BEAT_S)
            self.withheld_s += max(0.0, late - own)
