"""Tokens counted before a model counts them: estimated from the text, exact where the model's tokenizer is known.

The estimate serves reservations and rates, so it must be cheap, and rather too high than too low for common text. Latin
text takes 3.6 characters a token; the published figure for English is about 4
(https://help.openai.com/en/articles/4936856), code and other languages take more. Letters of two bytes in UTF-8 (Greek,
Cyrillic, Arabic, accents) count two a token, of three bytes (Chinese, Japanese, Korean, most of India) 1.1 a token, and of
four bytes (emoji) half of one.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from groundwork.gateway.types import ImagePart, TextPart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundwork.gateway.types import ChatRequest, Completion, Message, Tool

LATIN_PER_TOKEN = 3.6
TWO_BYTES_PER_TOKEN = 2.0
THREE_BYTES_PER_TOKEN = 1.1
FOUR_BYTES_PER_TOKEN = 0.5
MESSAGE_TOKENS = 4
"""Role and separators of one message, as OpenAI's cookbook counts them."""
REQUEST_TOKENS = 3
IMAGE_TOKENS = 1200
"""An image of unknown size: between OpenAI's 765 for 1024x1024 in high detail and Anthropic's 1,600 for its largest."""
SURELY_LONGER = 0.6
"""Text is not denser than 6 characters a token for long; an estimate times this that is over the context is refused."""

_NOT_TWO = bytes(b for b in range(256) if not 0xC0 <= b <= 0xDF)
_NOT_THREE = bytes(b for b in range(256) if not 0xE0 <= b <= 0xEF)
_NOT_FOUR = bytes(b for b in range(256) if b < 0xF0)


def estimate_text(text: str) -> int:
    """Return about how many tokens a text has; 0 for an empty one, else at least 1."""
    if not text:
        return 0
    if text.isascii():
        return int(len(text) / LATIN_PER_TOKEN) + 1
    raw = text.encode("utf-8", "surrogatepass")
    two = len(raw.translate(None, _NOT_TWO))
    three = len(raw.translate(None, _NOT_THREE))
    four = len(raw.translate(None, _NOT_FOUR))
    plain = len(text) - two - three - four
    return 1 + int(
        plain / LATIN_PER_TOKEN
        + two / TWO_BYTES_PER_TOKEN
        + three / THREE_BYTES_PER_TOKEN
        + four / FOUR_BYTES_PER_TOKEN
    )


def estimate(request: ChatRequest) -> int:
    """Return about how many tokens a model reads for `request`: messages, images, tools and schema."""
    total = REQUEST_TOKENS
    for message in request.messages:
        total += MESSAGE_TOKENS
        for part in message.parts:
            total += estimate_text(part.text) if isinstance(part, TextPart) else IMAGE_TOKENS
        for call in message.tool_calls:
            total += estimate_text(call.name) + estimate_text(call.arguments)
    if request.tools:
        total += sum(_tool(tool) for tool in request.tools)
    if request.response_format.schema is not None:
        total += estimate_text(_json(request.response_format.schema))
    return total


def estimate_output(completion: Completion) -> int:
    """Return about how many tokens a completion took to write, its reasoning included."""
    calls = sum(estimate_text(c.name) + estimate_text(c.arguments) for c in completion.tool_calls)
    return estimate_text(completion.text) + estimate_text(completion.reasoning) + calls


def count(request: ChatRequest, tokenizer: str) -> int:
    """Return the input tokens by the model's own tokenizer; roles and images are still estimated.

    Args:
        tokenizer: path of a `tokenizer.json`.

    Raises:
        MissingModelError: the file is not there, or is no tokenizer.
    """
    texts = list(_texts(request.messages, request.tools))
    if request.response_format.schema is not None:
        texts.append(_json(request.response_format.schema))
    images = sum(isinstance(p, ImagePart) for m in request.messages for p in m.parts)
    exact = sum(len(e.ids) for e in _tokenizer(tokenizer).encode_batch(texts, add_special_tokens=False))
    return exact + REQUEST_TOKENS + MESSAGE_TOKENS * len(request.messages) + IMAGE_TOKENS * images


def count_text(text: str, tokenizer: str = "") -> int:
    """Return the tokens of a text: exact with the path of a `tokenizer.json`, else estimated.

    Raises:
        MissingModelError: the file is not there, or is no tokenizer.
    """
    if not tokenizer:
        return estimate_text(text)
    return len(_tokenizer(tokenizer).encode(text, add_special_tokens=False).ids)


def _texts(messages: Iterable[Message], tools: Iterable[Tool]) -> Iterable[str]:
    for message in messages:
        yield from (p.text for p in message.parts if isinstance(p, TextPart))
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in tools:
        yield _json({"name": tool.name, "description": tool.description, "parameters": tool.parameters})


def _tool(tool: Tool) -> int:
    return estimate_text(tool.name) + estimate_text(tool.description) + estimate_text(_json(tool.parameters))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


@lru_cache(maxsize=8)
def _tokenizer(path: str) -> Any:
    from tokenizers import Tokenizer

    from groundwork.core.errors import MissingModelError

    try:
        found = Tokenizer.from_file(path)
        # Files of embedding models often say that every text is cut or filled up to one length.
        found.no_truncation()
        found.no_padding()
        return found
    except Exception as error:  # the library raises bare Exception for a missing and for a broken file
        raise MissingModelError(
            f"the tokenizer {path} cannot be read: {str(error)[:200]}",
            hint="name a `tokenizer.json` of the model, relative to the workspace, or leave `tokenizer` out",
        ) from error
