"""Parts that are made once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from groundwork.core.once import once


@dataclass
class House:
    made: list[int] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def base(self) -> int:
        time.sleep(0.02)
        self.made.append(1)
        return len(self.made)

    @once
    def top(self) -> int:
        return self.base + 1


def test_a_part_is_made_once_however_many_threads_ask_and_may_ask_for_another() -> None:
    house = House()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: house.top, range(32))) == {2}
    assert house.made == [1]
