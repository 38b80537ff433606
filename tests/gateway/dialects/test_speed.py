"""The dialects are on the way of every call: what they take is a small part of a millisecond."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from groundwork.gateway.dialects import DIALECTS
from groundwork.gateway.types import CallMeta, Completion, Event, Usage

TEXT = "What would you say about the plan that was made last year? " * 8
MESSAGES = [
    {"role": "user", "content": TEXT},
    {"role": "assistant", "content": TEXT},
    {"role": "user", "content": TEXT},
]
BODIES = {
    "openai_chat": {"model": "m", "messages": MESSAGES, "temperature": 0.2},
    "openai_completions": {"model": "m", "prompt": TEXT * 3},
    "openai_responses": {"model": "m", "input": MESSAGES, "instructions": TEXT},
    "anthropic_messages": {"model": "m", "messages": MESSAGES, "max_tokens": 100},
}
META = CallMeta("call_01")


def microseconds(work: Callable[[], object], n: int = 300) -> float:
    """Return the processor time of one call, the best of several rounds."""
    best = 1.0
    for _ in range(7):
        began = time.process_time()
        for _ in range(n):
            work()
        best = min(best, time.process_time() - began)
    return best / n * 1e6


@pytest.mark.parametrize("name", list(BODIES))
def test_a_small_chat_is_read_and_written_in_60_microseconds(name: str) -> None:
    dialect, body = DIALECTS.make(name), BODIES[name]
    completion = Completion(TEXT, usage=Usage(300, 100), meta=META)
    assert microseconds(lambda: dialect.render(completion, dialect.parse(body), 1)) < 60


@pytest.mark.parametrize("name", list(BODIES))
def test_an_event_of_a_stream_is_written_in_10_microseconds(name: str) -> None:
    dialect = DIALECTS.make(name)
    encoder = dialect.encoder(dialect.parse(BODIES[name]), META, 1)
    event = Event("text", text=" word")
    encoder.event(event)
    assert microseconds(lambda: encoder.event(event)) < 10
