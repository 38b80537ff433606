"""Serve models of every server that speaks OpenAI's chat completions.

| server | `base_url` | beside it |
| --- | --- | --- |
| OpenAI | `https://api.openai.com/v1` | |
| Azure OpenAI | `https://NAME.openai.azure.com/openai/v1` | `auth = "api-key"` |
| the same, older | `https://NAME.openai.azure.com/openai/deployments/{model}` | and `query = {api-version = "…"}` |
| Gemini | `https://generativelanguage.googleapis.com/v1beta/openai` | |
| Bedrock | `https://bedrock-runtime.REGION.amazonaws.com/openai/v1` | |
| Groq | `https://api.groq.com/openai/v1` | |
| Ollama, llama.cpp, vLLM | `http://127.0.0.1:11434/v1`, `:8080/v1`, `:8000/v1` | no key |
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from groundwork.gateway.providers._openai_reply import (
    Chunks,
    completion_of,
    events_of,
    models_of,
    usage_of,
    vectors_of,
)
from groundwork.gateway.providers._openai_request import body_of
from groundwork.gateway.providers._remote import Remote, prompt_of
from groundwork.gateway.types import NO_USAGE, Embeddings
from groundwork.gateway.vectors import checked

if TYPE_CHECKING:
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.transport import Auth
    from groundwork.gateway.types import (
        ChatRequest,
        Completion,
        DialectName,
        EmbedRequest,
        Event,
        ModelInfo,
    )

_NEW_FIELD_HOSTS = (
    "api.openai.com",
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
)


@dataclass(frozen=True)
class OpenAICompatible:
    """One server.

    Args:
        base_url: with its path; `/chat/completions`, `/embeddings` and `/models` are below it, and `{model}` in it stands
            for the model's name.
        auth: how the key is sent. headers, query: of every request; neither may hold a secret.
        max_tokens_field: what the most output tokens are called: `max_tokens`, or `max_completion_tokens`, which is the
            default at OpenAI and Azure.
        stream_usage: ask for the usage at the end of a stream; a few old servers refuse the question.
        drop: top-level fields that the server does not take.
        allow_http: the key may travel over plain HTTP to another machine.
        limits: fields of `transport.Limits` for this server, such as `idle_s`.

    Raises:
        SettingsError: the address, a header or a limit cannot be used.
    """

    base_url: str = ""
    auth: Auth = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    max_tokens_field: Literal["", "max_tokens", "max_completion_tokens"] = ""
    stream_usage: bool = True
    drop: Sequence[str] = ()
    allow_http: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)
    _remote: Remote = field(init=False, repr=False, compare=False)

    dialect: ClassVar[DialectName | None] = "openai_chat"
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        remote = Remote(self.base_url, self.auth, self.headers, self.query, self.allow_http, self.limits)
        object.__setattr__(self, "_remote", remote)
        if not self.max_tokens_field:
            new = remote.origin.host.endswith(_NEW_FIELD_HOSTS)
            object.__setattr__(self, "max_tokens_field", "max_completion_tokens" if new else "max_tokens")

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return a whole completion."""
        body = self._body(request, attempt, stream=False)
        prompt = prompt_of(request)
        said = await self._remote.post("/chat/completions", body, attempt, prompt)
        self._remote.refuse(said, attempt, prompt)
        return completion_of(said, self._remote.origin.name)

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield events as they come."""
        remote, prompt = self._remote, prompt_of(request)
        body = self._body(request, attempt, stream=True)
        stream = await remote.stream("/chat/completions", body, attempt, prompt)
        ended = False
        try:
            if stream.reply is not None:
                said = remote.value(stream.reply, attempt, prompt)
                remote.refuse(said, attempt, prompt)
                for event in events_of(completion_of(said, remote.origin.name)):
                    yield event
                return
            chunks = Chunks(remote.origin.name, native=request.dialect == "openai_chat")
            async for name, data in stream:
                if data.startswith("[DONE]"):
                    ended = True
                    break
                chunk = remote.event(data)
                if name == "error" and not chunk.get("error"):
                    chunk = {"error": chunk}
                remote.refuse(chunk, attempt, prompt)
                for event in chunks.take(chunk):
                    yield event
            for event in chunks.end(terminated=ended):
                yield event
        finally:
            await stream.close(ended=ended)

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Return one vector per text."""
        body: dict[str, Any] = {**request.extra, "model": attempt.model, "input": list(request.inputs)}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        if request.user:
            body["user"] = request.user
        body["encoding_format"] = "float"
        for name in self.drop:
            body.pop(name, None)

        def prompt() -> str:
            return " ".join(request.inputs)

        said = await self._remote.post("/embeddings", body, attempt, prompt)
        self._remote.refuse(said, attempt, prompt)
        vectors = vectors_of(said, self._remote.origin.name)
        usage = usage_of(said.get("usage")) or NO_USAGE
        return Embeddings(checked(vectors, len(request.inputs), request.dimensions), usage)

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return what the server lists."""
        return models_of(await self._remote.get("/models", attempt))

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return None: the dialect has no question for it."""
        return None

    def _body(self, request: ChatRequest, attempt: Attempt, *, stream: bool) -> dict[str, Any]:
        return body_of(
            request,
            attempt.model,
            stream=stream,
            most=self.max_tokens_field,
            usage=self.stream_usage,
            drop=self.drop,
        )


plugin = OpenAICompatible
