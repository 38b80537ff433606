"""Structured output: valid, repaired once, or refused; whole and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from groundwork.core.errors import InvalidInputError, OutputRefusedError, UpstreamTimeoutError
from groundwork.gateway.failures import Failure
from groundwork.gateway.structured import unwrapped
from groundwork.gateway.types import Caller, Completion, Event, Message, ResponseFormat, TextPart, Usage
from tests.gateway.flows import Lab, Puppet, chat, lab, scripted

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PERSON = ResponseFormat("json_schema", "person", SCHEMA, strict=True)
GOOD = json.dumps({"name": "Ann", "age": 3})
BAD = json.dumps({"name": "Ann", "age": -3})


def _ask(it: Lab, model: str, stream: bool, **more: Any) -> Completion:
    request = chat(model, response_format=more.pop("wanted", PERSON), stream=stream, **more)
    if not stream:
        return it.complete(request)
    events, completion = it.stream(request)
    assert "".join(e.text for e in events if e.kind == "text") == completion.text
    assert [e.kind for e in events].count("finish") == 1
    return completion


@pytest.mark.parametrize("stream", [False, True])
def test_what_fits_is_handed_on_as_it_is(stream: bool) -> None:
    with lab(providers={"s": scripted(m=GOOD)}) as it:
        completion = _ask(it, "s/m", stream)
        assert completion.text == GOOD
        assert completion.meta.structured == "valid"
        assert it.calls()[0]["structured"] == "valid"
        assert it.gateway.metrics.structured == {"valid": 1, "repaired": 0, "refused": 0}


@pytest.mark.parametrize("stream", [False, True])
def test_what_does_not_fit_is_repaired_once_and_both_attempts_are_charged(stream: bool) -> None:
    with lab(providers={"s": scripted(m={"replies": [BAD, GOOD]})}) as it:
        completion = _ask(it, "s/m", stream)
        assert completion.text == GOOD
        assert completion.meta.structured == "repaired"
        first, second = it.attempts()
        [call] = it.calls()
        assert it.gateway.metrics.structured["repaired"] == 1
    assert [first["reason"], second["reason"]] == ["first", "repair"]
    assert (first["state"], second["state"], call["state"]) == ("done", "done", "done")
    assert call["structured"] == "repaired"
    assert call["cost_nanousd"] == first["cost_nanousd"] + second["cost_nanousd"]
    assert second["input_tokens"] > first["input_tokens"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "said", [BAD, "no JSON", "", "[1]", '{"name": NaN}', "[" * 5000, '{"name": "x", "age": 1e999}']
)
def test_what_still_does_not_fit_is_refused(stream: bool, said: str) -> None:
    with lab(providers={"s": scripted(m=said)}) as it:
        with pytest.raises(OutputRefusedError, match="after one repair") as caught:
            _ask(it, "s/m", stream)
        assert caught.value.details["faults"]
        [call] = it.calls()
        assert (call["state"], call["structured"], call["error"]) == ("failed", "refused", "output_refused")
        assert [a["reason"] for a in it.attempts()] == ["first", "repair"]
        assert it.gateway.metrics.structured["refused"] == 1


def test_the_repair_shows_what_was_written_and_what_is_wrong_with_it() -> None:
    said = iter([BAD, GOOD])

    async def act(*_: Any) -> Completion:
        return Completion(next(said), usage=Usage(1, 1))

    puppet = Puppet(act)
    with lab(extra={"p": puppet}) as it:
        it.complete(chat("p/m", response_format=PERSON, native={"model": "p/m"}))
    (_, _), (repair, _) = puppet.seen
    assert isinstance(repair.messages, tuple)  # type: ignore[union-attr]
    *_, wrote, asked = repair.messages  # type: ignore[union-attr]
    assert (wrote.role, wrote.text) == ("assistant", BAD)
    assert "age" in asked.text
    assert repair.native is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        (f"```json\n{GOOD}\n```", GOOD),
        (f"```\n{GOOD}```  \n", GOOD),
        (f"\ufeff{GOOD}", GOOD),
        (f"\r\n```JSON\r\n{GOOD}\r\n```", GOOD),
        (f"Here it is: ```{GOOD}```", None),
        (f"```json\n{GOOD}", None),
    ],
)
def test_one_fence_around_everything_and_a_byte_order_mark_are_taken_off(
    text: str, inner: str | None
) -> None:
    assert unwrapped(text) == (inner if inner is not None else text)


@pytest.mark.parametrize("stream", [False, True])
def test_fenced_json_is_handed_on_without_its_fence(stream: bool) -> None:
    with lab(providers={"s": scripted(m=f"```json\n{GOOD}\n```")}) as it:
        completion = _ask(it, "s/m", stream)
        assert (completion.text, completion.meta.structured) == (GOOD, "valid")
        assert len(it.attempts()) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_json_object_is_asked_for_without_a_schema(stream: bool) -> None:
    wanted = ResponseFormat("json_object")
    with lab(providers={"s": scripted(m={"replies": ["[1]", '{"a": 1}']}, never="word")}) as it:
        assert _ask(it, "s/m", stream, wanted=wanted).text == '{"a": 1}'
        with pytest.raises(OutputRefusedError):
            _ask(it, "s/never", stream, wanted=wanted)


@pytest.mark.parametrize("stream", [False, True])
def test_output_cut_at_the_token_limit_is_refused_without_a_repair(stream: bool) -> None:
    with lab(providers={"s": scripted(m={"text": '{"name": "An', "finish": "length"})}) as it:
        with pytest.raises(OutputRefusedError, match="token limit"):
            _ask(it, "s/m", stream)
        assert len(it.attempts()) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_output_that_a_filter_stopped_is_handed_on_empty_as_filtered(stream: bool) -> None:
    with lab(providers={"s": scripted(m={"text": '{"name": "An', "finish": "content_filter"})}) as it:
        completion = _ask(it, "s/m", stream)
        assert (completion.text, completion.finish) == ("", "content_filter")
        assert completion.meta.structured == "none"


def test_a_repair_that_fails_or_has_no_budget_refuses() -> None:
    async def act(request: Any, _: Any) -> Completion:
        if len(request.messages) > 1:
            raise Failure("reset", "broken", billed=True)
        return Completion(BAD, usage=Usage(1, 1))

    with lab(extra={"p": Puppet(act)}) as it:
        with pytest.raises(OutputRefusedError, match="reset"):
            it.complete(chat("p/m", response_format=PERSON))
        assert [a["state"] for a in it.attempts()] == ["done", "failed"]
    with lab(providers={"s": scripted(m=BAD)}, settings={"budget_day_usd": 0.00215}) as it:
        with pytest.raises(OutputRefusedError, match="budget"):
            it.complete(chat("s/m", response_format=PERSON))
        assert len(it.attempts()) == 1


def test_a_repair_keeps_the_deadline() -> None:
    async def act(request: Any, _: Any) -> Completion:
        if len(request.messages) > 1:
            await asyncio.sleep(30)
        return Completion(BAD, usage=Usage(1, 1))

    with lab(extra={"p": Puppet(act)}) as it, pytest.raises(UpstreamTimeoutError):
        it.complete(chat("p/m", response_format=PERSON), Caller(deadline_s=0.2))


@pytest.mark.parametrize("schema", [None, [], {"type": "objekt"}, {"$ref": "https://example.com/schema"}])
def test_a_schema_that_is_none_is_refused_before_anything_is_asked(schema: Any) -> None:
    wanted = ResponseFormat("json_schema", "x", schema)
    with lab(providers={"s": scripted(m=GOOD)}) as it:
        with pytest.raises(InvalidInputError, match="schema"):
            it.complete(chat("s/m", response_format=wanted))
        assert {(c["state"], c["error"], c["cost_nanousd"]) for c in it.calls()} == {
            ("failed", "invalid_input", 0)
        }


def test_several_choices_are_not_asked_for_where_output_is_checked() -> None:
    with lab(providers={"s": scripted(m=GOOD)}) as it, pytest.raises(InvalidInputError, match="choices"):
        it.complete(chat("s/m", response_format=PERSON, n=2))


def test_reasoning_of_a_checked_stream_is_told_before_its_text() -> None:
    with lab(providers={"s": scripted(m={"text": GOOD, "reasoning": "let me think"})}) as it:
        events, completion = it.stream(chat("s/m", response_format=PERSON, stream=True))
        assert [e.kind for e in events][:2] == ["reasoning", "text"]
        assert completion.reasoning == "let me think"


def test_events_of_a_valid_stream_keep_the_providers_own_chunks() -> None:
    async def play(*_: Any) -> AsyncIterator[Event]:
        yield Event("text", GOOD[:5], native={"n": 1})
        yield Event("text", GOOD[5:], native={"n": 2})
        yield Event("finish", finish="stop", native={"n": 3})

    with lab(extra={"p": Puppet(play=play)}) as it:
        events, _ = it.stream(chat("p/m", response_format=PERSON, stream=True))
    assert [e.native for e in events] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_conversation_keeps_its_messages_in_a_repair() -> None:
    said = iter([BAD, GOOD])

    async def act(*_: Any) -> Completion:
        return Completion(next(said), usage=Usage(1, 1))

    puppet = Puppet(act)
    request = chat("p/m", response_format=PERSON).changed(
        messages=(Message("system", (TextPart("be brief"),)), Message("user", (TextPart("who?"),)))
    )
    with lab(extra={"p": puppet}) as it:
        it.complete(request)
    roles = [m.role for m in puppet.seen[1][0].messages]  # type: ignore[union-attr]
    assert roles == ["system", "user", "assistant", "user"]
