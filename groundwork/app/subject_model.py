"""A model of the gateway under evaluation, without documents: each example is one call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from groundwork.app.calling import caller_of
from groundwork.app.once import failed_output, patiently
from groundwork.core.digest import digest_json
from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.core.principal import Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.types import Output, ToolUse
from groundwork.gateway.cache import is_deterministic
from groundwork.gateway.types import ChatRequest, Completion, Message, TextPart, Tool

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.catalog import Plan

BRINGS = ("value", "messages")
NUMBERS = {"temperature": float, "top_p": float, "max_output_tokens": int, "seed": int}
TEXTS = ("system", "reasoning_effort")
USUAL_OUTPUT_TOKENS = 256
ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True)
class ModelSubject:
    """A model with the parameters it is asked with; an example's input is a text, messages, or an object."""

    workspace: Workspace
    principal: Principal
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, principal: Principal, written: str) -> ModelSubject:
        """Return the model of `name?temperature=0`.

        Raises:
            ModelNotFoundError: nobody serves it. InvalidInputError: a parameter is unknown or no number.
        """
        name, _, query = written.partition("?")
        subject = cls(workspace, principal, name, _parameters(query))
        subject._plan  # noqa: B018 - an unknown name is told now
        return subject

    def describe(self) -> Mapping[str, Any]:
        return self._described

    @cached_property
    def _plan(self) -> Plan:
        return self.workspace.catalog.resolve(self.name)

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        pins = {"model": self.name, "served_by": self._plan.identity, "parameters": dict(self.parameters)}
        brings = [*BRINGS, "tools", *(("citations",) if any(c.is_app for c in self._plan.candidates) else ())]
        return {
            "kind": "model",
            "name": self.name,
            "pins": pins,
            "digest": digest_json(pins),
            "brings": brings,
        }

    def run(self, example: Example, scope: str) -> Output:
        """Return what the model says to the example's input."""
        caller = caller_of(self.principal, once=scope)
        try:
            request = self._request(example)
            completion = patiently(lambda: self.workspace.gateway.complete(request, caller))
        except GroundworkError as error:
            return failed_output(error)
        output = output_of(request, completion)
        if output.cached and not is_deterministic(request, caller, self._plan):
            # Found under the scope: this evaluation paid for it, in a run that came to no end.
            output = replace(output, cached=False, cost_usd=self._price_of(completion))
        return output

    def _price_of(self, completion: Completion) -> float:
        from groundwork.gateway.prices import cost_nanousd
        from groundwork.gateway.records import NANO

        meta = completion.meta
        served = [c for c in self._plan.candidates if c.key == (meta.provider, meta.model)]
        price = served[0].price if served else None
        return 0.0 if price is None else cost_nanousd(completion.usage, price) / NANO

    def estimate(self, examples: Sequence[Example]) -> float | None:
        from groundwork.gateway.prices import cost_nanousd
        from groundwork.gateway.records import NANO
        from groundwork.gateway.tokens import estimate
        from groundwork.gateway.types import Usage

        price = self._plan.candidates[0].price if self._plan.candidates else None
        if price is None:
            return None
        output = int(self.parameters.get("max_output_tokens", USUAL_OUTPUT_TOKENS))
        tokens = (estimate(self._request(x)) for x in examples)
        return sum(cost_nanousd(Usage(t, output), price) for t in tokens) / NANO

    def _request(self, example: Example) -> ChatRequest:
        numbers = {k: v for k, v in self.parameters.items() if k in NUMBERS}
        system = str(self.parameters.get("system", ""))
        messages = messages_of(example.input)
        if system:
            messages = (Message("system", (TextPart(system),)), *messages)
        return ChatRequest(
            self.name,
            messages,
            tools=tools_of(example),
            reasoning_effort=str(self.parameters.get("reasoning_effort", "")),
            **numbers,
        )


def output_of(request: ChatRequest, completion: Completion) -> Output:
    """Return a completion as the output of an example."""
    meta, usage = completion.meta, completion.usage
    served = f"{meta.provider}/{meta.model}" if meta.provider and meta.model else meta.model
    text = completion.text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    said = {"role": "assistant", "content": text}
    return Output(
        text=text,
        value=_value(text),
        tools=tuple(_use(c.name, c.arguments) for c in completion.tool_calls),
        messages=(*({"role": m.role, "content": m.text} for m in request.messages), said)
        if len(request.messages) > 1
        else (),
        latency_ms=meta.latency_ms,
        first_token_ms=meta.first_token_ms,
        cost_usd=meta.cost_usd,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        model=served or request.model,
        cached=meta.cached,
        trace_id=meta.trace_id,
    )


def messages_of(given: Any) -> tuple[Message, ...]:
    """Return an example's input as messages.

    Raises:
        InvalidInputError: it is a list and no list of messages.
    """
    if isinstance(given, Mapping) and isinstance(given.get("messages"), list):
        given = given["messages"]
    if isinstance(given, list):
        messages = []
        for said in given:
            if not isinstance(said, Mapping) or said.get("role") not in ROLES:
                raise InvalidInputError(
                    "the input is a list and no list of messages", hint="each has a `role` and `content`"
                )
            messages.append(Message(said["role"], (TextPart(str(said.get("content") or "")),)))
        return tuple(messages)
    if isinstance(given, Mapping):
        asked = next(
            (given[k] for k in ("question", "input", "query") if isinstance(given.get(k), str)), None
        )
        given = asked if asked is not None else json.dumps(dict(given), ensure_ascii=False, sort_keys=True)
    return (Message("user", (TextPart("" if given is None else str(given)),)),)


def tools_of(example: Example) -> tuple[Tool, ...]:
    """Return the functions that an example's `metadata.tools` offers: `{name, description, parameters}`."""
    offered = example.metadata.get("tools")
    return tuple(
        Tool(str(t["name"]), str(t.get("description", "")), t.get("parameters") or {})
        for t in (offered if isinstance(offered, list) else ())
        if isinstance(t, Mapping) and t.get("name")
    )


def _use(name: str, arguments: str) -> ToolUse:
    try:
        read = json.loads(arguments or "{}", parse_constant=lambda word: None)
    except ValueError:
        return ToolUse(name, error=f"the arguments are no JSON: {arguments[:200]}")
    if not isinstance(read, dict):
        return ToolUse(name, error=f"the arguments are no object: {arguments[:200]}")
    return ToolUse(name, read)


def _value(text: str) -> Any:
    """Return a text as the JSON object or list that it is, None where it is none."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, parse_constant=lambda word: None)
    except (ValueError, RecursionError):
        return None


def _parameters(query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in TEXTS:
            found[name] = value
            continue
        if name not in NUMBERS:
            known = ", ".join(sorted((*NUMBERS, *TEXTS)))
            raise InvalidInputError(f"a model is not asked with `{name[:40]}`", hint=f"known: {known}")
        try:
            found[name] = NUMBERS[name](value)
        except ValueError:
            raise InvalidInputError(f"`{name}={value[:40]}` is no number") from None
    return found
