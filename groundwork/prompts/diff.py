"""What differs between two versions of a prompt: messages line by line, inputs and hints value by value. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from groundwork.prompts.types import PromptInput, PromptMessage, PromptTemplate

MAX_COMPARISONS = 1_000_000
"""Pairs of lines that are compared; beyond it the differing stretch is shown as gone and new."""


@dataclass(frozen=True, slots=True)
class LineDiff:
    """A line that both have (`=`), only the old one (`-`) or only the new one (`+`)."""

    sign: Literal["=", "-", "+"]
    text: str


@dataclass(frozen=True, slots=True)
class MessageDiff:
    """Two messages that stand for each other; None where one side has none."""

    old: PromptMessage | None
    new: PromptMessage | None
    lines: tuple[LineDiff, ...]

    @property
    def changed(self) -> bool:
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class ValueDiff:
    """An input or a hint that is not as it was; an empty text where it is not there."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """What it takes to get from one version of a prompt to another."""

    name: str
    old: str
    new: str
    messages: tuple[MessageDiff, ...]
    inputs: tuple[ValueDiff, ...]
    hints: tuple[ValueDiff, ...]

    @property
    def same(self) -> bool:
        """Whether a model would be asked the same."""
        return not (self.inputs or self.hints or any(m.changed for m in self.messages))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        messages = [
            {
                "old_role": m.old.role if m.old else None,
                "new_role": m.new.role if m.new else None,
                "changed": m.changed,
                "lines": [asdict(line) for line in m.lines],
            }
            for m in self.messages
        ]
        return {
            "name": self.name,
            "old": self.old,
            "new": self.new,
            "same": self.same,
            "messages": messages,
            "inputs": [asdict(v) for v in self.inputs],
            "hints": [asdict(v) for v in self.hints],
        }


def diff_prompts(old: PromptTemplate, new: PromptTemplate) -> PromptDiff:
    """Return what differs between two templates."""
    messages = tuple(
        MessageDiff(a, b, tuple(_lines(a.text if a else "", b.text if b else "")))
        for a, b in _pairs(old.messages, new.messages)
    )
    inputs = _values({i.name: _input(i) for i in old.inputs}, {i.name: _input(i) for i in new.inputs})
    hints = _values({k: _json(v) for k, v in old.hints.items()}, {k: _json(v) for k, v in new.hints.items()})
    return PromptDiff(new.name, old.digest, new.digest, messages, tuple(inputs), tuple(hints))


_Pair = tuple[PromptMessage | None, PromptMessage | None]


def _pairs(old: Sequence[PromptMessage], new: Sequence[PromptMessage]) -> Iterator[_Pair]:
    """Pair equal messages; between them, messages of the same role in order."""
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(old[a:b], new[c:d], strict=True)
        else:
            yield from _by_role(old[a:b], new[c:d])


def _by_role(old: Sequence[PromptMessage], new: Sequence[PromptMessage]) -> Iterator[_Pair]:
    matcher = difflib.SequenceMatcher(None, [m.role for m in old], [m.role for m in new], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(old[a:b], new[c:d], strict=True)
        else:
            yield from ((m, None) for m in old[a:b])
            yield from ((None, m) for m in new[c:d])


def _lines(old: str, new: str) -> Iterator[LineDiff]:
    a, b = old.split("\n") if old else [], new.split("\n") if new else []
    before = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    after = 0
    while after < min(len(a), len(b)) - before and a[-1 - after] == b[-1 - after]:
        after += 1
    yield from (LineDiff("=", line) for line in a[:before])
    yield from _between(a[before : len(a) - after], b[before : len(b) - after])
    yield from (LineDiff("=", line) for line in a[len(a) - after :])


def _between(a: list[str], b: list[str]) -> Iterator[LineDiff]:
    if len(a) * len(b) > MAX_COMPARISONS:
        yield from (LineDiff("-", line) for line in a)
        yield from (LineDiff("+", line) for line in b)
        return
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (LineDiff("=", line) for line in a[a0:a1])
        else:
            yield from (LineDiff("-", line) for line in a[a0:a1])
            yield from (LineDiff("+", line) for line in b[b0:b1])


def _values(old: Mapping[str, str], new: Mapping[str, str]) -> Iterable[ValueDiff]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name, ""), new.get(name, "")
        if was != now:
            yield ValueDiff(name, was, now)


def _input(found: PromptInput) -> str:
    note = "" if found.required else " (optional)"
    return f"{found.type} = {_json(found.default)}" if found.default is not None else f"{found.type}{note}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
