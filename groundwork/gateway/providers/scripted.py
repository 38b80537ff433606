"""Play a model from a script: deterministic, without network; for tests, labs and prompts that are tried offline.

The model's name picks a script of `scripts`; without one of that name a play of the table below, else `default`.

A script is a step, a list of steps, or a table `{rules = […], replies = […]}`. The first rule whose `when` (a substring of
the last message of the user, case ignored) or `equals` fits is played. Without one, the n-th reply answers the n-th turn of
the conversation, the last reply all further ones; without replies the model echoes. A step is a string, or a table of:

| key | plays |
| --- | --- |
| `text`, `reasoning` | what is said; `{input}` in the text stands for the last message of the user |
| `json` | a value, said as JSON |
| `calls` | tool calls `[{name, arguments, id}]`; arguments as a table, or as text, which may be wrong |
| `finish` | `stop`, `length`, `tool_calls`, `content_filter` |
| `usage` | `[input, output]` tokens, or false for a provider that tells none |
| `delay_ms`, `chunk_delay_ms` | before the first event, between events |
| `chunk_chars` | characters of one event of text; without it one word each |
| `fail` | a code of `failures.py`; with `fail_after` events of a stream, `fail_times` times (then the step is played) |
| `status`, `retry_after_s` | of that failure |
| `endless` | true: text without end |

Plays: `echo` says what was asked, as JSON that fits where a schema was asked for, as a tool call where one is required;
`fail-<code>` fails so; `tool_arguments_invalid`, `tool_unknown`, `tool_calls_10000`, `schema_broken`, `finish_length`,
`content_filter`, `missing_usage`, `endless`, `broken_stream`, `embedding_dimension`, `embedding_nan`, `embedding_rows`.

Embeddings are hashed bags of words of unit length, so that texts with common words lie near each other. Tokens are counted
as quarters of characters, rounded up.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

from groundwork.core.errors import SettingsError
from groundwork.gateway.failures import Failure, FailureCode
from groundwork.gateway.providers._calls import Calls
from groundwork.gateway.providers._sample import sample
from groundwork.gateway.types import (
    NO_USAGE,
    Completion,
    Embeddings,
    Event,
    FinishReason,
    ModelInfo,
    TextPart,
    Usage,
)
from groundwork.gateway.vectors import checked

if TYPE_CHECKING:
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.types import ChatRequest, DialectName, EmbedRequest

_CODES = get_args(FailureCode)
_WORD = re.compile(r"\S+\s*|\s+")
MOST_EVENTS = 20_000
"""Pieces of a reply that nobody streams; a script with more has no end."""
_ENDLESS = "and so on, "


@dataclass(frozen=True, slots=True)
class Step:
    """One reply; the table above says what each field does."""

    text: str | None = None
    when: str = ""
    equals: str = ""
    json: Any = None
    reasoning: str = ""
    calls: Sequence[Mapping[str, Any]] = ()
    finish: FinishReason | None = None
    usage: Sequence[int] | bool = True
    delay_ms: float = 0.0
    chunk_delay_ms: float = 0.0
    chunk_chars: int = 0
    fail: str = ""
    fail_after: int = 0
    fail_times: int = 0
    status: int | None = None
    retry_after_s: float | None = None
    endless: bool = False


@dataclass(frozen=True, slots=True)
class _Script:
    rules: tuple[Step, ...]
    replies: tuple[Step, ...]

    def step(self, request: ChatRequest) -> Step:
        asked = last_said(request)
        for rule in self.rules:
            if (rule.equals and asked.strip() == rule.equals) or (
                rule.when and rule.when.lower() in asked.lower()
            ):
                return rule
        turn = sum(m.role == "assistant" for m in request.messages)
        return self.replies[min(turn, len(self.replies) - 1)] if self.replies else Step()


_PLAYS: Mapping[str, Step] = {
    "echo": Step(),
    "tool_arguments_invalid": Step(calls=({"name": "", "arguments": '{"city": "Par'},)),
    "tool_unknown": Step(calls=({"name": "no_such_tool", "arguments": {}},)),
    "tool_calls_10000": Step(calls=({"name": "", "arguments": {}},) * 10_000),
    "schema_broken": Step(text='{"unexpected": [1, 2, '),
    "finish_length": Step(text="This sentence is cut off in the", finish="length"),
    "content_filter": Step(text="", finish="content_filter"),
    "missing_usage": Step(usage=False),
    "endless": Step(endless=True),
    "broken_stream": Step(text="The first words come, the others do not.", fail="reset", fail_after=3),
    "embedding_dimension": Step(),
    "embedding_nan": Step(),
    "embedding_rows": Step(),
    **{f"fail-{code}": Step(fail=code) for code in _CODES},
}


@dataclass(frozen=True)
class Scripted:
    """A model that says what it is told to.

    Args:
        scripts: by model name. default: the script of every other name; without one they echo.
        dimensions: of embeddings. delay_ms: added to that of every step.

    Raises:
        SettingsError: a step has an unknown key or a value of the wrong kind.
    """

    scripts: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    dimensions: int = 64
    delay_ms: float = 0.0
    _scripts: dict[str, _Script] = field(init=False, repr=False, compare=False, default_factory=dict)
    _failed: Counter[tuple[str, int]] = field(init=False, repr=False, compare=False, default_factory=Counter)
    _lock: threading.Lock = field(init=False, repr=False, compare=False, default_factory=threading.Lock)

    dialect: ClassVar[DialectName | None] = None
    deterministic: ClassVar[bool] = False
    """Not declared, though it is: what fails some times or takes its time is to be met by every call, not by the cache."""

    def __post_init__(self) -> None:
        for name, script in self.scripts.items():
            self._scripts[name] = _script(name, script)
        if self.default is not None:
            self._scripts.setdefault("", _script("default", self.default))

    def forget(self) -> None:
        """Count failures from 0 again."""
        self._failed.clear()

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return the whole reply."""
        async with aclosing(self._play(request, attempt, stream=False)) as playing:
            return _joined([event async for event in playing])

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield the reply piece by piece."""
        async with aclosing(self._play(request, attempt, stream=True)) as playing:
            async for event in playing:
                yield event

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Return a hashed bag of words for each text."""
        step = self._step_of_name(attempt.model)
        clock = _Clock(attempt.timeout_s)
        await clock.pause(step.delay_ms + self.delay_ms)
        self._maybe_fail(attempt.model, step, 0, always=True)
        size = request.dimensions or self.dimensions
        vectors = [hashed(text, size) for text in request.inputs]
        if attempt.model == "embedding_dimension":
            vectors[-1] = [*vectors[-1], 0.0]
        elif attempt.model == "embedding_nan":
            vectors[-1] = [math.nan, *vectors[-1][1:]]
        elif attempt.model == "embedding_rows":
            vectors = vectors[:-1]
        tokens = sum(map(tokens_of, request.inputs))
        return Embeddings(checked(vectors, len(request.inputs), request.dimensions), Usage(tokens))

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return the scripts and `echo`."""
        names = sorted({name for name in self._scripts if name} | {"echo"})
        return [ModelInfo(name, "scripted", description="plays a script") for name in names]

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return its own count."""
        return _read(request)

    def _step_of_name(self, model: str) -> Step:
        """Return what stands for a model where no conversation picks a step."""
        script = self._scripts.get(model)
        if script is not None:
            return script.replies[0] if script.replies else Step()
        return _PLAYS.get(model, Step())

    def _step(self, request: ChatRequest, model: str) -> Step:
        script = self._scripts.get(model)
        if script is None and model in _PLAYS:
            return _PLAYS[model]
        script = script or self._scripts.get("")
        return script.step(request) if script else Step()

    async def _play(
        self, request: ChatRequest, attempt: Attempt, *, stream: bool
    ) -> AsyncGenerator[Event, None]:
        step = self._step(request, attempt.model)
        clock = _Clock(attempt.timeout_s)
        await clock.pause(step.delay_ms + self.delay_ms)
        self._maybe_fail(attempt.model, step, 0, always=not stream)
        n = 0
        for event in _events(step, request):
            n += 1
            if stream and n > 1:
                self._maybe_fail(attempt.model, step, n - 1)
                await clock.pause(step.chunk_delay_ms)
            elif n > MOST_EVENTS:
                raise Failure("limit", "the script has no end", billed=True)
            if step.endless:
                await clock.pause(0 if n % 100 else step.chunk_delay_ms)
            yield event
        if stream and step.fail_after >= n:
            self._maybe_fail(attempt.model, step, step.fail_after)

    def _maybe_fail(self, model: str, step: Step, events: int, *, always: bool = False) -> None:
        """Fail where the step says so; a whole reply fails whatever `fail_after` says."""
        if not step.fail or (events != step.fail_after and not always):
            return
        if step.fail_times:
            with self._lock:
                self._failed[model, id(step)] += 1
                if self._failed[model, id(step)] > step.fail_times:
                    return
        raise Failure(
            cast("FailureCode", step.fail),
            f"the script of `{model[:100]}` fails with {step.fail}",
            status=step.status,
            retry_after_s=step.retry_after_s,
            billed=step.fail_after > 0 or step.fail in ("timeout", "reset", "protocol", "limit"),
        )


class _Clock:
    """The time of one attempt."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    async def pause(self, ms: float) -> None:
        """Sleep; raises Failure `timeout` when the attempt's time is over."""
        left = self._deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(ms / 1000, left)))
        if ms / 1000 >= left:
            raise Failure("timeout", f"the script was not done within {self._timeout_s:g} s", billed=True)


def last_said(request: ChatRequest) -> str:
    """Return the last message of the user that holds text, else the last message."""
    for message in reversed(request.messages):
        if message.role == "user" and message.text.strip():
            return message.text
    return request.messages[-1].text if request.messages else ""


def tokens_of(text: str) -> int:
    """Return the quarters of its characters, rounded up."""
    return -(-len(text) // 4)


def hashed(text: str, dimensions: int) -> list[float]:
    """Return a unit vector: each word adds one to a place that its SHA-256 picks, with the sign that it picks."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
        vector[int.from_bytes(digest[:4], "big") % dimensions] += 1.0 if digest[4] & 1 else -1.0
    length = math.sqrt(math.fsum(v * v for v in vector))
    if not length:  # two words that cancel each other out
        return [1.0, *vector[1:]]
    return [v / length for v in vector]


def _events(step: Step, request: ChatRequest) -> Iterator[Event]:
    text, calls = _reply(step, request)
    if step.reasoning:
        yield Event("reasoning", step.reasoning)
    while step.endless:
        yield Event("text", _ENDLESS)
    for piece in _pieces(text, step.chunk_chars):
        yield Event("text", piece)
    gathered = Calls(last_said(request))
    for n, call in enumerate(calls):
        said = call.get("arguments", {})
        arguments = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        name = str(call.get("name") or (request.tools[0].name if request.tools else "tool"))
        half = len(arguments) // 2
        begun = {
            "index": n,
            "id": str(call.get("id", "")),
            "function": {"name": name, "arguments": arguments[:half]},
        }
        yield gathered.take(begun)[0]
        yield gathered.take({"index": n, "function": {"arguments": arguments[half:]}})[0]
    yield Event("finish", finish=step.finish or ("tool_calls" if calls else "stop"))
    if step.usage is not False:
        said_usage = step.usage if isinstance(step.usage, Sequence) else None
        written = (
            tokens_of(text)
            + tokens_of(step.reasoning)
            + sum(tokens_of(c.arguments) for c in gathered.whole())
        )
        read, wrote = said_usage if said_usage else (_read(request), written)
        yield Event("usage", usage=Usage(int(read), int(wrote)))


def _reply(step: Step, request: ChatRequest) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Return the text and tool calls of a step; a step that names neither echoes."""
    if step.json is not None:
        return json.dumps(step.json, ensure_ascii=False), step.calls
    if step.text is not None:
        return step.text.replace("{input}", last_said(request)), step.calls
    if step.calls:
        return "", step.calls
    choice = request.tool_choice
    forced = choice is not None and choice.mode in ("required", "named")
    answered = bool(request.messages) and request.messages[-1].role == "tool"
    if request.tools and forced and not answered:
        tool = next((t for t in request.tools if choice and t.name == choice.name), request.tools[0])
        return "", ({"name": tool.name, "arguments": sample(tool.parameters)},)
    wanted = request.response_format
    if wanted.kind == "json_schema" and wanted.schema is not None:
        return json.dumps(sample(wanted.schema), ensure_ascii=False), ()
    if wanted.kind == "json_object":
        return json.dumps({"echo": last_said(request)}, ensure_ascii=False), ()
    return last_said(request), ()


def _pieces(text: str, chars: int) -> list[str]:
    if chars > 0:
        return [text[i : i + chars] for i in range(0, len(text), chars)]
    return _WORD.findall(text)


def _read(request: ChatRequest) -> int:
    said = sum(
        tokens_of(p.text) if isinstance(p, TextPart) else 256 for m in request.messages for p in m.parts
    )
    called = sum(tokens_of(c.name + c.arguments) for m in request.messages for c in m.tool_calls)
    offered = sum(tokens_of(t.name + t.description + json.dumps(dict(t.parameters))) for t in request.tools)
    return said + called + offered


def _joined(events: Sequence[Event]) -> Completion:
    calls = Calls()
    for event in events:
        if event.kind == "tool_call":
            calls.take(
                {
                    "index": event.index,
                    "id": event.id,
                    "function": {"name": event.name, "arguments": event.text},
                }
            )
    return Completion(
        text="".join(e.text for e in events if e.kind == "text"),
        tool_calls=calls.whole(),
        finish=next((e.finish for e in events if e.finish is not None), "stop"),
        usage=next((e.usage for e in events if e.usage is not None), NO_USAGE),
        reasoning="".join(e.text for e in events if e.kind == "reasoning"),
    )


def _script(name: str, said: Any) -> _Script:
    if isinstance(said, Mapping) and ("rules" in said or "replies" in said):
        wrong = set(said) - {"rules", "replies"}
        if wrong:
            raise SettingsError(
                f"the script `{name}` has `{min(wrong)}` beside its rules and replies",
                hint="put it into a step",
            )
        return _Script(_steps(name, said.get("rules", ())), _steps(name, said.get("replies", ())))
    return _Script((), _steps(name, said if isinstance(said, list | tuple) else (said,)))


def _steps(name: str, said: Any) -> tuple[Step, ...]:
    return tuple(_step(name, step) for step in said)


def _step(name: str, said: Any) -> Step:
    if isinstance(said, str):
        return Step(text=said)
    if not isinstance(said, Mapping):
        raise SettingsError(f"a step of the script `{name}` is {said!r}", hint="write a string or a table")
    known = Step.__dataclass_fields__
    for key in said:
        if key not in known:
            raise SettingsError(
                f"a step of the script `{name}` has no key `{key}`", hint=f"known: {', '.join(known)}"
            )
    step = replace(Step(), **said)
    if step.fail and step.fail not in _CODES:
        raise SettingsError(
            f"the script `{name}` fails with `{step.fail}`", hint=f"codes: {', '.join(_CODES)}"
        )
    return step


plugin = Scripted
