"""Embeddings: texts in, vectors out as numbers or in base64, read by the official client."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from groundwork.core.errors import InvalidInputError, OutputRefusedError
from groundwork.gateway.dialects.openai_embeddings import OpenAIEmbeddings
from groundwork.gateway.types import Embeddings, Usage
from tests.gateway.dialects.clients import openai_client

DIALECT = OpenAIEmbeddings()
BODY: dict[str, Any] = {"model": "openai/embed", "input": ["a", "b"]}
VECTORS = Embeddings(((0.5, -1.0), (1e-3, 3.0)), Usage(4, 0))


def test_texts_and_parameters_are_read() -> None:
    more = {"dimensions": 2, "encoding_format": "base64", "user": "ann", "input_type": "query"}
    request = DIALECT.parse({**BODY, **more})
    assert (request.model, request.inputs, request.dimensions) == ("openai/embed", ("a", "b"), 2)
    assert (request.encoding, request.user, request.extra) == ("base64", "ann", {"input_type": "query"})
    assert DIALECT.parse({**BODY, "input": "a"}).inputs == ("a",)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a", 5]}, "input[1]"),
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": ["a"] * 2_049}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"encoding_format": ["float"]}, "encoding_format"),
    ],
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        DIALECT.parse({**BODY, **more})
    assert caught.value.details["param"] == field


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_official_client_reads_both_encodings(encoding: str) -> None:
    body = DIALECT.render(VECTORS, DIALECT.parse({**BODY, "encoding_format": encoding}))
    assert body["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    if encoding == "float":
        CreateEmbeddingResponse.model_validate(body)
    # Without an encoding the client asks for base64 and unpacks it; numbers are left as they are.
    client = openai_client(json.dumps(body).encode(), kind="application/json")
    read = client.embeddings.create(model="m", input=["a", "b"])
    assert [d.index for d in read.data] == [0, 1]
    assert [v for d in read.data for v in d.embedding] == pytest.approx([0.5, -1.0, 1e-3, 3.0])


def test_base64_is_32_bit_floats_little_endian() -> None:
    body = DIALECT.render(VECTORS, DIALECT.parse({**BODY, "encoding_format": "base64"}))
    assert struct.unpack("<2f", base64.b64decode(body["data"][0]["embedding"])) == (0.5, -1.0)


def test_a_number_too_large_for_32_bits_is_the_providers_fault() -> None:
    with pytest.raises(OutputRefusedError, match="32 bits"):
        DIALECT.render(Embeddings(((1e300,),)), DIALECT.parse({**BODY, "encoding_format": "base64"}))
