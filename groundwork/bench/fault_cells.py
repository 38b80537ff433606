"""The cells of the fault matrix: what is asked in each, and what must be true of how it ended.

A cell is one fault of a provider, met by a whole reply or a stream, through one of the dialects that come in, at a provider
that speaks one of the wire formats that go out. Which end is right follows from the fault, and stands in `ENDS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from groundwork.testing.upstream_script import CHAT_FAULTS, EMBEDDING_FAULTS, Call, Script
from groundwork.testing.upstream_wire import Wire

Inbound = Literal["openai_chat", "openai_responses", "anthropic_messages", "openai_embeddings"]
Part = Literal["end", "recover", "fallback"]
CHAT_DIALECTS: tuple[Inbound, ...] = ("openai_chat", "openai_responses", "anthropic_messages")
WIRES: tuple[Wire, ...] = ("openai", "anthropic")
PATHS: Mapping[Inbound, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "openai_embeddings": "/v1/embeddings",
}
SECRET = "sk-lab-7f3a91c2d4e5secret"  # noqa: S105
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
RIVER = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "length_km": {"type": "integer"}},
    "required": ["name", "length_km"],
    "additionalProperties": False,
}
TIMED_OUT = frozenset({"silence", "one_byte_per_second"})
FINE = frozenset({"split_utf8", "missing_usage", "finish_length"})
"""Odd but whole: the call must succeed."""
NO_WHOLE_REPLY = frozenset(
    {"truncated_json", "unterminated", "cut_utf8", "wrong_length", "duplicate_chunks", "reset_after_headers"}
)
AT_ONCE = frozenset({"connect_refused", "reset_after_headers", "status_500", "status_502", "status_503", "status_529",
                     "rate_limited_absent", "rate_limited_negative", "rate_limited_seconds", "rate_limited_date", "html",
                     "empty_body", "redirect_inside", "empty_choices"})  # fmt: skip
"""Retried at the same place before anything was sent to the client, in both forms."""
RECOVERS = (AT_ONCE | NO_WHOLE_REPLY) - {"connect_refused", "redirect_inside", "empty_choices"}
FALLS_BACK = AT_ONCE | {"invalid_tls", "key_rotated", "rate_limited_huge"}


@dataclass(frozen=True)
class Cell:
    """One cell. `part`: it only has to end rightly, to succeed on the second attempt, or to be served by a fallback."""

    fault: str
    stream: bool
    inbound: Inbound
    wire: Wire = "openai"
    part: Part = "end"

    @property
    def name(self) -> str:
        """The name of its provider and script; unique."""
        form = "s" if self.stream else "w"
        inbound = {"openai_chat": "chat", "openai_responses": "resp", "anthropic_messages": "anth"}.get(
            self.inbound, "emb"
        )
        return f"{self.part}-{self.fault}-{form}-{inbound}-{self.wire[:2]}".replace("_", "-")

    @property
    def model(self) -> str:
        """What is asked for."""
        return f"{self.name}/m" if self.part == "end" else f"{self.name}-n"

    @property
    def script(self) -> Script:
        """What the upstream is told."""
        calls = (Call("get_weather", '{"city": "Paris"}'),) if self.fault.startswith("tool_") else ()
        text = '{"name": "Loire", "length_km": 1006}' if self.fault == "schema_broken" else Script.text
        return Script(
            text=text,
            calls=calls,
            fault=self.fault,
            times=1 if self.part == "recover" else None,
            retry_after="1" if self.fault == "rate_limited_seconds" else None,
        )

    @property
    def heavy(self) -> bool:
        """Whether it moves megabytes, so that it would disturb the timing of others."""
        return self.fault in ("long_line", "endless", "gzip_bomb", "tool_calls_10000")

    def body(self) -> dict[str, Any]:
        """Return the request as a client of the dialect sends it."""
        question = "How long is the Loire?"
        if self.inbound == "openai_embeddings":
            return {"model": self.model, "input": [question, "And the Rhine?"]}
        body: dict[str, Any] = {"model": self.model, "stream": self.stream}
        tools, structured = self.fault.startswith("tool_"), self.fault == "schema_broken"
        if self.inbound == "openai_responses":
            body |= {"input": question, "max_output_tokens": 64}
            if tools:
                body["tools"] = [{"type": "function", **_FUNCTION, "parameters": WEATHER}]
            if structured:
                body["text"] = {
                    "format": {"type": "json_schema", "name": "river", "schema": RIVER, "strict": True}
                }
            return body
        body |= {"messages": [{"role": "user", "content": question}], "max_tokens": 64}
        if self.inbound == "anthropic_messages":
            if tools:
                body["tools"] = [{**_FUNCTION, "input_schema": WEATHER}]
            if structured:
                body["output_config"] = {"format": {"type": "json_schema", "schema": RIVER}}
            return body
        if tools:
            body["tools"] = [{"type": "function", "function": {**_FUNCTION, "parameters": WEATHER}}]
        if structured:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "river", "schema": RIVER, "strict": True},
            }
        return body


_FUNCTION = {"name": "get_weather", "description": "The weather of a city."}


def cells(faults: Sequence[str] = CHAT_FAULTS) -> Iterator[Cell]:
    """Yield every cell of the matrix."""
    for fault, stream, inbound, wire in product(faults, (False, True), CHAT_DIALECTS, WIRES):
        yield Cell(fault, stream, inbound, wire)
    for fault in (*(f for f in faults if f not in _CHAT_ALONE), *EMBEDDING_FAULTS):
        yield Cell(fault, False, "openai_embeddings")
    for fault, stream, inbound in product(sorted(RECOVERS), (False, True), CHAT_DIALECTS):
        if not (stream and fault in NO_WHOLE_REPLY):
            yield Cell(fault, stream, inbound, part="recover")
    for fault, stream, inbound in product(sorted(FALLS_BACK), (False, True), CHAT_DIALECTS):
        yield Cell(fault, stream, inbound, part="fallback")


_CHAT_ALONE = {"tool_arguments_invalid", "tool_unknown", "tool_calls_10000", "schema_broken", "finish_length",
               "content_filter", "duplicate_chunks", "disordered_chunks", "split_utf8", "cut_utf8"}  # fmt: skip


_ADDRESS = re.compile(r"127\.0\.0\.1|localhost|/inside/")


@dataclass
class Outcome:
    """What the client got, and what the records say."""

    status: int = 0
    body: bytes = b""
    headers: str = ""
    elapsed_s: float = 0.0
    hung: bool = False
    broken: str = ""
    call_id: str = ""
    call: Mapping[str, Any] | None = None
    attempts: Sequence[Mapping[str, Any]] = ()
    seen: int = 0
    unfinished: int = 0
    """Requests that the upstream is still answering, though the client got its end."""


def complaints(cell: Cell, outcome: Outcome, deadline_s: float) -> Iterator[str]:
    """Yield what is wrong with how a cell ended; nothing where all is right."""
    if outcome.hung:
        yield "it hung"
        return
    if outcome.broken:
        yield f"the connection to the client broke: {outcome.broken}"
    if outcome.elapsed_s > deadline_s * 1.1:
        yield f"it took {outcome.elapsed_s:.2f} s of {deadline_s:.2f} s"
    text = outcome.body.decode("utf-8", "replace")
    if SECRET in text or SECRET in outcome.headers:
        yield "the provider's key came out"
    if _ADDRESS.search(text):
        yield f"the provider's address came out: {text[:300]}"
    if "�" in text:
        yield "damaged text came out"
    end = _streamed_end(cell, text) if _is_stream(outcome) else _whole_end(cell, outcome, text)
    if end.startswith("!"):
        yield end[1:]
    elif end not in _right_ends(cell):
        yield f"it ended {end} ({outcome.status}), not {' or '.join(sorted(_right_ends(cell)))}: {text[-300:]}"
    yield from _wrong_records(cell, outcome, end)


def _right_ends(cell: Cell) -> set[str]:
    if cell.part != "end" or cell.fault in FINE:
        return {"done"}
    if cell.fault in TIMED_OUT:
        return {"failed"}
    if cell.fault in ("content_filter", "long_line", "disordered_chunks"):
        return {"done", "failed", "incomplete"}
    if cell.fault == "garbage_after":
        return {"done"}
    if cell.fault == "duplicate_chunks":
        return {"done", "incomplete"} if cell.stream else {"failed"}
    if cell.fault == "empty_choices" and cell.wire == "anthropic":
        return {"done", "failed", "incomplete"}  # an empty reply is a valid one there
    if cell.stream and cell.fault in ("truncated_json", "unterminated", "cut_utf8", "wrong_length", "endless", "nan",
                                      "error_in_stream", "tool_arguments_invalid", "tool_unknown", "tool_calls_10000",
                                      "schema_broken", "gzip_bomb"):  # fmt: skip
        return {"failed", "incomplete"}
    return {"failed"}


def _is_stream(outcome: Outcome) -> bool:
    return outcome.status == 200 and "text/event-stream" in outcome.headers


def _whole_end(cell: Cell, outcome: Outcome, text: str) -> str:
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return f"!status {outcome.status} with a body that is no JSON: {text[:100]!r}"
    if outcome.status == 200:
        if cell.stream:
            return "!a stream was asked for and a whole reply came"
        return "done"
    if outcome.status not in (429, 502, 503, 504, 529):
        return f"!status {outcome.status}: {text[:200]}"
    if cell.fault in TIMED_OUT and outcome.status != 504:
        return f"!status {outcome.status}, not 504: {text[:200]}"
    return "failed" if _is_error(cell.inbound, body) else f"!an error in another form: {text[:200]}"


def _is_error(inbound: Inbound, body: Any) -> bool:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not error.get("message") or not error.get("type"):
        return False
    return inbound != "anthropic_messages" or body.get("type") == "error"


def _streamed_end(cell: Cell, text: str) -> str:
    ends, errors, after = 0, 0, 0
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = [line.partition(":")[::2] for line in block.split("\n") if line and not line.startswith(":")]
        if not fields:
            continue
        after = after + 1 if ends or errors else 0
        name = next((v.strip() for k, v in fields if k == "event"), "")
        data = "\n".join(v.removeprefix(" ") for k, v in fields if k == "data")
        if data == "[DONE]":
            ends += 1
            continue
        try:
            value = json.loads(data, parse_constant=_no_constant)
        except ValueError:
            return f"!an event that is no JSON: {data[:100]!r}"
        kind = value.get("type") if isinstance(value, dict) else None
        if "error" in (name, kind) or kind == "response.failed" or (kind is None and "error" in value):
            errors += 1
        elif kind in ("message_stop", "response.completed", "response.incomplete"):
            ends += 1
    if errors and not ends:
        return "incomplete"
    if errors or ends != 1 or after:
        return f"!a stream with {ends} terminators, {errors} errors and {after} events after its end"
    return "done"


def _wrong_records(cell: Cell, outcome: Outcome, end: str) -> Iterator[str]:
    if outcome.call is None:
        yield f"the ledger has no row of the call {outcome.call_id!r}"
        return
    state = outcome.call["state"]
    if not end.startswith("!") and state != end:
        yield f"it ended {end} and the ledger says {state}"
    if state not in ("done", "failed", "incomplete"):
        yield f"the ledger leaves the call {state}"
    if any(a["state"] == "open" for a in outcome.attempts):
        yield "an attempt is left open"
    reached = [
        a for a in outcome.attempts if a["failure"] not in ("connect", "tls") and a["provider"] == cell.name
    ]
    if cell.fault not in ("connect_refused", "invalid_tls") and len(reached) != outcome.seen:
        failures = [a["failure"] for a in outcome.attempts]
        yield f"{len(reached)} attempts on record ({failures}) and {outcome.seen} requests at the upstream"
    if not outcome.attempts:
        yield "no attempt is on record"
    if outcome.unfinished:
        yield "the upstream was not let go"
    if cell.part == "recover" and [a["state"] for a in outcome.attempts] != ["failed", "done"]:
        yield f"the attempts ended {[a['state'] for a in outcome.attempts]}"


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
