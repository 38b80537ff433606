"""Event streams: the same bytes give the same events however they arrive."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundwork.gateway.sse import LineTooLongError, ServerEvent, SseReader

PIECES = [
    b"data: ", b"data:", b"data", b"event: x", b"event:", b"id: 7", b": ping", b"retry: 5", b"\n", b"\r", b"\r\n", b"\n\n",
    b"\r\r", b"\xef\xbb\xbf", "ü€🚀".encode(), b"\xff\x80", b'{"a":1}', b"[DONE]", b" ", b":", b"\x00",
]  # fmt: skip


def read(data: bytes, sizes: list[int], limit: int = 1024) -> list[ServerEvent] | str:
    """Return what a reader says of `data` cut into pieces of these sizes, over and over."""
    reader = SseReader(limit)
    events: list[ServerEvent] = []
    at = n = 0
    try:
        while at < len(data):
            size = sizes[n % len(sizes)]
            events += reader.feed(data[at : at + size])
            at, n = at + size, n + 1
        return events + reader.end()
    except LineTooLongError:
        return "too long"


def reference(data: bytes) -> list[ServerEvent]:
    """Return the events by the letter of the specification, from the whole text at once."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events, name, said = [], "", []
    for line in [*lines, ""]:
        if line == "":
            if said:
                events.append(ServerEvent(name, "\n".join(said)))
            name, said = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            said.append(value)
    return events


@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8])
@example(b"\xef\xbb\xbfdata: a\n\n", [1])
@example("data: 🚀\n\n".encode(), [7, 1])
def test_events_do_not_depend_on_how_the_bytes_are_cut(data: bytes, sizes: list[int]) -> None:
    assert read(data, sizes) == read(data, [len(data) or 1])
    assert read(data, [1]) == reference(data)


@given(st.binary(max_size=300), st.integers(1, 7), st.integers(1, 40))
def test_a_line_over_the_limit_is_found_however_it_arrives(data: bytes, size: int, limit: int) -> None:
    assert read(data, [size], limit) == read(data, [len(data) or 1], limit)


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: one\n\n", [("", "one")]),
        (b"data: one\ndata: two\n\n", [("", "one\ntwo")]),
        (b"event: ping\ndata: {}\n\n", [("ping", "{}")]),
        (b": a comment\n\ndata: x\n\n", [("", "x")]),
        (b"event: lonely\n\ndata: x\n\n", [("", "x")]),
        (b"data\n\n", [("", "")]),
        (b"data:  two spaces\n\n", [("", " two spaces")]),
        (b"id: 1\nretry: 10\nunknown: y\ndata: x\n\n", [("", "x")]),
        (b"data: [DONE]", [("", "[DONE]")]),
        (b"data: \xc3", [("", "\ufffd")]),
        (b"", []),
    ],
)
def test_each_form_of_the_specification_is_read(data: bytes, events: list[tuple[str, str]]) -> None:
    assert read(data, [1000]) == events


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    reader = SseReader()
    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\n") == [ServerEvent("", "a")]
    assert reader.feed(b"data: b\r\n\r") == [ServerEvent("", "b")]
    assert reader.feed(b"\ndata: c\n\n") == [ServerEvent("", "c")]


def test_a_line_without_an_end_takes_neither_memory_nor_time() -> None:
    reader = SseReader(limit=1024 * 1024)
    began = time.thread_time()
    for _ in range(1024 * 1024):
        reader.feed(b"x")
    with pytest.raises(LineTooLongError, match="1048576"):
        reader.feed(b"x")
    assert time.thread_time() - began < 5


def test_many_short_data_lines_of_one_event_are_limited_too() -> None:
    reader = SseReader(limit=1000)
    with pytest.raises(LineTooLongError):
        reader.feed(b"data: ten bytes\n" * 200)
