"""The stopwatch of the contracts: what the machine withholds is taken off, what the work itself takes is not."""

from __future__ import annotations

import multiprocessing
import os
import time

from groundwork.testing.timing import Stopwatch


def test_waiting_counts() -> None:
    counted = []
    for _ in range(5):  # while others have the machine, what is withheld may well fall into the wait
        with Stopwatch() as took:
            time.sleep(0.2)
        assert took.wall_s >= 0.2
        counted.append(took.seconds)
        if took.seconds > 0.15:
            break
    assert max(counted) > 0.15


def test_computing_counts_although_it_keeps_every_other_thread_waiting() -> None:
    end = time.thread_time() + 0.3
    with Stopwatch() as took:
        while time.thread_time() < end:
            sum(range(1000))
    assert took.seconds > 0.25


def test_what_the_machine_gave_to_others_is_taken_off() -> None:
    crowd = [
        multiprocessing.get_context("spawn").Process(target=_burn, daemon=True)
        for _ in range(6 * (os.cpu_count() or 1))
    ]
    for one in crowd:
        one.start()
    try:
        time.sleep(1.0)  # until they have started
        end = time.thread_time() + 0.3
        with Stopwatch() as took:
            while time.thread_time() < end:
                sum(range(1000))
    finally:
        for one in crowd:
            one.kill()
    assert took.withheld_s > 0
    assert took.seconds < took.wall_s


def _burn() -> None:
    while True:
        sum(range(1000))
