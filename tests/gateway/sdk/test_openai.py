"""The official Python client of OpenAI, pointed at the gateway by its base URL alone."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from groundwork.testing.upstream_script import SIMPLE_TEXT
from tests.gateway.sdk.values import OPENAI_TOOL, RIVER, ask, png
from tests.gateway.upstreams import PROVIDER_KEY, Served, eventually


class River(BaseModel):
    name: str
    length_km: int


def test_models_are_listed_and_one_is_described(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert {"lab/hello", "claude/hello", "fallen", "extractive"} <= set(ids)
    assert client.models.retrieve("lab/hello").id == "lab/hello"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("lab/none")


def test_a_chat_answers_with_text_finish_and_usage(client: openai.OpenAI, at: str) -> None:
    reply = client.chat.completions.create(model=f"{at}/hello", messages=ask())
    assert reply.choices[0].message.content == SIMPLE_TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (11, 7)


def test_a_stream_brings_the_same_text_in_pieces_and_usage_when_asked(client: openai.OpenAI, at: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=f"{at}/hello", messages=ask(), stream=True, stream_options={"include_usage": True}
        )
    )
    pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(pieces) == SIMPLE_TEXT
    assert len(pieces) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
        "stop"
    ]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


def test_a_stream_that_did_not_ask_for_usage_gets_none(client: openai.OpenAI, at: str) -> None:
    chunks = list(client.chat.completions.create(model=f"{at}/hello", messages=ask(), stream=True))
    assert all(c.choices for c in chunks)
    assert not any(c.usage for c in chunks)


def test_a_tool_is_called_and_its_result_answered(client: openai.OpenAI, at: str) -> None:
    messages = ask("What is the weather in Paris?")
    first = client.chat.completions.create(model=f"{at}/tool", messages=messages, tools=[OPENAI_TOOL])  # type: ignore[list-item]
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    assert message.tool_calls is not None
    call: Any = message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    second = client.chat.completions.create(model=f"{at}/tool", messages=messages, tools=[OPENAI_TOOL])  # type: ignore[list-item]
    assert second.choices[0].message.content == "It is sunny in Paris."


def test_parallel_calls_come_with_ids_of_their_own(client: openai.OpenAI, at: str) -> None:
    reply = client.chat.completions.create(model=f"{at}/tools", messages=ask(), tools=[OPENAI_TOOL])  # type: ignore[list-item]
    called: Any = reply.choices[0].message.tool_calls
    assert [json.loads(c.function.arguments)["city"] for c in called] == ["Paris", "Nantes"]
    assert len({c.id for c in called}) == 2


def test_streamed_calls_gather_to_the_whole_ones(client: openai.OpenAI, at: str) -> None:
    with client.chat.completions.stream(
        model=f"{at}/tools",
        messages=ask(),
        tools=[{**OPENAI_TOOL, "function": {**OPENAI_TOOL["function"], "strict": True}}],  # type: ignore[list-item]
    ) as stream:
        for _ in stream:
            pass
        whole = stream.get_final_completion()
    called: Any = whole.choices[0].message.tool_calls
    assert [json.loads(c.function.arguments)["city"] for c in called] == ["Paris", "Nantes"]
    assert whole.choices[0].finish_reason == "tool_calls"


def test_a_schema_is_kept_and_parsed(client: openai.OpenAI, at: str) -> None:
    parsed = client.chat.completions.parse(model=f"{at}/river", messages=ask(), response_format=River)
    assert parsed.choices[0].message.parsed == River(name="Loire", length_km=1006)
    raw = client.chat.completions.create(
        model=f"{at}/river",
        messages=ask(),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "river", "schema": RIVER, "strict": True},
        },
    )
    assert json.loads(raw.choices[0].message.content or "") == {"name": "Loire", "length_km": 1006}


def test_output_that_breaks_its_schema_is_refused_and_never_shown(client: openai.OpenAI, at: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.parse(model=f"{at}/broken-river", messages=ask(), response_format=River)
    assert refused.value.status_code == 502
    assert refused.value.code == "output_refused"


def test_an_image_reaches_the_provider_in_its_own_form(
    client: openai.OpenAI, server: Served, at: str
) -> None:
    picture = png()
    content: list[Any] = [
        {"type": "text", "text": "What colour is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    client.chat.completions.create(model=f"{at}/hello", messages=[{"role": "user", "content": content}])
    sent = json.dumps(server.upstream.seen[-1].json)
    assert picture in sent
    assert ('"type": "base64"' if at == "claude" else "data:image/png;base64,") in sent


def test_embeddings_are_equal_as_floats_and_as_base64(client: openai.OpenAI) -> None:
    texts = ["a river", "a city"]
    packed = client.embeddings.create(model="lab/embed", input=texts)  # the client asks for base64 by itself
    plain = client.embeddings.create(model="lab/embed", input=texts, encoding_format="float")
    assert [d.index for d in plain.data] == [0, 1]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert all(
            math.isclose(a, b, abs_tol=1e-6) for a, b in zip(one.embedding, other.embedding, strict=True)
        )
        assert len(one.embedding) == 8


def test_the_responses_api_answers_whole_and_streamed(client: openai.OpenAI, at: str) -> None:
    whole = client.responses.create(model=f"{at}/hello", input="How long is the Loire?")
    assert whole.output_text == SIMPLE_TEXT
    assert whole.status == "completed"
    assert whole.usage is not None
    assert whole.usage.output_tokens == 7
    events = list(client.responses.create(model=f"{at}/hello", input="How long is it?", stream=True))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == SIMPLE_TEXT
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")


def test_the_responses_api_calls_tools_and_keeps_schemas(client: openai.OpenAI, at: str) -> None:
    tool: Any = {"type": "function", "strict": True, **OPENAI_TOOL["function"]}
    whole = client.responses.create(model=f"{at}/tool", input="The weather in Paris?", tools=[tool])
    calls: list[Any] = [item for item in whole.output if item.type == "function_call"]
    assert [(c.name, json.loads(c.arguments)) for c in calls] == [("get_weather", {"city": "Paris"})]
    history: list[Any] = [
        {"role": "user", "content": "The weather in Paris?"},
        {
            "type": "function_call",
            "call_id": calls[0].call_id,
            "name": "get_weather",
            "arguments": '{"city": "Paris"}',
        },
        {"type": "function_call_output", "call_id": calls[0].call_id, "output": "sunny"},
    ]
    second = client.responses.create(model=f"{at}/tool", input=history, tools=[tool])
    assert second.output_text == "It is sunny in Paris."
    parsed = client.responses.parse(model=f"{at}/river", input="The Loire?", text_format=River)
    assert parsed.output_parsed == River(name="Loire", length_km=1006)


def test_the_completions_api_completes(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="lab/hello", prompt="The Loire is")
    assert reply.choices[0].text == SIMPLE_TEXT
    pieces = client.completions.create(model="lab/hello", prompt="The Loire is", stream=True)
    assert "".join(p.choices[0].text for p in pieces if p.choices) == SIMPLE_TEXT


def test_a_wrong_key_is_an_authentication_error(server: Served, client: openai.OpenAI) -> None:
    for wrong in ("gw_nonsense", "sk-other", server.key()[:-1] + "x"):
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key=wrong).chat.completions.create(model="lab/hello", messages=ask())


def test_an_expired_key_is_an_authentication_error(server: Served, client: openai.OpenAI) -> None:
    from datetime import UTC, datetime, timedelta

    soon = server.key("expired", expires_at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    time.sleep(1.2)
    with pytest.raises(openai.AuthenticationError, match="expired"):
        client.with_options(api_key=soon).chat.completions.create(model="lab/hello", messages=ask())


def test_an_exhausted_budget_is_a_rate_limit_error_that_says_so(
    server: Served, client: openai.OpenAI
) -> None:
    poor = client.with_options(api_key=server.key("poor", budget_usd={"day": 0.000001}))
    with pytest.raises(openai.RateLimitError) as refused:
        poor.chat.completions.create(model="lab/hello", messages=ask(), max_tokens=1000)
    assert refused.value.code in ("budget_exceeded", "insufficient_quota")


def test_a_rate_that_is_reached_is_waited_out_by_the_client(server: Served, client: openai.OpenAI) -> None:
    slow = client.with_options(api_key=server.key("slow", requests_per_minute=60))

    def hurry() -> None:
        for _ in range(100):
            slow.chat.completions.create(model="lab/hello", messages=ask())

    with pytest.raises(openai.RateLimitError) as refused:
        hurry()
    assert float(refused.value.response.headers["retry-after"]) >= 1
    patient = slow.with_options(max_retries=4)
    assert patient.chat.completions.create(model="lab/hello", messages=ask()).choices


@pytest.mark.parametrize("model", ["lab/none", "nobody/hello", "none", "app/none"])
def test_an_unknown_model_is_a_not_found_error(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model=model, messages=ask())
    assert refused.value.code == "model_not_found"


def test_a_body_of_50_mb_is_refused_as_too_large(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="lab/hello", messages=ask("x" * 50_000_000))
    assert refused.value.status_code == 413


def test_a_prompt_longer_than_the_context_is_a_bad_request(client: openai.OpenAI, at: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=f"{at}/short", messages=ask("many words " * 2000))
    assert refused.value.code == "context_length_exceeded"


def test_a_schema_that_is_none_is_a_bad_request(client: openai.OpenAI) -> None:
    broken: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "colour"}}}
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="lab/river", messages=ask(), response_format=broken)


def test_a_result_of_a_call_never_made_is_a_bad_request(client: openai.OpenAI) -> None:
    orphan: list[Any] = [*ask(), {"role": "tool", "tool_call_id": "call_never", "content": "sunny"}]
    with pytest.raises(openai.BadRequestError, match="call_never"):
        client.chat.completions.create(model="lab/hello", messages=orphan)


def test_one_refusal_of_the_provider_is_not_seen_by_the_client(client: openai.OpenAI, server: Served) -> None:
    reply = client.chat.completions.with_raw_response.create(model="lab/retry", messages=ask())
    assert reply.parse().choices[0].message.content == SIMPLE_TEXT
    call = server.last_call(model="lab/retry")
    assert [a["state"] for a in server.attempts_of(call["id"])] == ["failed", "done"]
    assert reply.headers["x-groundwork-attempts"] == "2"


def test_a_fallback_at_another_provider_answers(client: openai.OpenAI, server: Served) -> None:
    reply = client.chat.completions.create(model="fallen", messages=ask())
    assert reply.choices[0].message.content == SIMPLE_TEXT
    assert [a["provider"] for a in server.attempts_of(server.last_call(model="fallen")["id"])][-1] == "claude"


@pytest.mark.parametrize("model", ["down", "html", "rotated", "always-429"])
def test_a_failing_provider_is_a_status_error_without_its_secrets(
    client: openai.OpenAI, at: str, model: str
) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model=f"{at}/{model}", messages=ask())
    assert refused.value.status_code in (429, 502, 503)
    assert PROVIDER_KEY not in refused.value.response.text
    assert "<html" not in refused.value.response.text


def test_a_client_that_leaves_a_stream_ends_the_call_upstream(
    client: openai.OpenAI, server: Served, at: str
) -> None:
    stream = client.chat.completions.create(model=f"{at}/slow", messages=ask(), stream=True)
    for _ in zip(range(5), stream, strict=False):
        pass
    stream.close()
    assert eventually(lambda: server.upstream.of("slow")[-1].gone)
    assert eventually(lambda: server.last_call(model=f"{at}/slow")["state"] == "cancelled")
    assert server.last_call(model=f"{at}/slow")["cost_nanousd"] > 0


def test_a_client_that_gives_up_waiting_ends_the_call_upstream(client: openai.OpenAI, server: Served) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.5).chat.completions.create(model="lab/silent", messages=ask())
    assert eventually(lambda: server.upstream.of("silent")[-1].gone, 2)
    assert eventually(lambda: server.last_call(model="lab/silent")["state"] == "cancelled")


def test_many_clients_stream_at_once(client: openai.OpenAI, at: str) -> None:
    texts: list[str] = []

    def one() -> None:
        chunks = client.chat.completions.create(model=f"{at}/hello", messages=ask(), stream=True)
        texts.append("".join(c.choices[0].delta.content or "" for c in chunks if c.choices))

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == [SIMPLE_TEXT] * 16
