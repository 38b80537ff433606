"""What every dialect must do: read what clients send, write what their official libraries read, and end once.

A dialect's test gives examples of bodies and a reader of its streams, best the official client's own: the class knows no
wire format. Dialects without a stream (embeddings) are tested on their own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core import errors
from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.gateway.dialects import Dialect, StreamEncoder
from groundwork.gateway.types import CallMeta, ChatRequest, Completion, Event, FinishReason, ToolCall, Usage

META = CallMeta("call_0123456789abcdefghijklmnop")
CREATED = 1_700_000_000
CALL_ID = "call_a"
HOSTILE = [
    "\u2028\u2029\x85",
    "\x00\x1b",
    '"\\',
    "\r\n\ndata: [DONE]\n\n",
    "e\u0301",
    "😀",
    "</script>",
    "\ufeff",
    "",
]

texts = st.lists(
    st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=12
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "text", "user", "tool", "function", "auto", "image_url", "data:image/png;base64,x"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "name", "function"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
usages = st.builds(Usage, *[st.integers(0, 10**6)] * 2)


@dataclass(frozen=True)
class Read:
    """What a client understood of a stream."""

    text: str
    calls: tuple[ToolCall, ...]
    finish: FinishReason


class DialectContract:
    """Subclass it with a `dialect` fixture, the examples, and what the dialect's client does with the result.

    Attributes:
        valid: bodies that the public specification allows. The first is the smallest and asks for no stream.
        invalid: bodies that it does not, each with the field that the error must name.
        tools: whether calls of tools can be expressed at all.
        native: a body of a provider in this dialect and the events of a stream of one, each chunk on its first event.
    """

    valid: ClassVar[Sequence[Mapping[str, Any]]]
    invalid: ClassVar[Sequence[tuple[Mapping[str, Any], str]]]
    tools: ClassVar[bool] = True
    native: ClassVar[tuple[Mapping[str, Any], Sequence[Event]] | None] = None

    @pytest.fixture
    def dialect(self) -> Dialect:
        raise NotImplementedError("give the dialect under test")

    def check_body(self, body: dict[str, Any]) -> None:
        """Fail where the official client would not accept `body` as a whole response."""
        raise NotImplementedError

    def read_stream(self, stream: bytes) -> Read:
        """Read a whole stream as the official client does, and raise what it raises at an error."""
        raise NotImplementedError

    def request(self, dialect: Dialect, **more: Any) -> ChatRequest:
        return dialect.parse({**copy.deepcopy(dict(self.valid[0])), **more})

    def test_every_body_of_the_specification_is_read_and_kept(self, dialect: Dialect) -> None:
        for body in self.valid:
            before = copy.deepcopy(body)
            request = dialect.parse(body)
            assert request.dialect == dialect.name
            assert request.native == before == body
            assert request.messages
            assert request.model == body["model"]

    def test_a_wrong_body_is_refused_with_the_name_of_the_field(self, dialect: Dialect) -> None:
        for body, field in self.invalid:
            with pytest.raises(InvalidInputError) as caught:
                dialect.parse(body)
            assert field in caught.value.message, (field, caught.value.message)
            assert str(caught.value.details.get("param", "")).startswith(field)

    def test_a_field_nobody_knows_is_kept_as_extra(self, dialect: Dialect) -> None:
        assert self.request(dialect, field_of_2031={"a": 1}).extra["field_of_2031"] == {"a": 1}

    def test_a_field_that_is_null_counts_as_absent(self, dialect: Dialect) -> None:
        least = dict(self.valid[0])
        for body in self.valid[1:]:
            for field in body.keys() - least.keys():
                assert dialect.parse({**least, field: None}).messages

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_no_json_whatever_raises_anything_but_invalid_input(
        self, dialect: Dialect, data: st.DataObject
    ) -> None:
        body = copy.deepcopy(dict(data.draw(st.sampled_from(list(self.valid)))))
        for _ in range(data.draw(st.integers(1, 3))):
            _spoil(body, data)
        try:
            request = dialect.parse(body)
        except InvalidInputError as error:
            refused = error.message
        else:
            refused = "fine"
            dialect.render(Completion("x", meta=META), request, CREATED)
        assert 0 < len(refused) < 1_000

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        pieces=texts,
        reasoning=texts,
        finish=st.sampled_from(["stop", "length", "content_filter"]),
        usage=usages,
    )
    def test_a_completion_is_a_body_that_the_official_client_accepts(
        self, dialect: Dialect, pieces: list[str], reasoning: list[str], finish: FinishReason, usage: Usage
    ) -> None:
        completion = Completion("".join(pieces), (), finish, usage, "".join(reasoning), meta=META)
        body = dialect.render(completion, self.request(dialect), CREATED)
        self.check_body(json.loads(json.dumps(body)))
        assert META.call_id.removeprefix("call_") in body["id"]

    def test_a_completion_with_calls_is_a_body_that_the_official_client_accepts(
        self, dialect: Dialect
    ) -> None:
        if not self.tools:
            return
        calls = (ToolCall("call_1", "look", '{"at":"é"}'), ToolCall("call_2", "look", "{}"))
        completion = Completion("", calls, "tool_calls", Usage(1, 2), meta=META)
        self.check_body(json.loads(json.dumps(dialect.render(completion, self.request(dialect), CREATED))))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(pieces=texts, finish=st.sampled_from(["stop", "length"]), usage=usages)
    def test_a_text_split_anyhow_is_rejoined_by_the_client(
        self, dialect: Dialect, pieces: list[str], finish: FinishReason, usage: Usage
    ) -> None:
        encoder = self.encoder(dialect)
        events = [Event("text", text=p) for p in pieces]
        stream = _play(encoder, [*events, Event("finish", finish=finish), Event("usage", usage=usage)])
        assert self.read_stream(stream) == Read("".join(pieces), (), finish)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_calls_whose_pieces_alternate_are_rejoined_by_the_client(
        self, dialect: Dialect, data: st.DataObject
    ) -> None:
        if not self.tools:
            return
        arguments = data.draw(
            st.lists(st.sampled_from(['{"a": "é😀"}', "{}", '{"b":[1,{"c":2}]}']), min_size=1, max_size=4)
        )
        calls = tuple(ToolCall(f"call_{n}", f"tool_{n}", text) for n, text in enumerate(arguments))
        text = "".join(data.draw(texts))
        events = [Event("text", text=text)] if text else []
        events += _alternate(calls, data)
        stream = _play(self.encoder(dialect), [*events, Event("finish", finish="tool_calls")])
        assert self.read_stream(stream) == Read(text, calls, "tool_calls")

    def test_what_is_sent_is_ascii_in_lines_that_begin_with_a_field(self, dialect: Dialect) -> None:
        stream = _play(self.encoder(dialect), [Event("text", text=t) for t in [*HOSTILE, "\ud800"]])
        assert stream.isascii()
        assert stream.endswith(b"\n\n")
        for line in stream.decode().splitlines():
            assert line == "" or line.startswith(("data: ", "event: "))

    def test_a_stream_without_events_is_a_whole_one(self, dialect: Dialect) -> None:
        encoder = self.encoder(dialect)
        assert self.read_stream(encoder.start() + encoder.end(Completion())) == Read("", (), "stop")

    def test_a_stream_ends_once(self, dialect: Dialect) -> None:
        encoder = self.encoder(dialect)
        assert _play(encoder, [Event("text", text="a"), Event("finish", finish="stop")])
        assert encoder.end() == b""
        assert encoder.event(Event("text", text="b")) == b""
        assert encoder.error(errors.InternalError("late")) == b""

    @pytest.mark.parametrize("begun", [True, False])
    def test_an_error_ends_the_stream_and_the_client_raises(self, dialect: Dialect, begun: bool) -> None:
        encoder = self.encoder(dialect)
        stream = encoder.start() + encoder.event(Event("text", text="a")) if begun else b""
        stream += encoder.error(errors.UpstreamError("the provider went away", hint="ask again"))
        assert encoder.end(Completion()) == b""
        assert encoder.event(Event("text", text="b")) == b""
        with pytest.raises(Exception, match="the provider went away") as caught:
            self.read_stream(stream)
        assert not isinstance(caught.value, AssertionError)

    def test_reasoning_and_matter_of_others_never_break_a_stream(self, dialect: Dialect) -> None:
        events = [
            Event("reasoning", text="hm"),
            Event("other", native={"of": "another dialect"}),
            Event("text", text="yes", native={"of": "another dialect"}),
            Event("text", text=" no", native_more=True),
            Event("annotation", data={"type": "of_nobody"}),
            Event("annotation"),
            Event("finish"),
        ]
        assert self.read_stream(_play(self.encoder(dialect), events)) == Read("yes no", (), "stop")

    def test_what_a_provider_of_this_dialect_said_is_handed_on(self, dialect: Dialect) -> None:
        if self.native is None:
            return
        body, events = self.native
        completion = Completion("x", native=body, native_dialect=dialect.name, meta=META)
        assert dialect.render(completion, self.request(dialect), CREATED) == body
        foreign = Completion("x", native=body, native_dialect="openai_embeddings", meta=META)
        assert dialect.render(foreign, self.request(dialect), CREATED) != body
        stream = _play(self.encoder(dialect), events)
        sent = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]
        given_ = [e.native for e in events if e.native is not None]
        assert all(chunk in sent for chunk in given_[:-1])
        assert self.read_stream(stream).text == "".join(e.text for e in events if e.kind == "text")

    def test_every_error_has_a_status_and_a_body_with_message_and_hint(self, dialect: Dialect) -> None:
        for kind in _subclasses(GroundworkError):
            error = kind("what happened", hint="do that", param="messages[0]")
            assert 400 <= dialect.status_of(error) < 600
            said = json.dumps(dialect.error_body(error, "req_1"))
            assert "what happened. do that" in said

    def encoder(self, dialect: Dialect) -> StreamEncoder:
        return dialect.encoder(self.request(dialect, stream=True), META, CREATED)


def _play(encoder: StreamEncoder, events: Sequence[Event]) -> bytes:
    return encoder.start() + b"".join(map(encoder.event, events)) + encoder.end()


def _alternate(calls: Sequence[ToolCall], data: st.DataObject) -> list[Event]:
    """Return the pieces of all calls, those of one call in their order, the others in between."""
    queues: list[list[Event]] = []
    for n, call in enumerate(calls):
        cut = data.draw(st.integers(0, len(call.arguments)))
        queues.append(
            [
                Event("tool_call", index=n, id=call.id, name=call.name),
                Event("tool_call", index=n, text=call.arguments[:cut]),
                Event("tool_call", index=n, text=call.arguments[cut:]),
            ]
        )
    events: list[Event] = []
    begun = 0  # a provider begins its calls in order
    while any(queues):
        open_ones = [n for n, queue in enumerate(queues) if queue and n <= begun]
        n = data.draw(st.sampled_from(open_ones))
        begun = max(begun, n + 1)
        events.append(queues[n].pop(0))
    return events


def _spoil(value: Any, data: st.DataObject) -> None:
    """Put some JSON in the place of a value somewhere inside."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
            value = inner
            continue
        value[key] = data.draw(json_values)
        return


def _subclasses(kind: type[GroundworkError]) -> list[type[GroundworkError]]:
    return [kind, *(k for s in kind.__subclasses__() for k in _subclasses(s))]
