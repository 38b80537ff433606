"""Try providers and models: what works, how fast, what a call costs, and why something does not work.

Every try is a call like any other: admitted, recorded, and paid.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import GroundworkError, ModelNotFoundError
from groundwork.gateway.failures import Failure
from groundwork.gateway.providers import Attempt
from groundwork.gateway.types import (
    Caller,
    ChatRequest,
    EmbedRequest,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate
    from groundwork.gateway.gateway import Gateway
    from groundwork.gateway.types import Completion

DEADLINE_S = 30.0
MOST_LISTED = 3
"""Models that are tried of a provider that names none in the spec: calls cost, and a local server loads each of them."""
_OUTPUT = 64
_CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII="


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What trying one model brought, or one provider where none of its models could be tried.

    Attributes:
        name: as it is asked for, `provider/model`; the provider's name alone where its listing was tried.
        ok: it answered. problem: why not; for a provider that works, what was left out. failure: a code of `failures.py`.
        latency_ms: of a whole short answer. first_token_ms, tokens_per_second: of a stream.
        cost_usd: of that whole answer; None where its price is unknown. spent_usd: of all tries together.
        price: USD per million tokens `{input, output, …}`, None where it is unknown.
        supports: those of `chat`, `stream`, `tools`, `structured`, `images`, `embeddings` that worked.
        refused: those that did not, with the reason.
    """

    name: str
    provider: str
    ok: bool
    problem: str = ""
    failure: str = ""
    latency_ms: float | None = None
    first_token_ms: float | None = None
    tokens_per_second: float | None = None
    cost_usd: float | None = None
    spent_usd: float = 0.0
    price: Mapping[str, float] | None = None
    supports: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


async def check(
    gateway: Gateway, name: str | None = None, *, caller: Caller | None = None
) -> list[CheckResult]:
    """Try a provider, a model, or everything that the spec names.

    Args:
        name: a provider, `provider/model`, or a model under a name of one's own; None: all.
        caller: on whose behalf; None: the operator, recorded as `check`.

    Raises:
        ModelNotFoundError: there is no such provider or model.
    """
    caller = replace(caller or Caller(principal="check"), cache="off", deadline_s=DEADLINE_S)
    catalog = gateway.catalog
    await catalog.refresh(gateway.flow.transport, gateway.flow.clock, wait=True)
    providers = catalog.providers()
    if name and name not in providers:
        return [await _model(gateway, name, caller)]
    results = []
    for provider in [name] if name else sorted(providers):
        results += await _provider(gateway, provider, tuple(providers[provider].models), caller)
    return results


async def _provider(
    gateway: Gateway, name: str, models: tuple[str, ...], caller: Caller
) -> list[CheckResult]:
    left_out = 0
    if not models:
        listed = await _listing(gateway, name)
        if not isinstance(listed, tuple):
            return [listed]
        left_out = max(0, len(listed) - MOST_LISTED)
        models = listed[:MOST_LISTED]
    results = [await _model(gateway, f"{name}/{model}", caller) for model in models]
    if left_out:
        more = f"{left_out} more models are listed and were not tried; name one to try it"
        results.append(CheckResult(name, name, True, more))
    return results


async def _listing(gateway: Gateway, name: str) -> tuple[str, ...] | CheckResult:
    """Return the models that a provider lists, or the result that says why there are none."""
    candidate = gateway.catalog.resolve(f"{name}/any").candidates[0]
    began = time.monotonic()
    try:
        listed = await candidate.plugin.models(_attempt(gateway, candidate))
    except Failure as failure:
        return CheckResult(name, name, False, failure.message, failure.code)
    took = (time.monotonic() - began) * 1000
    if not listed:
        problem = f"it answers, but lists no model; name its models under `[providers.{name}.models]`"
        return CheckResult(name, name, False, problem, "protocol", latency_ms=took)
    return tuple(model.id for model in listed)


def _attempt(gateway: Gateway, candidate: Candidate) -> Attempt:
    return Attempt(
        model=candidate.model,
        transport=gateway.flow.transport,
        secret=gateway.catalog.secret(candidate),
        timeout_s=DEADLINE_S,
    )


async def _model(gateway: Gateway, name: str, caller: Caller) -> CheckResult:
    """Try one model.

    Raises:
        ModelNotFoundError: there is none of that name.
    """
    plan = gateway.catalog.resolve(name)
    first = plan.candidates[0]
    price = None if first.price is None else first.price.model_dump(exclude_none=True, include=_PRICES)
    trial = _Trial(gateway, name, caller)
    result = CheckResult(name, first.provider, False, price=price)
    if first.served.kind == "embedding" or _embeds_by_name(gateway, name):
        await trial.attempt("embeddings", trial.embed)
    else:
        await trial.attempt("chat", trial.whole)
        if "chat" in trial.supports:
            await trial.attempt("stream", trial.stream)
            await trial.attempt("tools", trial.tools)
            await trial.attempt("structured", trial.structured)
            await trial.attempt("images", trial.images)
    return replace(
        result,
        ok=bool(trial.supports),
        problem="" if trial.supports else next(iter(trial.refused.values()), ""),
        failure="" if trial.supports else trial.failure,
        latency_ms=trial.latency_ms,
        first_token_ms=trial.first_token_ms,
        tokens_per_second=trial.tokens_per_second,
        cost_usd=None if price is None else trial.cost_usd,
        spent_usd=trial.spent_usd,
        supports=tuple(trial.supports),
        refused=trial.refused,
    )


_PRICES = {"input", "output", "cached_input", "cache_write"}


def _embeds_by_name(gateway: Gateway, name: str) -> bool:
    return any(m.id == name and m.kind == "embedding" for m in gateway.catalog.infos())


class _Trial:
    """The tries of one model, one after the other."""

    def __init__(self, gateway: Gateway, name: str, caller: Caller) -> None:
        self._gateway = gateway
        self._name = name
        self._caller = caller
        self.supports: list[str] = []
        self.refused: dict[str, str] = {}
        self.failure = ""
        self.latency_ms: float | None = None
        self.first_token_ms: float | None = None
        self.tokens_per_second: float | None = None
        self.cost_usd: float | None = None
        self.spent_usd = 0.0

    async def attempt(self, what: str, work: Callable[[], Awaitable[str]]) -> None:
        """Try one thing; `work` returns why it did not work, "" where it did."""
        try:
            why = await work()
        except ModelNotFoundError as error:
            why = error.message
            self.failure = "bad_request"
        except GroundworkError as error:
            why = f"{error.message}; {error.hint}" if error.hint else error.message
            self.failure = str(error.details.get("failure", error.code))
        if why:
            self.refused[what] = why
        else:
            self.supports.append(what)

    async def whole(self) -> str:
        """Take a short whole answer."""
        began = time.monotonic()
        completion = await self._complete(self._request("Say hello in five words."))
        self.latency_ms = (time.monotonic() - began) * 1000
        self.cost_usd = completion.meta.cost_usd
        return "" if completion.text or completion.finish == "length" else "it answered nothing"

    async def stream(self) -> str:
        """Take a short answer as a stream."""
        request = self._request("Count from one to twenty in words.").changed(stream=True)
        began = time.monotonic()
        stream = await self._gateway.open_stream(request, self._caller)
        try:
            async for event in stream:
                if self.first_token_ms is None and event.kind in ("text", "reasoning") and event.text:
                    self.first_token_ms = (time.monotonic() - began) * 1000
        finally:
            await stream.aclose()
        completion = stream.completion
        if completion is None:
            return "the stream had no end"
        self.spent_usd += completion.meta.cost_usd
        took = (time.monotonic() - began) * 1000 - (self.first_token_ms or 0.0)
        if completion.usage.output_tokens > 1 and took > 1.0:
            self.tokens_per_second = (completion.usage.output_tokens - 1) / took * 1000
        return (
            "" if self.first_token_ms is not None or completion.finish == "length" else "it streamed nothing"
        )

    async def tools(self) -> str:
        """Have a tool called."""
        tool = Tool("get_weather", "Get the weather of a city.", _CITY)
        request = self._request("What is the weather in Paris?")
        completion = await self._complete(
            replace(request, tools=(tool,), tool_choice=ToolChoice("named", "get_weather"))
        )
        return "" if completion.tool_calls else "it did not call the tool that it had to call"

    async def structured(self) -> str:
        """Take JSON that fits a schema."""
        wanted = ResponseFormat("json_schema", "city", _CITY, strict=True)
        completion = await self._complete(
            replace(self._request("Name the capital of France as JSON."), response_format=wanted)
        )
        return "" if completion.meta.structured in ("valid", "none") else "it needed a repair"

    async def images(self) -> str:
        """Show it an image."""
        said = (TextPart("Which colour is this? One word."), ImagePart("image/png", _DOT))
        completion = await self._complete(replace(self._request(""), messages=(Message("user", said),)))
        return "" if completion.text or completion.finish == "length" else "it answered nothing"

    async def embed(self) -> str:
        """Embed two texts."""
        began = time.monotonic()
        found = await self._gateway.embed(EmbedRequest(self._name, ("one", "two")), self._caller)
        self.latency_ms = (time.monotonic() - began) * 1000
        self.cost_usd = found.meta.cost_usd
        self.spent_usd += found.meta.cost_usd
        return ""

    def _request(self, question: str) -> ChatRequest:
        return ChatRequest(self._name, (Message("user", (TextPart(question),)),), max_output_tokens=_OUTPUT)

    async def _complete(self, request: ChatRequest) -> Completion:
        completion = await self._gateway.complete(request, self._caller)
        self.spent_usd += completion.meta.cost_usd
        return completion


def as_dict(result: CheckResult) -> dict[str, Any]:
    """Return the result as a JSON-compatible object."""
    return {
        name: dict(value)
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name in CheckResult.__dataclass_fields__
        for value in (getattr(result, name),)
    }
