"""Tool calls: nobody sees one that its tool cannot take."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from groundwork.core.errors import InvalidInputError, OutputRefusedError
from groundwork.gateway.structured import MOST_CALLS, call_faults
from groundwork.gateway.types import Caller, Completion, Event, Tool, ToolCall, ToolChoice, Usage
from tests.gateway.flows import Lab, Puppet, chat, lab, scripted

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "tells the weather", PLACE)
CLOCK = Tool("clock", "tells the time", {"type": "object", "properties": {}})
PARIS = {"name": "weather", "arguments": {"city": "Paris"}}
WRONG = {"name": "weather", "arguments": {"city": 7}}


def _ask(it: Lab, model: str, stream: bool, **more: Any) -> Completion:
    request = chat(model, tools=more.pop("tools", (WEATHER, CLOCK)), stream=stream, **more)
    if not stream:
        return it.complete(request)
    events, completion = it.stream(request)
    arguments: dict[int, str] = {}
    for event in events:
        if event.kind == "tool_call":
            arguments[event.index] = arguments.get(event.index, "") + event.text
    assert [arguments[n] for n in sorted(arguments)] == [c.arguments for c in completion.tool_calls]
    return completion


@pytest.mark.parametrize("stream", [False, True])
def test_valid_calls_are_handed_on(stream: bool) -> None:
    play = {"calls": [PARIS, {"name": "clock", "arguments": {}}], "text": "Let me look."}
    with lab(providers={"s": scripted(m=play)}) as it:
        completion = _ask(it, "s/m", stream)
        assert [c.name for c in completion.tool_calls] == ["weather", "clock"]
        assert json.loads(completion.tool_calls[0].arguments) == {"city": "Paris"}
        assert (completion.finish, completion.meta.structured) == ("tool_calls", "valid")
        assert completion.text == "Let me look."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        WRONG,
        {"name": "weather", "arguments": '{"city": "Par'},
        {"name": "weather", "arguments": "[]"},
        {"name": "no_such_tool", "arguments": {}},
        {"name": "weather", "arguments": '{"city": NaN}'},
    ],
)
def test_an_invalid_call_is_repaired_or_refused_and_never_seen(stream: bool, call: dict[str, Any]) -> None:
    with lab(
        providers={"s": scripted(m={"replies": [{"calls": [call]}, {"calls": [PARIS]}]}, n={"calls": [call]})}
    ) as it:
        completion = _ask(it, "s/m", stream)
        assert json.loads(completion.tool_calls[0].arguments) == {"city": "Paris"}
        assert completion.meta.structured == "repaired"
        with pytest.raises(OutputRefusedError):
            _ask(it, "s/n", stream)
        assert it.gateway.metrics.structured == {"valid": 0, "repaired": 1, "refused": 1}


def test_text_before_a_call_flows_while_the_call_is_held_until_it_is_whole() -> None:
    held = []

    async def play(*_: Any) -> AsyncIterator[Event]:
        yield Event("text", "Let me ")
        yield Event("text", "look.")
        held.append("text was taken")
        yield Event("tool_call", '{"city"', id="c1", name="weather", native={"n": 1})
        yield Event("tool_call", ': "Paris"}', native={"n": 2})
        held.append("the call is whole")
        yield Event("finish", finish="tool_calls", native={"n": 3})

    with lab(extra={"p": Puppet(play=play)}) as it:

        async def read() -> list[tuple[str, int]]:
            stream = await it.gateway.open_stream(chat("p/m", tools=(WEATHER,), stream=True), Caller())
            return [(event.kind, len(held)) async for event in stream]

        seen = it.run(read())
    assert seen == [("text", 0), ("text", 0), ("tool_call", 2), ("tool_call", 2), ("finish", 2)]


def test_a_call_repaired_after_text_was_shown_adds_no_text_again() -> None:
    play = {"replies": [{"text": "Let me look. ", "calls": [WRONG]}, {"text": "Again. ", "calls": [PARIS]}]}
    with lab(providers={"s": scripted(m=play)}) as it:
        events, completion = it.stream(chat("s/m", tools=(WEATHER,), stream=True))
        assert "".join(e.text for e in events if e.kind == "text") == "Let me look. "
        assert completion.text == "Let me look. "
        assert json.loads(completion.tool_calls[0].arguments) == {"city": "Paris"}
        assert completion.meta.structured == "repaired"


def test_a_call_refused_after_text_was_shown_ends_the_stream_with_an_error() -> None:
    with lab(providers={"s": scripted(m={"text": "Let me look. ", "calls": [WRONG]})}) as it:
        with pytest.raises(OutputRefusedError):
            it.stream(chat("s/m", tools=(WEATHER,), stream=True))
        [call] = it.calls()
        assert (call["state"], call["structured"]) == ("failed", "refused")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("choice", "bad", "good"),
    [
        (ToolChoice("none"), {"calls": [PARIS]}, "It is sunny."),
        (ToolChoice("required"), "It is sunny.", {"calls": [PARIS]}),
        (ToolChoice("named", "weather"), {"calls": [{"name": "clock", "arguments": {}}]}, {"calls": [PARIS]}),
        (ToolChoice("named", "weather"), "It is sunny.", {"calls": [PARIS]}),
    ],
)
def test_the_choice_of_tools_is_kept(stream: bool, choice: ToolChoice, bad: Any, good: Any) -> None:
    with lab(providers={"s": scripted(m={"replies": [bad, good]}, n=bad)}) as it:
        completion = _ask(it, "s/m", stream, tool_choice=choice)
        assert completion.meta.structured == "repaired"
        assert bool(completion.tool_calls) == isinstance(good, dict)
        with pytest.raises(OutputRefusedError):
            _ask(it, "s/n", stream, tool_choice=choice)


def test_one_call_at_a_time_is_kept() -> None:
    play = {"replies": [{"calls": [PARIS, PARIS]}, {"calls": [PARIS]}]}
    with lab(providers={"s": scripted(m=play)}) as it:
        completion = _ask(it, "s/m", False, parallel_tool_calls=False)
        assert len(completion.tool_calls) == 1


def test_calls_are_bounded_and_their_ids_distinct() -> None:
    request = chat("p/m", tools=(WEATHER,))
    many = [ToolCall(str(n), "weather", '{"city": "x"}') for n in range(MOST_CALLS + 1)]
    assert call_faults(request, many[:MOST_CALLS]) == []
    assert "129 tools were called" in call_faults(request, many)[0]
    assert "id of its own" in call_faults(request, [many[0], many[0]])[0]
    assert "id of its own" in call_faults(request, [ToolCall("", "weather", '{"city": "x"}')])[0]


def test_a_tool_without_arguments_may_be_called_with_nothing() -> None:
    async def act(*_: Any) -> Completion:
        return Completion(tool_calls=(ToolCall("1", "clock", ""),), finish="tool_calls", usage=Usage(1, 1))

    with lab(extra={"p": Puppet(act)}) as it:
        completion = _ask(it, "p/m", False)
        assert completion.tool_calls[0].arguments == "{}"
        assert len(it.attempts()) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"tools": (WEATHER, WEATHER)}, "two tools are called `weather`"),
        ({"tools": (WEATHER,), "tool_choice": ToolChoice("named", "clock")}, "not offered"),
        ({"tools": (), "tool_choice": ToolChoice("required")}, "no tools are offered"),
        ({"tools": (Tool("x", "", {"type": "objekt"}),)}, r"tools\[0\].parameters"),
        ({"tools": (WEATHER,), "n": 2}, "choices"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_asked(
    more: dict[str, Any], said: str
) -> None:
    with lab(providers={"s": scripted(m="x")}) as it:
        with pytest.raises(InvalidInputError, match=said):
            it.complete(chat("s/m", **more))
        assert {(c["state"], c["error"], c["cost_nanousd"]) for c in it.calls()} == {
            ("failed", "invalid_input", 0)
        }


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["tool_arguments_invalid", "tool_unknown", "tool_calls_10000"])
def test_the_faults_that_providers_have_shown_are_refused(stream: bool, model: str) -> None:
    with lab(providers={"s": {"kind": "scripted"}}) as it, pytest.raises(Exception, match="s/") as caught:
        _ask(it, f"s/{model}", stream)
    assert caught.type.__name__ in ("OutputRefusedError", "UpstreamError")


def test_tools_of_a_providers_own_are_taken_as_they_come() -> None:
    class Native(Puppet):
        dialect = "openai_chat"

    async def act(*_: Any) -> Completion:
        calls = (ToolCall("1", "custom_grammar", "not JSON"),)
        return Completion(tool_calls=calls, finish="tool_calls", usage=Usage(1, 1))

    only = {"native_only": ("custom tools",), "native": {"tools": []}}
    with lab(extra={"p": Native(act)}, providers={"s": scripted(m="x")}) as it:
        completion = it.complete(chat("p/m", tools=(WEATHER,), **only))
        assert completion.tool_calls[0].arguments == "not JSON"
        with pytest.raises(InvalidInputError, match="custom tools"):
            it.complete(chat("s/m", **only))
