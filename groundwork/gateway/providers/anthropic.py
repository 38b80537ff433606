"""Serve Claude models in their own dialect: the messages of Anthropic's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from groundwork.gateway.failures import Failure
from groundwork.gateway.providers._anthropic_reply import Blocks, completion_of, models_of
from groundwork.gateway.providers._anthropic_request import Structured, body_of, counted
from groundwork.gateway.providers._openai_reply import events_of
from groundwork.gateway.providers._remote import Remote, prompt_of

if TYPE_CHECKING:
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.transport import Auth
    from groundwork.gateway.types import (
        ChatRequest,
        Completion,
        DialectName,
        Embeddings,
        EmbedRequest,
        Event,
        ModelInfo,
    )

_HOME = "https://api.anthropic.com"


@dataclass(frozen=True)
class Anthropic:
    """One address at which messages are answered.

    A request of another dialect loses what has no place here: `seed`, several completions (refused), and sampling where the
    model takes none. JSON that fits a schema is asked for by `output_config.format`, or, where the model or the schema does
    not allow that, as the input of a tool that must be called.

    Args:
        base_url: without `/v1`; empty: Anthropic's own.
        auth: `x-api-key`; `bearer`, which a spec says by default, means the same unless `token` is true.
        headers, query: of every request; neither may hold a secret.
        token: the key is a token that is sent as `Authorization: Bearer`.
        version, beta: of the API, as headers.
        max_tokens: of requests that name no most output tokens, which this API asks for.
        structured: `auto`, `format` or `tool`.
        sampling: send `temperature` and `top_p`; empty: to models that are known to take them.
        drop: top-level fields that the server does not take.
        allow_http: the key may travel over plain HTTP to another machine.
        limits: fields of `transport.Limits` for this server, such as `idle_s`.

    Raises:
        SettingsError: the address, a header or a limit cannot be used.
    """

    base_url: str = ""
    auth: Auth = "x-api-key"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    token: bool = False
    version: str = "2023-06-01"
    beta: Sequence[str] = ()
    max_tokens: int = 4096
    structured: Structured = "auto"
    sampling: bool | None = None
    drop: Sequence[str] = ()
    allow_http: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)
    _remote: Remote = field(init=False, repr=False, compare=False)

    dialect: ClassVar[DialectName | None] = "anthropic_messages"
    deterministic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        base = (self.base_url or _HOME).rstrip("/").removesuffix("/v1")
        auth: Auth = "bearer" if self.token else "x-api-key" if self.auth == "bearer" else self.auth
        own = {"anthropic-version": self.version}
        if self.beta:
            own["anthropic-beta"] = ",".join(self.beta)
        remote = Remote(base, auth, {**own, **self.headers}, self.query, self.allow_http, self.limits)
        object.__setattr__(self, "_remote", remote)

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return a whole completion."""
        body, by_tool = self._body(request, attempt, stream=False)
        prompt = prompt_of(request)
        said = await self._remote.post("/v1/messages", body, attempt, prompt)
        self._remote.refuse(said, attempt, prompt)
        return completion_of(said, self._remote.origin.name, by_tool=by_tool)

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield events as they come."""
        remote, prompt = self._remote, prompt_of(request)
        body, by_tool = self._body(request, attempt, stream=True)
        stream = await remote.stream("/v1/messages", body, attempt, prompt)
        blocks = Blocks(remote.origin.name, native=request.dialect == "anthropic_messages", by_tool=by_tool)
        try:
            if stream.reply is not None:
                said = remote.value(stream.reply, attempt, prompt)
                remote.refuse(said, attempt, prompt)
                for event in events_of(completion_of(said, remote.origin.name, by_tool=by_tool)):
                    yield event
                return
            async for _, data in stream:
                said = remote.event(data)
                remote.refuse(said, attempt, prompt)
                for event in blocks.take(said):
                    yield event
                if blocks.stopped:
                    break
            for event in blocks.end():
                yield event
        finally:
            await stream.close(ended=blocks.stopped)

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Refuse: this API has no embeddings."""
        raise Failure("unsupported", "this provider has no embeddings")

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return what the API lists."""
        return models_of(await self._remote.get("/v1/models", attempt, query={"limit": "1000"}))

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return the input tokens by the API's own count."""
        body, _ = self._body(request, attempt, stream=False)
        said = await self._remote.post(
            "/v1/messages/count_tokens", counted(body, attempt.model), attempt, prompt_of(request)
        )
        count = said.get("input_tokens") if isinstance(said, Mapping) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise Failure("protocol", f"`{self._remote.origin}` answered no count of tokens")
        return count

    def _body(self, request: ChatRequest, attempt: Attempt, *, stream: bool) -> tuple[dict[str, Any], bool]:
        return body_of(
            request,
            attempt.model,
            stream=stream,
            max_tokens=self.max_tokens,
            structured=self.structured,
            sampling=self.sampling,
            drop=self.drop,
        )


plugin = Anthropic
