"""Secrets and personal data are hidden before a span is stored, whoever sent it, and nothing else is."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.principal import LOCAL
from groundwork.gateway.keys import new_secret
from groundwork.telemetry.limits import SpanLimits
from groundwork.telemetry.masking import Masker, looks_random, mask_secrets
from groundwork.telemetry.personal import is_iban, luhn, mask_personal
from groundwork.telemetry.rows import DOCUMENTS, prepare
from groundwork.telemetry.types import Span, SpanEvent
from tests.telemetry.conftest import NOW_NS, Kept
from tests.telemetry.making import span, span_id, trace_id

RANDOM = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"
SECRETS = {
    "OpenAI": f"sk-proj-{RANDOM}",
    "Anthropic": f"sk-ant-api03-{RANDOM}",
    "Groundwork": f"gw_{RANDOM}{RANDOM[:17]}",
    "Google": f"AIzaSy{RANDOM}1",
    "Groq": f"gsk_{RANDOM}",
    "Hugging Face": f"hf_{RANDOM}",
    "xAI": f"xai-{RANDOM}",
    "Replicate": f"r8_{RANDOM}",
    "LangSmith": "lsv2_pt_0123456789abcdef0123456789abcdef_0123456789",
    "Langfuse": "sk-lf-01234567-89ab-cdef-0123-456789abcdef",
    "GitHub": f"ghp_{RANDOM}abcd",
    "GitHub fine-grained": f"github_pat_{RANDOM}",
    "GitLab": f"glpat-{RANDOM[:20]}",
    "Slack": "xoxb-123456789012-abcdefABCDEF",
    "Stripe": f"sk_live_{RANDOM[:24]}",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "SendGrid": f"SG.{RANDOM[:22]}.{RANDOM}",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc+/=\n-----END RSA PRIVATE KEY-----",
}
BEARING = {
    "bearer": ("Authorization: Bearer {}", "abc.def-123_456"),
    "password in an address": ("postgresql://me:{}@host:5432/db", "p4ss-w0rd"),
    "password": ("password: {}", "hunter2"),
    "password in JSON": ('{{"db_password": "{}"}}', "correct-horse"),
    "password in JSON in JSON": ('{{\\"passwd\\": \\"{}\\"}}', "s3cret!"),
    "API key": ("api_key={}", "0123456789abcdef0123"),
    "secret": ("AWS_SECRET_ACCESS_KEY={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "token in a query": ("https://x.example/?access_token={}&x=1", "a1b2c3d4e5f6g7h8"),
}
HARMLESS = (
    "max_tokens: 1024, output_tokens=77, the token: word",
    "see https://example.org/a/b?id=12345678 and mail",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
    "550e8400-e29b-41d4-a716-446655440000 gen_ai.usage.input_tokens",
    "The secret of the museum is its password policy: reset your password regularly.",
    "task-oriented risk-based desk-lamp sk-ill", "Basic authorization is required", "asian cuisine",
)  # fmt: skip


def stored(told: Span, masker: Masker | None = None) -> Span:
    return prepare(told, SpanLimits(), masker or Masker(), NOW_NS).span


def everywhere(value: str) -> Span:
    """A span with a text in every place that holds texts."""
    return span(
        1, 0, name=f"a {value}", status_message=f"b {value}", input=f"c {value} d", output=value,
        attributes={"x": f"e {value}", "deep": [{"y": [f"f {value}"]}], "json": json.dumps({"t": value})},
        original={"o": value}, resource={"r": value}, events=(SpanEvent("ev", 1, {"e": f"{value}."}),),
    )  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    found = stored(everywhere(SECRETS[name]))
    said = repr(found)
    core = SECRETS[name].split("\n")[1] if "\n" in SECRETS[name] else SECRETS[name][-12:]
    assert core not in said
    assert said.count("[masked: ") >= 10
    assert found.input.startswith("c ")


@pytest.mark.parametrize("name", BEARING)
def test_a_value_is_hidden_because_of_what_stands_before_it(name: str) -> None:
    template, value = BEARING[name]
    found = stored(everywhere(template.format(value)))
    assert value not in repr(found)
    assert "[masked: " in found.output


def test_keys_of_this_gateway_are_hidden() -> None:
    key = new_secret()
    assert key not in repr(stored(everywhere(f"key {key}!")))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    told = everywhere(text)
    assert stored(told) == told


def test_attributes_with_the_name_of_a_secret_are_hidden_whatever_they_hold() -> None:
    names = ("api_key", "llm.api-key", "db.password", "client_secret", "http.request.header.authorization", "X-Api-Key",
             "apiKey", "openai.apiKey", "set-cookie", "aws.secret_access_key")  # fmt: skip
    told = span(1, 0, attributes={**dict.fromkeys(names, "abcd1"), "nested": {"password": "open sesame"}})
    found = stored(told)
    for name in names:
        assert found.attributes[name].startswith("[masked: "), name
    assert found.attributes["nested"]["password"] == "[masked: password]"
    harmless = {
        "gen_ai.usage.input_tokens": 5,
        "llm.token_count": "12",
        "stream.token": "the",
        "secretary": "Ann",
    }
    assert stored(span(1, 0, attributes=harmless)).attributes == harmless


def test_a_masked_secret_is_not_found_by_search(kept: Kept) -> None:
    kept.store.add("default", [everywhere(SECRETS["OpenAI"])])
    assert RANDOM not in repr(kept.reader.span(LOCAL, trace_id(1), span_id(0)))
    assert RANDOM not in repr(kept.reader.trace(LOCAL, trace_id(1)))
    assert kept.reader.tree(LOCAL, trace_id(1), contains=RANDOM).items == ()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_masking_any_text_ends_and_masks_nothing_twice(text: str) -> None:
    once = mask_secrets(text)
    assert mask_secrets(once) == once
    both = mask_personal(once)
    assert mask_personal(both) == both


@given(
    st.text(string.ascii_letters + string.digits, min_size=24, max_size=48),
    st.text(" .,:/\"'{}", min_size=1, max_size=5),
)
def test_a_key_is_hidden_between_any_signs(body: str, sign: str) -> None:
    assert body not in mask_secrets(f"x{sign}sk-{body}{sign}y")


def test_hostile_texts_take_no_long_time() -> None:
    for text in ("-----BEGIN PRIVATE KEY-----" * 3000, "://" * 30_000, "a_" * 40_000 + "password", "password" * 8000,
                 "bearer " * 9000, "eyJ" * 20_000, "1 " * 40_000, "1-" * 40_000, "a@" * 30_000, "a." * 40_000 + "@",
                 ":" * 60_000, "token=" * 9000, "+1" * 30_000, "DE12" * 15_000, "f:" * 30_000):  # fmt: skip
        mask_personal(mask_secrets(text))


PERSONAL = {
    "ann.lee+x@mail.example.org": "e-mail",
    "+49 (30) 1234-5678": "phone number",
    "(212) 555-0187": "phone number",
    "030 12345678": "phone number",
    "4111 1111 1111 1111": "card number",
    "5500-0000-0000-0004": "card number",
    "DE89 3704 0044 0532 0130 00": "IBAN",
    "GB82WEST12345698765432": "IBAN",
    "192.168.10.254": "IP address",
    "2001:db8::ff00:42:8329": "IP address",
    "078-05-1120": "social security number",
}


@pytest.mark.parametrize("value", PERSONAL)
def test_personal_data_is_hidden_where_a_workspace_wants_it(value: str) -> None:
    masker = Masker(lambda app: "masked" if app == "careful" else "on")
    told = span(1, 0, app="careful", input=f"write to {value} today", attributes={"x": [value]})
    found = stored(told, masker)
    assert found.input == f"write to [masked: {PERSONAL[value]}] today"
    assert value not in repr(found)
    assert stored(span(1, 0, app="open", input=value), masker).input == value


def test_numbers_that_are_no_personal_data_stay() -> None:
    for text in ("order 4111111111111112", "on 2026-11-28 at 12:30:45.123", "version 1.2.3 of 4", "1,234,567.89 EUR",
                 "4bf92f3577b34da6a3ce929d0e0e4736", "row 17 of 20000", "DE00 3704 0044 0532 0130 00", "std::vector",
                 "a:b:c", "999.999.999.999"):  # fmt: skip
        assert mask_personal(text) == text


def test_a_user_that_is_an_address_gets_a_name_that_stays_the_same() -> None:
    masker = Masker(lambda app: "masked")
    first, again = (stored(span(1, n, user_id="ann@example.org"), masker).user_id for n in range(2))
    assert first == again
    assert "ann" not in first
    assert stored(span(1, 0, user_id="user-17"), masker).user_id == "user-17"


def test_without_capture_texts_go_and_everything_else_stays() -> None:
    texts: dict[str, Any] = {
        "gen_ai.input.messages": "[]", "gen_ai.output.messages": [{"role": "user"}], "gen_ai.prompt.0.content": "x",
        "llm.input_messages.0.message.content": "x", "input.value": "x", "output.value": "x",
        "gen_ai.tool.call.arguments": "x",
        "traceloop.entity.input": "x", "retrieval.documents.0.document.content": "x", "gen_ai.retrieval.documents": "x",
        "gen_ai.system_instructions": "x",
    }  # fmt: skip
    rest = {
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.prompt.name": "qa",
        DOCUMENTS: ["doc_1"],
    }
    told = span(1, 0, input="in", output="out", attributes={**texts, **rest}, original=texts,
                events=(SpanEvent("gen_ai.user.message", 5, {"content": "x", "role": "user"}),))  # fmt: skip
    found = stored(told, Masker(lambda app: "off"))
    assert (found.input, found.output) == ("", "")
    assert found.attributes == rest
    assert found.original == {}
    assert found.events == (SpanEvent("gen_ai.user.message", 5, {"role": "user"}),)
    assert found.name == told.name


def test_check_digits() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB83 WEST 1234 5698 7654 32")
    assert looks_random(secrets.token_hex(20) + "g1")
    assert not looks_random("aaaaaaaaaaaaaaaa1")
