"""The server's log on stderr: lines for people or JSON, with the ids of trace and request, secrets masked.

Whoever logs hands a line over and goes on; a thread formats and writes it. When stderr is not read, or the disk behind it
stands still, requests are answered all the same: lines beyond a bound are dropped, and how many is said when it flows again.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any, Literal, TextIO

from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry.current import current
from groundwork.telemetry.masking import mask_secrets

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
MOST_WAITING = 10_000
MOST_CHARS = 8_000
LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR,
}  # fmt: skip
FIELDS = ("method", "path", "status", "duration_ms", "call_id")
"""What a line may say beside its message, as `extra` of the logging call."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was handed over."""

    created: float
    level: str
    logger: str
    message: str
    trace_id: str
    span_id: str
    request_id: str
    principal: str
    more: Mapping[str, Any]
    error: tuple[str, str, str] | None = None  # type, message, stack


class Lines(logging.Handler):
    """Takes records of `logging` and has them written by a thread of its own.

    Args:
        stream: where lines go. form: how they look.
    """

    def __init__(self, stream: TextIO, form: Format) -> None:
        super().__init__()
        self._stream = stream
        self._render = as_json if form == "json" else as_text
        self._queue: SimpleQueue[Line | None] = SimpleQueue()
        self.dropped = 0
        self._thread = threading.Thread(target=self._serve, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line over; it never waits and never raises."""
        if self._queue.qsize() >= MOST_WAITING:
            self.dropped += 1
            return
        try:
            self._queue.put(line_of(record))
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write what waits, for two seconds at most, and end the thread."""
        self._queue.put(None)
        self._thread.join(2.0)
        super().close()

    def _serve(self) -> None:
        while (line := self._queue.get()) is not None:
            self._write(line)
            if self._queue.empty():
                self._tell_dropped()
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        if self.dropped:
            lost, self.dropped = self.dropped, 0
            self._write(_plain(f"{lost} lines of the log were dropped because nobody took them"))

    def _write(self, line: Line) -> None:
        try:
            self._stream.write(mask_secrets(self._render(line)) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self.dropped += 1  # stderr was closed


def begin(form: Format, level: Level, stream: TextIO | None = None) -> Lines:
    """Send what is logged to `stream` (stderr where none is given), from `level` on; of others' libraries only warnings."""
    lines = Lines(stream or sys.stderr, form)
    root = logging.getLogger()
    root.addHandler(lines)
    logging.getLogger("groundwork").setLevel(LEVELS[level])
    return lines


def end(lines: Lines) -> None:
    """Write what waits and leave logging as it was."""
    logging.getLogger().removeHandler(lines)
    logging.getLogger("groundwork").setLevel(logging.NOTSET)
    lines.close()


def line_of(record: logging.LogRecord) -> Line:
    """Return a record as a line, with what is being worked on in the thread that logs."""
    work = current()
    error = None
    if record.exc_info and record.exc_info[1] is not None:
        raised = record.exc_info[1]
        stack = "".join(traceback.format_exception(raised))
        error = (type(raised).__name__, str(raised)[:MOST_CHARS], stack[-MOST_CHARS:])
    given = record.__dict__
    return Line(
        record.created,
        record.levelname.lower(),
        record.name,
        record.getMessage()[:MOST_CHARS],
        # A call of the gateway without a trace of its client's has one that follows from its id.
        work.trace_id or (trace_hex(work.request_id) if work.request_id else ""),
        work.span_id,
        work.request_id,
        work.principal,
        {name: given[name] for name in FIELDS if name in given},
        error,
    )


def as_json(line: Line) -> str:
    """Return a line as one JSON object: time, level, logger, message, ids, and what else was said."""
    found: dict[str, Any] = {
        "time": _time(line).isoformat(timespec="milliseconds"),
        "level": line.level,
        "logger": line.logger,
        "message": line.message,
    }
    for name in ("trace_id", "span_id", "request_id", "principal"):
        value = getattr(line, name)
        if value:
            found[name] = value
    found.update(line.more)
    if line.error is not None:
        kind, message, stack = line.error
        found["error"] = {"type": kind, "message": message, "stack": stack}
    return json.dumps(found, ensure_ascii=False, default=str)


def as_text(line: Line) -> str:
    """Return a line for people; line ends and other control characters in its message are shown as such."""
    message = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line.message)
    parts = [_time(line).strftime("%Y-%m-%d %H:%M:%S"), f"{line.level:<7}", f"{line.logger}:", message]
    if "duration_ms" in line.more:
        parts.append(f"{line.more['duration_ms']:.0f} ms")
    if line.principal:
        parts.append(f"by {line.principal}")
    if line.trace_id:
        parts.append(f"trace {line.trace_id}")
    text = " ".join(parts)
    return text if line.error is None else f"{text}\n{line.error[2].rstrip()}"


def _time(line: Line) -> datetime:
    return datetime.fromtimestamp(line.created, UTC)


def _plain(message: str) -> Line:
    return Line(datetime.now(UTC).timestamp(), "warning", "groundwork.log", message, "", "", "", "", {})
