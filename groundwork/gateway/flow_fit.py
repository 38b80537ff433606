"""Which candidates can be asked at all: the prompt fits their context, and they speak what only one dialect can say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundwork.core.errors import ContextLengthError, InvalidInputError, MissingModelError
from groundwork.gateway import tokens

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate, Plan
    from groundwork.gateway.types import ChatRequest

log = logging.getLogger("groundwork.gateway")


async def that_fit(plan: Plan, request: ChatRequest, size: int) -> Sequence[Candidate]:
    """Return the candidates that can be asked this: they speak what only one dialect can say, and their context is enough.

    Raises:
        InvalidInputError, ContextLengthError: none.
    """
    able = plan.candidates
    if request.native_only:
        able = tuple(c for c in able if c.plugin.dialect == request.dialect)
        if not able:
            raise InvalidInputError(
                f"`{plan.name}` cannot be asked for {', '.join(request.native_only)}",
                hint=f"only a provider that speaks {request.dialect} can; ask for one, or leave it out",
            )
    fits: list[Candidate] = []
    longest, said = 0, size
    for candidate in able:
        context = candidate.served.context_tokens
        if context is None or size <= context / 2:
            fits.append(candidate)
            continue
        exact = await counted(request, candidate)
        if (exact or size * tokens.SURELY_LONGER) <= context:
            fits.append(candidate)
        elif context > longest:
            longest, said = context, exact or size
    if not fits:
        raise ContextLengthError(
            f"the prompt has about {said:,} tokens, the context of `{plan.name}` is {longest:,}",
            hint="shorten the prompt, or ask for a model with a longer context",
            tokens=said,
            context_tokens=longest,
        )
    return fits


async def counted(request: ChatRequest, candidate: Candidate) -> int | None:
    """Return the exact input tokens, None where the model's tokenizer is not known or cannot be read."""
    if not candidate.tokenizer:
        return None
    try:
        return await asyncio.to_thread(tokens.count, request, candidate.tokenizer)
    except MissingModelError as error:
        log.warning("tokens of `%s/%s` are estimated: %s", candidate.provider, candidate.model, error.message)
        return None
