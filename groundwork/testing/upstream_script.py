"""What a scripted upstream is told to say, and the faults it can be told to play.

The faults are those of a list that real providers have all shown. Each has a form for a whole reply and one for a stream;
a fault that has no meaning for one of the two plays its nearest relative there, which the table says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

RATE_LIMITS: Mapping[str, str | None] = {
    "rate_limited_seconds": "1",
    "rate_limited_date": "date",
    "rate_limited_absent": None,
    "rate_limited_negative": "-5",
    "rate_limited_huge": "1000000000",
}
STATUSES: Mapping[str, int] = {
    "status_500": 500,
    "status_502": 502,
    "status_503": 503,
    "status_529": 529,
    "key_rotated": 401,
    **dict.fromkeys(RATE_LIMITS, 429),
}
FAULTS: Mapping[str, str] = {
    "connect_refused": "nobody listens; use `Upstream.refused_url`",
    "invalid_tls": "a certificate nobody signed; use `Upstream.tls_url`",
    "reset_after_headers": "the head of the reply, then a TCP reset",
    "silence": "the request is read, nothing is ever said",
    "one_byte_per_second": "the reply, one byte at a time, `Script.byte_s` seconds apart",
    "rate_limited_seconds": "429 with `Retry-After: 1` (or `Script.retry_after`)",
    "rate_limited_date": "429 with `Retry-After` as a date one second ahead",
    "rate_limited_absent": "429 without `Retry-After`",
    "rate_limited_negative": "429 with `Retry-After: -5`",
    "rate_limited_huge": "429 with `Retry-After: 1000000000`",
    "status_500": "500 with the dialect's error",
    "status_502": "502 with a proxy's HTML",
    "status_503": "503 with the dialect's error",
    "status_529": "529 with the dialect's error",
    "key_rotated": "401 that repeats the key it was shown; with `Script.after` it works that many times before",
    "html": "200 with a page of HTML",
    "empty_body": "200 with nothing in it",
    "truncated_json": "half of the body with a right length; a stream ends inside of an event's JSON",
    "wrong_length": "a content-length that is longer than what comes before the connection closes",
    "garbage_after": "a content-length that is shorter than what comes; a stream: bytes after its last chunk",
    "unasked_reply": "a good reply, and a moment later a second one that nobody asked for, on the same connection",
    "unterminated": "everything but the terminator and finish; a whole reply: chunked without the last chunk",
    "cut_utf8": "ends inside of a character of several bytes",
    "split_utf8": "well-behaved, in segments that cut characters of several bytes",
    "duplicate_chunks": "each delta twice with equal ids; a whole reply: the JSON twice",
    "disordered_chunks": "finish before text; a whole reply: choices that begin with index 1",
    "long_line": "one line of `Script.big_bytes` bytes",
    "endless": "deltas, or body, without end",
    "gzip_bomb": "a small gzip body that becomes `Script.big_bytes` times 20",
    "redirect_inside": "307 to an address that only this machine can reach",
    "empty_choices": "a reply without a choice or content block",
    "missing_usage": "well-behaved but for the usage, which is not there",
    "nan": "NaN where a number belongs, which is no JSON",
    "tool_arguments_invalid": "a tool call whose arguments are no JSON",
    "tool_unknown": "a call of a tool nobody offered",
    "tool_calls_10000": "ten thousand tool calls",
    "schema_broken": "JSON that does not fit the schema that was asked for",
    "finish_length": "ends because the most tokens were reached",
    "content_filter": "refused for its content",
    "error_in_stream": "an error event after some text; a whole reply: 200 with an error object",
    "embedding_dimension": "vectors of differing dimension",
    "embedding_nan": "a vector that holds NaN",
    "embedding_rows": "fewer vectors than texts",
}
CHAT_FAULTS = tuple(name for name in FAULTS if not name.startswith("embedding_") and name != "unasked_reply")
"""Faults of one chat; `unasked_reply` is one of the next call on its connection."""
EMBEDDING_FAULTS = tuple(name for name in FAULTS if name.startswith("embedding_"))
SIMPLE_TEXT = "Grüße – 你好, the Loire is 1006 km long."


@dataclass(frozen=True)
class Call:
    """A tool call the upstream makes; `arguments` is text, so that it can be wrong."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True)
class Script:
    """How requests are answered.

    Attributes:
        text: what the model says; a stream cuts it into `chunks` nearly equal pieces.
        delay_s: before the head of the reply; chunk_delay_s: between chunks of a stream.
        calls: tool calls after the text. usage: (input, output) tokens, None leaves usage out.
        finish: the reason in OpenAI's words; None: `stop`, or `tool_calls` with calls.
        models: what `/models` lists. dimension: of embeddings.
        key: the only key that is accepted, "" accepts every one.
        fault: a name of `FAULTS`; played for requests `after` < n <= `after + times`; for all after `after` without `times`.
        retry_after: replaces the value of the fault's `Retry-After`.
        big_bytes: the size of `long_line` and `gzip_bomb`.
        headers: further headers of every reply.
    """

    text: str = SIMPLE_TEXT
    chunks: int = 4
    delay_s: float = 0.0
    chunk_delay_s: float = 0.0
    calls: tuple[Call, ...] = ()
    usage: tuple[int, int] | None = (11, 7)
    finish: str | None = None
    models: tuple[str, ...] = ("small", "large")
    dimension: int = 8
    key: str = ""
    fault: str = ""
    after: int = 0
    times: int | None = None
    retry_after: str | None = None
    byte_s: float = 1.0
    big_bytes: int = 10 * 1024 * 1024
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.fault and self.fault not in FAULTS:
            raise ValueError(f"no fault is called {self.fault!r}; there are {', '.join(FAULTS)}")

    def fault_of(self, n: int) -> str:
        """Return the fault that the n-th request (from 1) meets, "" for none."""
        if n <= self.after or (self.times is not None and n > self.after + self.times):
            return ""
        return self.fault


def script_of(values: Mapping[str, Any]) -> Script:
    """Return the script that a JSON object describes."""
    fields = dict(values)
    fields["calls"] = tuple(Call(**call) for call in fields.get("calls", ()))
    for name in ("models", "headers", "usage"):
        if isinstance(fields.get(name), list):
            fields[name] = tuple(tuple(v) if isinstance(v, list) else v for v in fields[name])
    return Script(**fields)


def pieces(text: str, count: int) -> list[str]:
    """Cut `text` into `count` nearly equal stretches, none of them empty."""
    count = max(1, min(count, len(text)))
    cuts = [round(i * len(text) / count) for i in range(count + 1)]
    return [text[a:b] for a, b in pairwise(cuts) if b > a]
