"""What models were asked for a recorded answer, put together again from the record and shown only where the digest agrees.

A record keeps the digest of each request and not its text, which would repeat the passages. Prompt version, passages and
turns are kept elsewhere, so the text follows from them; where one of them is gone, nothing is shown in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.answers import store
from groundwork.answers.generating.condensing import MAX_TURNS
from groundwork.answers.generating.packing import Packed, pack, repack
from groundwork.answers.generating.prompting import Prompting, built_in, condense_request
from groundwork.answers.generating.talking import digest_of
from groundwork.answers.pipeline import Pipeline, recipe_of, turns_of
from groundwork.answers.readers.generative import Generative
from groundwork.answers.types import Answer, Exchange, Passage, PromptPart
from groundwork.core.errors import GroundworkError
from groundwork.gateway.tokens import estimate_text
from groundwork.gateway.types import ChatRequest


def prompted(pipeline: Pipeline, answer: Answer, tenant: str) -> tuple[tuple[PromptPart, ...], ...]:
    """Return the parts of the prompt of each exchange; empty for one that cannot be put together word for word."""
    if not answer.exchanges:
        return ()
    reader = pipeline.make_reader(recipe_of(answer, tenant).model)
    if not isinstance(reader, Generative):
        return ((),) * len(answer.exchanges)
    packed = _packed(reader, answer)
    found: list[tuple[PromptPart, ...]] = []
    for exchange in answer.exchanges:
        try:
            if exchange.purpose == "condense":
                request = _condensing(pipeline, reader, answer, exchange, tenant)
            else:
                request = _answering(reader, answer, exchange, packed)
        except GroundworkError:
            found.append(())
            continue
        same = digest_of(request) == exchange.request
        found.append(tuple(PromptPart(m.role, m.text) for m in request.messages) if same else ())
    return tuple(found)


def _packed(reader: Generative, answer: Answer) -> Packed:
    passages = [
        Passage(
            h["rank"], h["score"], h["document"], h["document_id"], h["chunk_id"], h["start"], h["end"], h["text"],
            h["context"],
        )
        for h in answer.retrieved
    ]  # fmt: skip
    again = repack(passages, answer.shown) if answer.shown else None
    return again or pack(passages, reader.context_tokens, estimate_text)


def _answering(reader: Generative, answer: Answer, exchange: Exchange, packed: Packed) -> ChatRequest:
    name, _, digest = (answer.pins.prompt or "").partition("@")
    template = (reader.prompts or built_in)(name, digest).template
    asked = (answer.standalone or answer.question).strip()
    return Prompting(template, reader.max_output_tokens).request(exchange.model, asked, packed.blocks)


def _condensing(
    pipeline: Pipeline, reader: Generative, answer: Answer, exchange: Exchange, tenant: str
) -> ChatRequest:
    principal = recipe_of(answer, tenant).principal(answer.principal)
    with pipeline.database.read() as connection:
        turns = store.conversation(connection, principal, answer.conversation or "")
    template = (reader.prompts or built_in)("condense", "latest").template
    before = turns_of(_before(turns, answer))
    return condense_request(template, exchange.model, before[-2 * MAX_TURNS :], answer.question)


def _before(turns: Sequence[Answer], answer: Answer) -> Sequence[Answer]:
    ids = [t.id for t in turns]
    return turns[: ids.index(answer.id)] if answer.id in ids else ()
