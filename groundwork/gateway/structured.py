"""What a model writes is checked before anybody sees it: text against its schema, tool calls against their tools.

Faults are repaired once: the model is shown what it wrote and what is wrong with it, and asked again. What still does not
fit is refused. Before text is checked, a byte order mark and one Markdown code fence around all of it are taken off, and
what is handed on is the text without them; nothing cleverer is tried. Output that was cut at the token limit is refused
without a repair, which would be cut as well; output that a provider's filter stopped is handed on empty, as filtered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from groundwork.core.errors import InvalidInputError, OutputRefusedError
from groundwork.gateway import schemas
from groundwork.gateway.types import Completion, Message, TextPart

if TYPE_CHECKING:
    from groundwork.gateway.types import ChatRequest, ToolCall

MOST_CALLS = 128
MOST_TOOLS = 512
_MOST_FAULTS = 8
_SHOWN_CHARS = 20_000
_FENCED = re.compile(r"\A\s*```[A-Za-z0-9_+-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```\s*\Z", re.DOTALL)


class Checked(NamedTuple):
    """The completion as it may be handed on when `faults` is empty; `checked` is False where there was nothing to check."""

    completion: Completion
    faults: Sequence[str] = ()
    checked: bool = True


def check_request(request: ChatRequest) -> None:
    """Refuse what cannot be asked for whatever the provider.

    Raises:
        InvalidInputError: two tools share a name, the named tool is not offered, a tool must be called and none is offered,
            a schema is no schema, or several choices are asked for where the output is checked.
    """
    if request.tools:
        _check_tools(request)
    choice = request.tool_choice
    offers = request.tools or request.native_only  # tools of the provider's own are in the native body
    if choice is not None and choice.mode in ("required", "named") and not offers:
        raise InvalidInputError(
            "`tool_choice` asks for a call, but no tools are offered",
            hint="send `tools`",
            param="tool_choice",
        )
    if request.response_format.kind == "json_schema":
        schemas.check(request.response_format.schema, "response_format.schema")
    if request.n > 1 and (request.tools or request.response_format.kind != "text"):
        raise InvalidInputError(
            f"{request.n} choices cannot be asked for together with tools or a response format",
            hint="ask for one choice at a time",
            param="n",
        )


def is_held(request: ChatRequest) -> bool:
    """Return whether text may be shown only when all of it is there and fits."""
    return request.response_format.kind != "text"


def check(request: ChatRequest, completion: Completion) -> Checked:
    """Return the completion as it may be handed on, or its faults in words for the model that made them."""
    if request.n > 1:
        return Checked(completion, checked=False)
    if completion.finish == "content_filter":
        held = is_held(request) or completion.tool_calls
        return Checked(_emptied(completion) if held else completion, checked=False)
    if completion.tool_calls:
        completion = _with_objects(completion)
        return Checked(completion, call_faults(request, completion.tool_calls))
    choice = request.tool_choice
    if choice is not None and choice.mode in ("required", "named"):
        wanted = f"the tool `{choice.name}`" if choice.mode == "named" else "a tool"
        return Checked(completion, [f"{wanted} must be called, and no tool was"])
    if not is_held(request):
        return Checked(completion, checked=False)
    return _check_text(request, completion)


def call_faults(request: ChatRequest, calls: Sequence[ToolCall]) -> list[str]:
    """Return what is wrong with tool calls: names, number, ids, and arguments against each tool's schema.

    Tools of the provider's own, which only the native body knows, are taken as they come.
    """
    choice = request.tool_choice
    if len(calls) > MOST_CALLS:
        return [f"{len(calls)} tools were called at once; at most {MOST_CALLS} may be"]
    if choice is not None and choice.mode == "none":
        return ["tools were called, but none may be called now; answer in text"]
    faults: list[str] = []
    if len({c.id for c in calls}) < len(calls) or not all(c.id for c in calls):
        faults.append("every tool call needs an id of its own")
    if request.parallel_tool_calls is False and len(calls) > 1:
        faults.append(f"{len(calls)} tools were called at once; only one may be")
    if choice is not None and choice.mode == "named" and any(c.name != choice.name for c in calls):
        faults.append(f"only the tool `{choice.name}` may be called")
    offered = {tool.name: tool for tool in request.tools}
    for n, call in enumerate(calls):
        where = f"tool call {n + 1} (`{call.name[:100]}`)"
        tool = offered.get(call.name)
        if tool is None and request.native_only:
            continue
        if tool is None:
            faults.append(
                f"{where}: there is no such tool; there are: {', '.join(sorted(offered)) or 'none'}"
            )
            continue
        try:
            arguments = schemas.strict_json(call.arguments)
        except InvalidInputError as error:
            faults.append(f"{where}: the arguments are not JSON: {error.message}")
            continue
        if not isinstance(arguments, dict):
            faults.append(f"{where}: the arguments are not a JSON object")
            continue
        faults.extend(f"{where}: {fault}" for fault in schemas.faults(tool.parameters, arguments))
        if len(faults) >= _MOST_FAULTS:
            break
    return faults[:_MOST_FAULTS]


def repair(request: ChatRequest, completion: Completion, faults: Sequence[str]) -> ChatRequest:
    """Return the request that shows a model what it wrote and what is wrong with it.

    Tool calls that do not fit are shown as text, because a provider refuses a message whose calls it cannot read.
    """
    wrote = completion.text
    for call in completion.tool_calls[:MOST_CALLS]:
        wrote += f"\n[called {call.name} with {call.arguments}]"
    listed = "\n".join(f"- {fault}" for fault in faults)
    ask = (
        "Your last answer could not be used:\n"
        f"{listed}\n"
        "Answer again, without these faults and without any comment on them."
    )
    if is_held(request) and not completion.tool_calls:
        ask += " Write the JSON value alone."
    return request.changed(
        messages=(
            *request.messages,
            Message("assistant", (TextPart(wrote.strip()[:_SHOWN_CHARS] or "(nothing)"),)),
            Message("user", (TextPart(ask),)),
        ),
        stream=False,
    )


def is_repairable(request: ChatRequest, completion: Completion) -> bool:
    """Return whether asking again makes sense: not for what was cut, nor where the request cannot be said otherwise."""
    return completion.finish != "length" and not request.native_only


def refused(model: str, faults: Sequence[str], *, repaired: bool, why: str = "") -> OutputRefusedError:
    """Return the error for output that does not fit."""
    after = "also after one repair" if repaired else why or "and it could not be repaired"
    return OutputRefusedError(
        f"what `{model}` wrote does not fit what was asked for, {after}: {faults[0]}",
        hint="simplify the schema, say in the prompt what is expected, or ask a stronger model",
        failure="invalid_output",
        faults=list(faults),
    )


def _check_tools(request: ChatRequest) -> None:
    if len(request.tools) > MOST_TOOLS:
        raise InvalidInputError(
            f"{len(request.tools)} tools are offered, at most {MOST_TOOLS} may be", param="tools"
        )
    names = [tool.name for tool in request.tools]
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise InvalidInputError(
            f"two tools are called `{twice[:100]}`", hint="give each a name of its own", param="tools"
        )
    for n, tool in enumerate(request.tools):
        schemas.check(tool.parameters, f"tools[{n}].parameters")
    choice = request.tool_choice
    if choice is not None and choice.mode == "named" and choice.name not in names and not request.native_only:
        raise InvalidInputError(
            f"`tool_choice` names the tool `{choice.name[:100]}`, which is not offered",
            hint=f"tools: {', '.join(names)}"[:300],
            param="tool_choice",
        )


def _check_text(request: ChatRequest, completion: Completion) -> Checked:
    text = unwrapped(completion.text)
    if text != completion.text:
        completion = replace(completion, text=text, native=None, native_dialect=None)
    try:
        value = schemas.strict_json(text)
    except InvalidInputError as error:
        return Checked(completion, [error.message])
    wanted = request.response_format
    if wanted.kind == "json_object" or wanted.schema is None:
        return Checked(completion, [] if isinstance(value, dict) else ["the text is not a JSON object"])
    return Checked(completion, schemas.faults(wanted.schema, value))


def unwrapped(text: str) -> str:
    """Return the text without a byte order mark and without one code fence around all of it."""
    text = text.removeprefix("\ufeff")
    fenced = _FENCED.match(text)
    return fenced[1] if fenced else text


def _with_objects(completion: Completion) -> Completion:
    """Return calls without arguments as calls with `{}`: a tool that takes none is often called so."""
    if all(call.arguments.strip() for call in completion.tool_calls):
        return completion
    calls = tuple(c if c.arguments.strip() else replace(c, arguments="{}") for c in completion.tool_calls)
    return replace(completion, tool_calls=calls, native=None, native_dialect=None)


def _emptied(completion: Completion) -> Completion:
    return replace(completion, text="", tool_calls=(), native=None, native_dialect=None)
