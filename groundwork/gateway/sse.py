"""Read an event stream (text/event-stream) from bytes that arrive in any pieces.

Source:
    WHATWG HTML, section 9.2.6 "Interpreting an event stream". Two differences, both for what providers really send: an
    event that the stream's end cuts off before its blank line can be had with `end`, and `retry` is left out.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its type (`message` where none was said is left "") and its data lines, joined by line feeds."""

    event: str
    data: str


class LineTooLongError(ValueError):
    """A line, or the data of one event, is over the limit."""


class SseReader:
    """Turns pieces of bytes into events; one per stream.

    The same bytes give the same events however they are cut: inside of a character, between CR and LF, anywhere. Bytes that
    are no UTF-8 become U+FFFD.

    Args:
        limit: longest line, and longest data of one event, in bytes.
    """

    __slots__ = ("_after_cr", "_data", "_event", "_limit", "_size", "_started", "_tail", "_tail_size")

    def __init__(self, limit: int = 1024 * 1024) -> None:
        self._limit = limit
        self._tail: list[bytes] = []  # pieces of a line whose end has not come yet
        self._tail_size = 0
        self._after_cr = False
        self._started = False
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Return the events that are complete now.

        Raises:
            LineTooLongError: see `limit`; the reader is of no use any more.
        """
        if self._after_cr and piece:
            self._after_cr = False
            if piece[:1] == b"\n":
                piece = piece[1:]
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, newline, rest = piece.partition(b"\n")
        if not newline:
            self._keep(piece)
            return []
        if self._tail:
            self._keep(head)
            head = b"".join(self._tail)
            self._tail.clear()
            self._tail_size = 0
        events: list[ServerEvent] = []
        self._line(head, events)
        if rest:
            lines = rest.split(b"\n")
            for line in lines[:-1]:
                self._line(line, events)
            if lines[-1]:
                self._keep(lines[-1])
        return events

    def end(self) -> list[ServerEvent]:
        """Return the event that was begun when the stream ended, if one was."""
        events: list[ServerEvent] = []
        if self._tail:
            last = b"".join(self._tail)
            self._tail.clear()
            self._line(last, events)
        self._line(b"", events)
        return events

    def _keep(self, piece: bytes) -> None:
        self._tail_size += len(piece)
        if self._tail_size > self._limit:
            raise LineTooLongError(f"a line is longer than {self._limit} bytes")
        if piece:
            self._tail.append(piece)

    def _line(self, line: bytes, events: list[ServerEvent]) -> None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if len(line) > self._limit:
            raise LineTooLongError(f"a line is longer than {self._limit} bytes")
        if not line:
            if self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                events.append(ServerEvent(self._event, data.decode("utf-8", "replace")))
                self._data = []
                self._size = 0
            self._event = ""
            return
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
        elif line.startswith(b":"):
            return
        else:
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"event":
                self._event = value.decode("utf-8", "replace")
                return
            if name != b"data":
                return
        self._size += len(value) + 1
        if self._size > self._limit:
            raise LineTooLongError(f"the data of one event is longer than {self._limit} bytes")
        self._data.append(value)
