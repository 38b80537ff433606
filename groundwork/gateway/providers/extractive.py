"""The offline model: it quotes from the text that a call sends along, word for word, and says so when nothing there fits.

Who finds the sentences is introduced from above, since reading is the business of a higher floor.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from groundwork.gateway.failures import Failure
from groundwork.gateway.types import Completion, Embeddings, Event, ModelInfo, Usage

if TYPE_CHECKING:
    from groundwork.gateway.providers import Attempt
    from groundwork.gateway.types import ChatRequest, DialectName, EmbedRequest

NOTHING_FITS = (
    "I can only quote from text that I am given, and nothing in it answers this. "
    "Send a text along, or ask `app/default`, which answers from your documents."
)
_MARK = re.compile(
    r"^[#*\s]*(context|documents?|passages?|sources?|text|background|notes?)[*\s]*:[*\s]*(?P<rest>.*)$",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^[#*\s]*(question|query|q|task|instructions?)[*\s]*:[*\s]*(?P<rest>.*)$", re.IGNORECASE
)
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|\n+|$)\s*", re.DOTALL)


@dataclass(frozen=True)
class Extractive:
    """Quotes.

    Args:
        answer: from a question and texts to the sentences of the texts that answer it, word for word; empty when none does.
            Called in a thread. None: every call is refused.
    """

    answer: Callable[[str, Sequence[str]], str] | None = None

    dialect: ClassVar[DialectName | None] = None
    deterministic: ClassVar[bool] = True

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return the quotes."""
        _refuse_forms(request)
        question, texts = question_and_texts(request)
        said = await self._ask(question, texts, attempt) or NOTHING_FITS
        return Completion(text=said, usage=_usage(request, said))

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield the quotes, one sentence after the other."""
        whole = await self.complete(request, attempt)
        for sentence in _SENTENCE.findall(whole.text):
            yield Event("text", sentence)
        yield Event("finish", finish="stop")
        yield Event("usage", usage=whole.usage)

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Refuse: it reads, it does not embed."""
        raise Failure("unsupported", "the model `extractive` quotes; it does not embed")

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return itself."""
        return [
            ModelInfo("extractive", "extractive", description="quotes from the text it is given, offline")
        ]

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return None: it has no tokens; what `usage` says is an estimate."""
        return None

    async def _ask(self, question: str, texts: Sequence[str], attempt: Attempt) -> str:
        if self.answer is None:
            raise Failure("unsupported", "the model `extractive` has no reader here")
        if not question:
            raise Failure("bad_request", "no message of the user holds a question")
        if not texts:
            return ""
        try:
            async with asyncio.timeout(attempt.timeout_s):
                return await asyncio.to_thread(self.answer, question, texts)
        except TimeoutError:
            raise Failure("timeout", f"the reader was not done within {attempt.timeout_s:g} s") from None
        except Failure:
            raise
        except Exception as error:
            raise Failure("server_error", f"the reader failed: {type(error).__name__}") from error


def _refuse_forms(request: ChatRequest) -> None:
    """Refuse what no quote can be.

    Raises:
        Failure: JSON is asked for, or a function has to be called.
    """
    if request.response_format.kind != "text":
        raise Failure("unsupported", "the model `extractive` quotes sentences; it writes no JSON")
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        raise Failure("unsupported", "the model `extractive` quotes sentences; it calls no functions")


def question_and_texts(request: ChatRequest) -> tuple[str, list[str]]:
    """Return the question and the texts to quote from.

    The question is the last message of the user; what stands there after a line such as `Context:`, up to one such as
    `Question:`, is text. Text is also every other message that is not the model's own.
    """
    asked = next(
        (i for i in range(len(request.messages) - 1, -1, -1) if request.messages[i].role == "user"), None
    )
    if asked is None:
        return "", []
    texts = [
        m.text
        for i, m in enumerate(request.messages)
        if i != asked and m.role != "assistant" and m.text.strip()
    ]
    question, own = _parted(request.messages[asked].text)
    return question, [*texts, *own]


def _parted(said: str) -> tuple[str, list[str]]:
    """Return the question within a message, and the texts that are marked as such."""
    question: list[str] = []
    texts: list[list[str]] = []
    inside = False
    for line in said.splitlines():
        if found := _MARK.match(line):
            inside = True
            texts.append([found["rest"]] if found["rest"] else [])
        elif found := _QUESTION.match(line):
            inside = False
            question.append(found["rest"])
        else:
            (texts[-1] if inside else question).append(line)
    whole = "\n".join(question).strip()
    joined = [text for lines in texts if (text := "\n".join(lines).strip())]
    return (whole, joined) if whole else (said.strip(), [])


def _usage(request: ChatRequest, said: str) -> Usage:
    read = sum(len(m.text) for m in request.messages)
    return Usage(-(-read // 4), -(-len(said) // 4), estimated=True)


plugin = Extractive
