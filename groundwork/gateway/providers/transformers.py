"""Run a model from a Hugging Face folder in this process; needs the extra `groundwork-ai[transformers]`.

Generations follow one another in a thread of their own; a client that leaves stops its own after the token that is under
way. Tools are offered where the folder's template knows them, and calls are read in the form `<tool_call>{…}</tool_call>`.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from groundwork.core.errors import SettingsError
from groundwork.gateway.failures import Failure
from groundwork.gateway.providers._calls import Calls
from groundwork.gateway.providers._weights import Folder, Weights
from groundwork.gateway.types import Completion, Embeddings, Event, FinishReason, ModelInfo, Usage
from groundwork.gateway.vectors import checked

if TYPE_CHECKING:
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.types import ChatRequest, DialectName, EmbedRequest

T = TypeVar("T")
_CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_HELD = 24  # tokens that may be needed before a character of several bytes is whole


@dataclass(frozen=True)
class Transformers:
    """One folder.

    Args:
        path: of the folder; relative to `root`, which is the workspace.
        model: what it is asked for as; empty: the folder's name.
        device: such as `cpu` or `cuda:0`; empty: the best there is. dtype: as `torch` names it.
        max_tokens: of calls that name no most output tokens.
    """

    path: str = ""
    model: str = ""
    device: str = ""
    dtype: str = "auto"
    max_tokens: int = 1024
    root: str = ""
    _folder: Folder = field(init=False, repr=False, compare=False)
    _thread: ThreadPoolExecutor = field(init=False, repr=False, compare=False)

    dialect: ClassVar[DialectName | None] = None
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.path:
            raise SettingsError(
                "a provider of kind `transformers` needs the folder of its model",
                hint='say `options = { path = "…" }`',
            )
        where = Path(self.root, self.path).expanduser()
        object.__setattr__(self, "_folder", Folder(where, self.device, self.dtype))
        object.__setattr__(self, "_thread", ThreadPoolExecutor(1, thread_name_prefix="local-model"))
        if not self.model:
            object.__setattr__(self, "model", where.resolve().name)

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return a whole completion."""
        text: list[str] = []
        calls = Calls()
        finish: FinishReason = "stop"
        usage = Usage()
        async for event in self.stream(request, attempt):
            if event.kind == "text":
                text.append(event.text)
            elif event.kind == "tool_call":
                function = {"name": event.name, "arguments": event.text}
                calls.take({"index": event.index, "id": event.id, "function": function})
            finish = event.finish or finish
            usage = event.usage or usage
        return Completion("".join(text), calls.whole(), finish, usage)

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield events as tokens come."""
        deadline = asyncio.get_running_loop().time() + attempt.timeout_s
        weights, prompt = await self._in_thread(lambda: self._prompt(request, attempt), deadline)
        room = weights.context - len(prompt)
        if room < 1:
            raise Failure(
                "context_length",
                f"the prompt has {len(prompt)} tokens; the model's context is {weights.context}",
            )
        most = min(request.max_output_tokens or self.max_tokens, room)
        reading = _Reading(weights, request.stop)
        whole: list[str] = []
        async with aclosing(self._tokens(weights, prompt, most, request, deadline)) as tokens:
            async for token in tokens:
                piece = reading.take(token)
                if request.tools:
                    whole.append(piece)
                elif piece:
                    yield Event("text", piece)
                if reading.ended:
                    break
        rest = reading.rest()
        if request.tools:
            for event in _called("".join([*whole, rest])):
                yield event
                reading.called = reading.called or event.kind == "tool_call"
        elif rest:
            yield Event("text", rest)
        finish: FinishReason = "tool_calls" if reading.called else "stop" if reading.ended else "length"
        yield Event("finish", finish=finish)
        yield Event("usage", usage=Usage(len(prompt), reading.count))

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Return the mean over the last layer's tokens for each text, of unit length."""
        if request.dimensions is not None:
            raise Failure("unsupported", "this model's vectors cannot be shortened")
        deadline = asyncio.get_running_loop().time() + attempt.timeout_s
        vectors = []
        read = 0
        for text in request.inputs:

            def one(text: str = text) -> tuple[list[float], int]:
                weights = self._opened(attempt)
                return weights.vector_of(text), weights.count(text)

            vector, count = await self._in_thread(one, deadline)
            vectors.append(vector)
            read += count
        return Embeddings(checked(vectors, len(request.inputs)), Usage(read))

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return the one model; nothing is opened for it."""
        return [ModelInfo(self.model, "", description="a model in this process")]

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return the tokens of the prompt by the model's own tokenizer."""
        deadline = asyncio.get_running_loop().time() + attempt.timeout_s
        return len((await self._in_thread(lambda: self._prompt(request, attempt), deadline))[1])

    def _opened(self, attempt: Attempt) -> Weights:
        if attempt.model != self.model:
            raise Failure("bad_request", f"this folder holds `{self.model}`", status=404)
        return self._folder.opened()

    def _prompt(self, request: ChatRequest, attempt: Attempt) -> tuple[Weights, list[int]]:
        weights = self._opened(attempt)
        if not weights.chats:
            raise Failure("unsupported", f"`{self.model}` embeds; it does not chat")
        return weights, weights.prompt_of(request)

    async def _in_thread(self, work: Callable[[], T], deadline: float) -> T:
        """Return what `work` returns; it waits for its turn in the model's thread."""
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            async with asyncio.timeout_at(deadline):
                return await running
        except TimeoutError:
            raise Failure("timeout", "the model was not ready in time") from None
        except Failure:
            raise
        except Exception as error:
            raise Failure("server_error", f"the model failed: {type(error).__name__}") from error

    async def _tokens(
        self, weights: Weights, prompt: list[int], most: int, request: ChatRequest, deadline: float
    ) -> AsyncGenerator[int, None]:
        """Yield tokens as they come; leaving early stops the model after the next one."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[int | BaseException | None] = asyncio.Queue()
        stopped = threading.Event()

        def tell(what: int | BaseException | None) -> None:
            if not stopped.is_set():
                loop.call_soon_threadsafe(queue.put_nowait, what)

        def work() -> None:
            if stopped.is_set():
                return
            try:
                weights.generate(prompt, most, request, tell, stopped)
                tell(None)
            except BaseException as error:
                tell(error)

        self._thread.submit(work)
        try:
            while True:
                async with asyncio.timeout_at(deadline):
                    got = await queue.get()
                if got is None:
                    return
                if isinstance(got, BaseException):
                    raise Failure(
                        "server_error", f"the model failed: {type(got).__name__}", billed=True
                    ) from got
                yield got
        except TimeoutError:
            raise Failure("timeout", "the model was not done in time", billed=True) from None
        finally:
            stopped.set()


class _Reading:
    """Turns tokens into text: whole characters alone, nothing from a stop string on."""

    def __init__(self, weights: Weights, stop: tuple[str, ...]) -> None:
        self._weights = weights
        self._stop = tuple(s for s in stop if s)
        self._keep = max((len(s) for s in self._stop), default=1) - 1
        self._tokens: list[int] = []
        self._from = 0  # the first token whose text is not settled
        self._settled = ""  # text of tokens before `_from` that was not given out yet
        self.ended = False
        self.called = False
        self.count = 0

    def take(self, token: int) -> str:
        """Return the text that can be given out now."""
        self.count += 1
        if self._weights.ends(token):
            self.ended = True
            return ""
        self._tokens.append(token)
        open_ = self._tokens[self._from :]
        text = self._weights.text_of(open_)
        if text.endswith("\ufffd") and len(open_) < _HELD:
            return ""
        # Decoding a token depends on its neighbours (a space before a word), so the last ones stay as context.
        before = self._weights.text_of(self._tokens[max(0, self._from - 4) : self._from])
        joined = self._weights.text_of(self._tokens[max(0, self._from - 4) :])
        self._settled += joined[len(before) :] if joined.startswith(before) else text
        self._from = len(self._tokens)
        return self._given()

    def rest(self) -> str:
        """Return what is left at the end."""
        if self._from < len(self._tokens):
            self._settled += self._weights.text_of(self._tokens[self._from :])
            self._from = len(self._tokens)
        given = self._given()
        last, self._settled = self._settled, ""
        return given + last

    def _given(self) -> str:
        for stop in self._stop:
            at = self._settled.find(stop)
            if at >= 0:
                self.ended = True
                text, self._settled = self._settled[:at], ""
                self._stop = ()
                self._keep = 0
                return text
        if not self._keep:
            text, self._settled = self._settled, ""
            return text
        text, self._settled = self._settled[: -self._keep], self._settled[-self._keep :]
        return text


def _called(text: str) -> list[Event]:
    """Return a whole text as events, with the tool calls that stand in it."""
    calls = Calls(text)
    found: list[Event] = []
    for match in _CALL.finditer(text):
        try:
            said: Any = json.loads(match[1])
        except ValueError:
            continue
        if isinstance(said, dict) and isinstance(said.get("name"), str):
            function = {"name": said["name"], "arguments": said.get("arguments", said.get("parameters", {}))}
            found.append(calls.take({"function": function}, len(calls))[0])
    plain = _CALL.sub("", text).strip() if found else text
    return [*([Event("text", plain)] if plain else []), *found]


plugin = Transformers
