"""Personal data and secrets in examples: what kinds stand where, never the values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.datasets.content import body_of
from groundwork.datasets.types import Example
from groundwork.telemetry.masking import mask_secrets, suspicious
from groundwork.telemetry.personal import mask_personal

_MASK = re.compile(r"\[masked: ([^\]\n]{1,60})\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in an example: kinds with how often, such as `{"e-mail": 2}`."""

    id: str
    kinds: Mapping[str, int]


def scan(examples: Sequence[Example]) -> tuple[Finding, ...]:
    """Return the examples in which personal data or secrets stand, in their order.

    Looked for are e-mail and IP addresses, phone, card and bank account numbers, social security numbers, keys, tokens and
    passwords. Names and places are not.
    """
    found = []
    for example in examples:
        text = "\n".join(_texts({k: v for k, v in body_of(example).items() if k != "origin"}))
        kinds = kinds_in(text)
        if kinds:
            found.append(Finding(example.id, kinds))
    return tuple(found)


def kinds_in(text: str) -> dict[str, int]:
    """Return what kinds of personal data and secrets stand in a text, with how often."""
    masked = mask_personal(text)
    if suspicious(masked.encode("utf-8", "surrogatepass")):
        masked = mask_secrets(masked)
    if masked == text:
        return {}
    counts = Counter(_MASK.findall(masked))
    counts.subtract(_MASK.findall(text))
    return {kind: n for kind, n in sorted(counts.items()) if n > 0}


def _texts(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            # A key beside its value, so that `password: …` is seen as one.
            for key, held in one.items():
                if isinstance(held, str):
                    yield f"{key}: {held}"
                else:
                    pending.append(held)
        elif isinstance(one, list | tuple):
            pending += reversed(one)
