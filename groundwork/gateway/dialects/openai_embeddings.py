"""OpenAI's embeddings: `POST /v1/embeddings`.

Vectors are written as numbers, or in base64 as 32-bit floats, little endian, which the official clients ask for by default.
Tokens instead of text are refused: they mean something to one tokenizer only.
Specification: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from groundwork.core.errors import GroundworkError, OutputRefusedError
from groundwork.gateway.dialects import _errors
from groundwork.gateway.dialects._fields import (
    MAX_NAME_CHARS,
    extra_of,
    kind_of,
    model_of,
    refuse,
    text_of,
    whole_of,
)
from groundwork.gateway.types import DialectName, Embeddings, EmbedRequest

MAX_INPUTS = 2_048
MAX_DIMENSIONS = 65_536
_KNOWN = frozenset({"model", "input", "dimensions", "encoding_format", "user"})


class OpenAIEmbeddings:
    """The dialect; holds nothing."""

    name: ClassVar[DialectName] = "openai_embeddings"

    def parse(self, body: Mapping[str, Any]) -> EmbedRequest:
        """Return the canonical request.

        Raises:
            InvalidInputError: a field is missing or of the wrong kind, or the input is tokens or empty.
        """
        return EmbedRequest(
            model=model_of(body),
            inputs=_inputs(body.get("input")),
            dimensions=whole_of(body, "dimensions", 1, MAX_DIMENSIONS),
            encoding=_encoding(body.get("encoding_format")),
            user=text_of(body, "user", longest=MAX_NAME_CHARS * 4),
            extra=extra_of(body, _KNOWN),
        )

    def render(self, embeddings: Embeddings, request: EmbedRequest) -> dict[str, Any]:
        """Return the body of a response; its vectors are in the order of the inputs."""
        packed = request.encoding == "base64"
        tokens = embeddings.usage.input_tokens
        return {
            "object": "list",
            "data": [
                {"object": "embedding", "index": n, "embedding": _pack(vector) if packed else list(vector)}
                for n, vector in enumerate(embeddings.vectors)
            ],
            "model": request.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        return {"error": _errors.openai_error(error)}

    def status_of(self, error: GroundworkError) -> int:
        return _errors.status_of(error)


def _inputs(value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        said = "missing" if value is None else "empty" if value == [] else kind_of(value)
        refuse("input", f"must be a string or an array of strings, and is {said}")
    if isinstance(found[0], int | list):
        refuse("input", "is tokens", "send the text; other clients' tokens fit one tokenizer only")
    if len(found) > MAX_INPUTS:
        refuse(
            "input",
            f"has {len(found):,} entries, at most {MAX_INPUTS:,} are accepted",
            "send several requests",
        )
    for n, text in enumerate(found):
        if not isinstance(text, str):
            refuse(f"input[{n}]", f"must be a string, and is {kind_of(text)}")
        if not text:
            refuse(f"input[{n}]" if len(found) > 1 else "input", "is an empty string")
    return tuple(found)


def _encoding(value: object) -> Literal["float", "base64"]:
    if value is None or value == "float":
        return "float"
    if value == "base64":
        return "base64"
    refuse("encoding_format", f"is {value!r:.60}, it must be float or base64")


def _pack(vector: tuple[float, ...]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
    except (OverflowError, struct.error):
        raise OutputRefusedError("a vector of the provider holds a number too large for 32 bits") from None


plugin = OpenAIEmbeddings
