"""The official Python client of Anthropic, pointed at the gateway by its base URL alone."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from groundwork.testing.upstream_script import SIMPLE_TEXT
from tests.gateway.sdk.values import ANTHROPIC_TOOL, CITY, RIVER, ask, png
from tests.gateway.upstreams import PROVIDER_KEY, Served, eventually


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_models_are_listed(claude: anthropic.Anthropic) -> None:
    assert {"lab/hello", "claude/hello"} <= {model.id for model in claude.models.list()}
    assert claude.models.retrieve("lab/hello").type == "model"


def test_a_message_answers_with_text_reason_and_usage(claude: anthropic.Anthropic, at: str) -> None:
    message = claude.messages.create(model=f"{at}/hello", max_tokens=100, messages=ask())
    assert text_of(message) == SIMPLE_TEXT
    assert (message.stop_reason, message.role) == ("end_turn", "assistant")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (11, 7)


def test_a_system_prompt_reaches_the_provider(claude: anthropic.Anthropic, server: Served, at: str) -> None:
    claude.messages.create(model=f"{at}/hello", max_tokens=10, system="Answer like a sailor.", messages=ask())
    assert "Answer like a sailor." in json.dumps(server.upstream.seen[-1].json)


def test_a_stream_brings_the_same_text_and_a_final_message(claude: anthropic.Anthropic, at: str) -> None:
    with claude.messages.stream(model=f"{at}/hello", max_tokens=100, messages=ask()) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(pieces) == SIMPLE_TEXT
    assert len(pieces) > 1
    assert text_of(final) == SIMPLE_TEXT
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 7)


def test_the_events_of_a_stream_come_in_their_order(claude: anthropic.Anthropic, at: str) -> None:
    events = list(claude.messages.create(model=f"{at}/hello", max_tokens=100, messages=ask(), stream=True))
    kinds = [event.type for event in events if event.type != "ping"]  # type: ignore[comparison-overlap]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_tool_is_called_and_its_result_answered(claude: anthropic.Anthropic, at: str) -> None:
    messages = ask("What is the weather in Paris?")
    tools: Any = [ANTHROPIC_TOOL]
    first = claude.messages.create(model=f"{at}/tool", max_tokens=100, messages=messages, tools=tools)
    assert first.stop_reason == "tool_use"
    call: Any = first.content[-1]
    assert (call.type, call.name, call.input) == ("tool_use", "get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = claude.messages.create(model=f"{at}/tool", max_tokens=100, messages=messages, tools=tools)
    assert text_of(second) == "It is sunny in Paris."


def test_parallel_calls_come_with_ids_of_their_own_also_streamed(
    claude: anthropic.Anthropic, at: str
) -> None:
    tools: Any = [ANTHROPIC_TOOL]
    whole = claude.messages.create(model=f"{at}/tools", max_tokens=100, messages=ask(), tools=tools)
    with claude.messages.stream(model=f"{at}/tools", max_tokens=100, messages=ask(), tools=tools) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        calls: list[Any] = [block for block in message.content if block.type == "tool_use"]
        assert [call.input["city"] for call in calls] == ["Paris", "Nantes"]
        assert len({call.id for call in calls}) == 2
        assert text_of(message) == "I look both up."


def test_a_schema_is_kept(claude: anthropic.Anthropic, at: str) -> None:
    config: Any = {"format": {"type": "json_schema", "schema": RIVER}}
    message = claude.messages.create(
        model=f"{at}/river", max_tokens=100, messages=ask(), output_config=config
    )
    assert json.loads(text_of(message)) == {"name": "Loire", "length_km": 1006}
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(
            model=f"{at}/broken-river", max_tokens=100, messages=ask(), output_config=config
        )
    assert refused.value.status_code == 502


def test_an_image_reaches_the_provider_in_its_own_form(
    claude: anthropic.Anthropic, server: Served, at: str
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": png()}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What colour is this?"}]
    claude.messages.create(
        model=f"{at}/hello", max_tokens=10, messages=[{"role": "user", "content": content}]
    )
    sent = json.dumps(server.upstream.seen[-1].json)
    assert png() in sent
    assert ("data:image/png;base64," in sent) == (at == "lab")


def test_tokens_are_counted_without_a_call(claude: anthropic.Anthropic, server: Served, at: str) -> None:
    before = server.count_calls()
    counted = claude.messages.count_tokens(model=f"{at}/hello", messages=ask("many words " * 100))
    assert 100 < counted.input_tokens < 600
    assert server.count_calls() == before


def test_a_wrong_key_is_an_authentication_error(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        claude.with_options(api_key="sk-ant-wrong").messages.create(
            model="lab/hello", max_tokens=9, messages=ask()
        )
    with pytest.raises(anthropic.AuthenticationError):
        claude.with_options(api_key="gw_wrong").messages.count_tokens(model="lab/hello", messages=ask())


def test_an_exhausted_budget_is_a_rate_limit_error(claude: anthropic.Anthropic, server: Served) -> None:
    poor = claude.with_options(api_key=server.key("poor", budget_usd={"month": 0.000001}))
    with pytest.raises(anthropic.RateLimitError):
        poor.messages.create(model="lab/hello", max_tokens=1000, messages=ask())


def test_an_unknown_model_is_a_not_found_error(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="claude/none", max_tokens=9, messages=ask())


def test_a_large_body_and_a_long_prompt_are_refused(claude: anthropic.Anthropic, at: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(model=f"{at}/hello", max_tokens=9, messages=ask("x" * 50_000_000))
    assert refused.value.status_code == 413
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(model=f"{at}/short", max_tokens=9, messages=ask("many words " * 2000))


def test_a_schema_that_is_none_and_a_result_without_its_call_are_bad_requests(
    claude: anthropic.Anthropic,
) -> None:
    tool: Any = {**ANTHROPIC_TOOL, "input_schema": {**CITY, "type": "colour"}}
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(model="lab/hello", max_tokens=9, messages=ask(), tools=[tool])
    result: Any = [{"type": "tool_result", "tool_use_id": "toolu_never", "content": "sunny"}]
    with pytest.raises(anthropic.BadRequestError, match="toolu_never"):
        claude.messages.create(
            model="lab/hello", max_tokens=9, messages=[{"role": "user", "content": result}]
        )


@pytest.mark.parametrize("model", ["down", "html", "rotated", "always-429"])
def test_a_failing_provider_is_a_status_error_without_its_secrets(
    claude: anthropic.Anthropic, at: str, model: str
) -> None:
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(model=f"{at}/{model}", max_tokens=9, messages=ask())
    assert refused.value.status_code in (429, 502, 503, 529)
    assert PROVIDER_KEY not in refused.value.response.text


def test_a_stream_that_breaks_raises_and_is_incomplete(
    claude: anthropic.Anthropic, server: Served, at: str
) -> None:
    with (
        pytest.raises(anthropic.APIStatusError),
        claude.messages.stream(model=f"{at}/cut", max_tokens=9, messages=ask()) as stream,
    ):
        list(stream.text_stream)
    assert server.last_call(model=f"{at}/cut")["state"] == "incomplete"


def test_a_client_that_leaves_a_stream_ends_the_call_upstream(
    claude: anthropic.Anthropic, server: Served, at: str
) -> None:
    with claude.messages.stream(model=f"{at}/slow", max_tokens=100, messages=ask()) as stream:
        for _ in zip(range(5), stream.text_stream, strict=False):
            pass
    assert eventually(lambda: server.upstream.of("slow")[-1].gone)
    assert eventually(lambda: server.last_call(model=f"{at}/slow")["state"] == "cancelled")
