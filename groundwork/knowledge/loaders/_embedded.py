"""Documents inside documents: each goes to the loader of its own kind, within bounds that hold for the outermost file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._text import TextBuilder, one_line

MAX_DEPTH = 3
MAX_PARTS = 200
MAX_BYTES = 96 << 20


@dataclass
class _Budget:
    depth: int = 0
    parts: int = 0
    size: int = 0


_budget: ContextVar[_Budget | None] = ContextVar("embedded_budget", default=None)


def add_attachment(out: TextBuilder, data: bytes, name: str, media_type: str | None = None) -> None:
    """Read an attached document and append it under a mark `attachment` labelled with its name.

    What cannot be read, or lies beyond the bounds, becomes a warning; the document around it is still read.
    """
    from groundwork.knowledge.parsing.dispatch import read

    label = one_line(name) or "attachment"
    if not data:
        out.warn(f"attachment `{label}` is empty")
        return
    try:
        with _one_deeper(len(data)):
            part = read(data, label, media_type)
    except Unreadable as error:
        out.warn(f"attachment `{label}` was not read: {error}")
        return
    except (
        RecursionError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        EOFError,
    ) as error:
        out.warn(f"attachment `{label}` was not read: it is damaged ({type(error).__name__})")
        return
    with out.mark("attachment", label):
        out.add(f"Attachment: {label}")
        out.embed(part)


@contextmanager
def _one_deeper(size: int) -> Iterator[None]:
    budget = _budget.get()
    token = None
    if budget is None:
        budget = _Budget()
        token = _budget.set(budget)
    try:
        if budget.depth >= MAX_DEPTH:
            raise Unreadable("hostile", f"documents are embedded more than {MAX_DEPTH} deep")
        budget.parts += 1
        budget.size += size
        if budget.parts > MAX_PARTS or budget.size > MAX_BYTES:
            raise Unreadable("too_large", f"more than {MAX_PARTS} parts or {MAX_BYTES:,} bytes are embedded")
        budget.depth += 1
        try:
            yield
        finally:
            budget.depth -= 1
    finally:
        if token is not None:
            _budget.reset(token)
