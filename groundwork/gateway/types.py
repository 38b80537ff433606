"""The values that pass through the gateway: one canonical form between every dialect that comes in and every provider.

A dialect parses what a client sent into a `ChatRequest`, a provider speaks its own wire format and answers `Event`s, and the
dialect renders these for the client. What the canonical form does not know travels in `native` (the client's own body, the
provider's own chunk) and is handed through untouched where both sides speak the same dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

DialectName = Literal[
    "openai_chat", "openai_completions", "openai_responses", "openai_embeddings", "anthropic_messages"
]
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A stretch of text."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image: `data` in base64 with its media type, or a `url` that the provider fetches (the gateway never does)."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""


Part = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. A `tool` message answers the call `tool_call_id`; an `assistant` message may hold `tool_calls`."""

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    is_error: bool = False

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(p.text for p in self.parts if isinstance(p, TextPart))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function a model may call; `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which tools may or must be called; `name` only with mode `named`."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """What the text must be: any text, a JSON object, or JSON that is valid against `schema`."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    schema: Mapping[str, Any] | None = None
    strict: bool = False


TEXT_FORMAT = ResponseFormat()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks of a model.

    Attributes:
        model: as the client named it: `provider/model`, a named model of the spec, `extractive`, or `app/<name>`.
        max_output_tokens: None: the provider's default.
        extra: top-level fields of the client's body that have no canonical place, by their own names; a provider whose
            dialect is `dialect` sends them along, another one leaves them out.
        native: the client's whole body, read-only; a provider whose own dialect is `dialect` sends it as it came, with the
            model's name replaced. None when the request was changed on the way (a repair) or did not come over HTTP.
        reasoning_effort: how long a reasoning model may think, in the client's word, such as `low`; a provider whose API has
            such a setting sends it, also to a client of another dialect; "": not said.
        include_usage: the client asked for usage at the end of a stream (OpenAI: `stream_options.include_usage`).
        native_only: what the body asks for that has no canonical form and may not be left out, such as `input_audio parts`
            or `custom tools`, in words for an error. Only a provider whose dialect is `dialect` can serve such a request,
            and only while `native` is there.
    """

    model: str
    messages: tuple[Message, ...]
    dialect: DialectName = "openai_chat"
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int = 1
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat = TEXT_FORMAT
    reasoning_effort: str = ""
    include_usage: bool = False
    user: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    native: Mapping[str, Any] | None = None
    native_only: tuple[str, ...] = ()

    def changed(self, **changes: Any) -> ChatRequest:
        """Return the request with other values; the native body no longer fits and is dropped."""
        return replace(self, **{"native": None, **changes})


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed, in order; `dimensions` shortens the vectors where the model can."""

    model: str
    inputs: tuple[str, ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    user: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt.

    Attributes:
        input_tokens: every token read, cached ones included.
        cached_input_tokens: those of them that the provider read from its own prompt cache.
        cache_write_tokens: those of them that it wrote there (Anthropic bills these apart).
        reasoning_tokens: part of `output_tokens` that the client does not see.
        estimated: the provider said nothing; counted here.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


NO_USAGE = Usage()

EventKind = Literal["text", "reasoning", "tool_call", "finish", "usage", "annotation", "other"]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a streamed completion.

    `text` and `reasoning`: `text` is the next stretch. `tool_call`: `index` counts the calls of the completion from 0; `id`
    and `name` come with the first event of a call, `text` is the next stretch of its arguments. `finish`: `finish` says why;
    it comes once, after everything else but `usage`. `usage`: `usage`, cumulative, the last one counts. `annotation`:
    `data` is structured matter beside the text, such as a citation. `other`: only `native` matters.
    `native` is the provider's own chunk; the chunk stands on the first event made from it, the others have None and
    `native_more` True, so that a renderer of the same dialect sends each chunk once.
    """

    kind: EventKind
    text: str = ""
    index: int = 0
    id: str = ""
    name: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None
    data: Mapping[str, Any] | None = None
    native: Mapping[str, Any] | None = None
    native_more: bool = False


@dataclass(frozen=True, slots=True)
class CallMeta:
    """What the gateway says about a call: for response headers and for records that point at it."""

    call_id: str
    provider: str = ""
    model: str = ""
    cached: bool = False
    attempts: int = 0
    cost_usd: float = 0.0
    reserved_usd: float = 0.0
    structured: Literal["none", "valid", "repaired", "refused"] = "none"
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole completion.

    `native` is the provider's own body, `native_dialect` the dialect it is in; both only where the body may be handed on
    unchanged to a client of that dialect. `annotations` is structured matter beside the text, such as citations.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: FinishReason = "stop"
    usage: Usage = NO_USAGE
    reasoning: str = ""
    annotations: tuple[Mapping[str, Any], ...] = ()
    native: Mapping[str, Any] | None = None
    native_dialect: DialectName | None = None
    meta: CallMeta = CallMeta("")


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per input, in order; all of one dimension and finite."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage = NO_USAGE
    meta: CallMeta = CallMeta("")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that can be asked for.

    Attributes:
        id: the name to ask with, such as `openai/gpt-5-mini`, `fast`, `app/handbook`.
        kind: `chat` also serves agents and structured output; `embedding` only embeds.
        price: USD per million tokens `{input, output, cached_input}`, or None where unknown.
    """

    id: str
    provider: str
    kind: Literal["chat", "embedding", "app"] = "chat"
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Mapping[str, float] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and on whose behalf; every row of the ledger carries it.

    Attributes:
        tenant: whose data this is.
        principal: for records, such as `key:key_…` or `local`.
        key: the secret that was presented, None where none was; the ledger looks it up by its digest at admission.
        access: the document access of a keyless caller; a key brings its own. None reads everything.
        scopes: those of the key once it was looked up (`chat`, `model:<glob>`, …); empty: no key, everything may be listed.
        app: the app the call is made for, `release` its release; empty for a direct call.
        answer_id: the answer it becomes part of. documents: ids of documents whose text is in the prompt (for erasure).
        snapshot, prompt: versions the prompt was made from; part of the cache key.
        parent: the call this one was made for (an app's own model call), `key_id` then carries the parent's key.
        door: `inside` callers (command line, console, an app's own calls) need no key; over `http` the ledger asks for one.
        cache: `auto` caches deterministic calls, `on` declares the call deterministic, `off` never.
        once: names a call that is to be paid once, whoever makes it again, also after a crash: one that is not
            deterministic is found under it, a deterministic one in the ordinary cache.
    """

    tenant: str = "default"
    principal: str = "local"
    key: str | None = None
    key_id: str = ""
    scopes: tuple[str, ...] = ()
    call_id: str = (
        ""  # given where the id was told already, as in a response header; else the gateway makes one
    )
    door: Literal["inside", "http"] = "inside"
    access: tuple[str, ...] | None = ()
    app: str = ""
    release: str = ""
    answer_id: str = ""
    documents: tuple[str, ...] = ()
    snapshot: str = ""
    prompt: str = ""
    parent: str = ""
    trace_id: str = ""
    span_id: str = ""
    deadline_s: float | None = None
    cache: Literal["auto", "on", "off"] = "auto"
    idempotency_key: str = ""
    once: str = ""
