"""The offline model: what it takes for the question, what for the text, and that it only quotes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from groundwork.gateway.failures import Failure
from groundwork.gateway.providers import PROVIDERS, Attempt
from groundwork.gateway.providers.extractive import NOTHING_FITS, question_and_texts
from groundwork.gateway.types import ChatRequest, Message, ResponseFormat, Role, TextPart, ToolChoice


def said(*messages: tuple[Role, str]) -> ChatRequest:
    """Return a request of these messages."""
    return ChatRequest("extractive", tuple(Message(role, (TextPart(text),)) for role, text in messages))


@pytest.mark.parametrize(
    ("request_", "question", "texts"),
    [
        (said(("user", "How long?")), "How long?", []),
        (said(("system", "The Loire is long."), ("user", "How long?")), "How long?", ["The Loire is long."]),
        (said(("user", "first"), ("assistant", "said by me"), ("user", "second")), "second", ["first"]),
        (said(("user", "How long?\n\nContext:\nThe Loire\nis long.")), "How long?", ["The Loire\nis long."]),
        (
            said(("user", "Context: The Loire is long.\n\nQuestion: How long?")),
            "How long?",
            ["The Loire is long."],
        ),
        (
            said(("user", "## Documents:\none\n\nPassage: two\n\n**Question:** How long?")),
            "How long?",
            ["one", "two"],
        ),
        (said(("user", "Context: only this")), "Context: only this", []),
        (said(("user", "In this context: what is meant?")), "In this context: what is meant?", []),
        (said(("user", "Q"), ("tool", "found in a tool")), "Q", ["found in a tool"]),
        (said(("system", "no question")), "", []),
    ],
)
def test_question_and_texts_are_told_apart(request_: ChatRequest, question: str, texts: list[str]) -> None:
    assert question_and_texts(request_) == (question, texts)


def test_it_quotes_sentence_by_sentence() -> None:
    def answer(question: str, texts: Sequence[str]) -> str:
        assert (question, list(texts)) == ("How long?", ["It is long. Very long!"])
        return "It is long. Very long!"

    async def run() -> None:
        provider = PROVIDERS.make({"name": "extractive", "answer": answer})
        request = said(("system", "It is long. Very long!"), ("user", "How long?"))
        whole = await provider.complete(request, Attempt("extractive"))
        events = [e async for e in provider.stream(request, Attempt("extractive"))]
        assert whole.text == "It is long. Very long!"
        assert whole.usage.estimated
        assert [e.text for e in events if e.kind == "text"] == ["It is long. ", "Very long!"]
        assert [e.kind for e in events[2:]] == ["finish", "usage"]

    asyncio.run(run())


def test_it_says_so_when_there_is_nothing_to_quote() -> None:
    async def run() -> None:
        provider = PROVIDERS.make({"name": "extractive", "answer": lambda question, texts: ""})
        for request in (said(("user", "How long?")), said(("system", "Text."), ("user", "How long?"))):
            assert (await provider.complete(request, Attempt("extractive"))).text == NOTHING_FITS

    asyncio.run(run())


def test_what_goes_wrong_is_a_failure() -> None:
    def broken(question: str, texts: Sequence[str]) -> str:
        raise KeyError("the whole text of a document")

    def slow(question: str, texts: Sequence[str]) -> str:
        time.sleep(0.3)
        return ""

    async def run() -> None:
        request = said(("system", "Text."), ("user", "How long?"))
        for answer, asked, code in (
            (None, request, "unsupported"),
            (broken, request, "server_error"),
            (slow, request, "timeout"),
            (broken, said(("system", "Text.")), "bad_request"),
        ):
            provider = PROVIDERS.make({"name": "extractive", "answer": answer})
            with pytest.raises(Failure) as caught:
                await provider.complete(asked, Attempt("extractive", timeout_s=0.1))
            assert caught.value.code == code
            assert "document" not in caught.value.message

    asyncio.run(run())


@pytest.mark.parametrize(
    "form",
    [
        {"response_format": ResponseFormat("json_object")},
        {"tool_choice": ToolChoice("required")},
        {"tool_choice": ToolChoice("named", "f")},
    ],
)
def test_it_refuses_json_and_forced_tools_before_it_reads(form: dict[str, Any]) -> None:
    async def run() -> None:
        provider = PROVIDERS.make({"name": "extractive", "answer": lambda question, texts: "quoted"})
        request = replace(said(("system", "Text."), ("user", "How long?")), **form)
        with pytest.raises(Failure, match="quotes sentences") as caught:
            await provider.complete(request, Attempt("extractive"))
        assert caught.value.code == "unsupported"
        with pytest.raises(Failure, match="quotes sentences"):
            _ = [e async for e in provider.stream(request, Attempt("extractive"))]

    asyncio.run(run())
