"""Templates without logic: holes, and sections over lists and conditions. A value is inserted once and stays text.

    {{ question }}                          a hole
    {{ passage.text }}                      a part of a JSON object
    {{# passages }} … {{/ passages }}       once per item of a list (`{{ . }}` is the item), or when it is true or not empty
    {{^ passages }} … {{/ passages }}       when it is false, empty or absent
    {{! a remark }}                         nothing
    {{ "{{" }}                              the text between the quotes, as it stands

A tag of a section or a remark that stands alone on its line leaves no empty line behind. This is Mustache without escaping
for HTML, without partials, lambdas and changed delimiters, and stricter: a hole without a value is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.prompts.inputs import check_values
from groundwork.prompts.types import InputType, PromptInput, PromptMessage, PromptTemplate

MAX_DEPTH = 16
MAX_STEPS = 1_000_000
MAX_OUTPUT_CHARS = 4_000_000
HERE = "."
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*\Z")
_BRACES = re.compile(r"\{\{+")
_STRICT: frozenset[InputType] = frozenset({"text", "number", "boolean"})
_REFUSED = {
    "{": 'nothing is escaped here, so two braces are enough; for a brace before a hole write `{{ "{" }}`',
    "&": "nothing is escaped here, so `{{ name }}` is enough",
    ">": "a template cannot take in another file",
    "=": "delimiters cannot be changed",
    "%": "there is no logic in templates; give the list or the condition as an input",
}


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A place for a value; `path` is `(".",)` for the current item."""

    path: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part that stands once per item, or on a condition."""

    path: tuple[str, ...]
    line: int
    inverted: bool
    body: tuple[Node, ...]


Node = Text | Hole | Section


def render(template: PromptTemplate, values: Mapping[str, Any]) -> tuple[PromptMessage, ...]:
    """Return the messages with the values in their places; a message that comes out blank is left out.

    What is inserted is never read again: no value can make a hole, a section or another message.

    Args:
        template: what to fill in.
        values: one value per input, of its type; inputs with a default or `required: false` may be left out.

    Raises:
        InvalidInputError: a value is missing, unknown or of another type, an item lacks a part that a hole names, or
            nothing but blanks came out.
        TooLargeError: the messages are longer than 4 million characters together.
    """
    checked = check_values(template.name, template.inputs, values)
    filling = _Filling(checked)
    found = [PromptMessage(m.role, filling.text(nodes(m.text))) for m in template.messages]
    kept = tuple(m for m in found if m.text.strip())
    if not kept:
        raise InvalidInputError(
            f"the prompt `{template.name}` is empty with these values",
            hint="a model needs at least one message; give the inputs that it is made of",
        )
    return kept


@lru_cache(maxsize=512)
def nodes(text: str) -> tuple[Node, ...]:
    """Return the parts of a template's text.

    Raises:
        InvalidInputError: it cannot be read; `details["line"]` says where, counted from 1.
    """
    return _Reading(text).read()


def holes(text: str) -> Iterator[str]:
    """Yield the names of the holes that stand outside of every section, in order."""
    for node in nodes(text):
        if isinstance(node, Hole) and node.path != (HERE,):
            yield node.path[0]


def check_names(text: str, inputs: Sequence[PromptInput]) -> None:
    """Refuse names that no input can fill.

    Inside a section over a list or JSON a name may be a part of the item, so it is looked up only when there are values.

    Raises:
        InvalidInputError: with `details["line"]`.
    """
    _check(nodes(text), {i.name: i.type for i in inputs}, inside_item=False, inside=False)


def literal(text: str) -> str:
    """Return a template's text that renders as `text`, whatever that holds: for importers and other writers."""
    plain = _BRACES.sub(lambda m: f'{{{{ "{m[0]}" }}}}', text)
    return re.sub(r"^((?:system|user|assistant):)(?=[ \t]*$)", r'{{ "\1" }}', plain, flags=re.M)


# -- reading -----------------------------------------------------------------------------------------------------------
class _Reading:
    def __init__(self, source: str) -> None:
        self.source = source
        self.place = 0
        self.lines, self.counted = 1, 0
        self.stack: list[tuple[str, int, bool, list[Node]]] = []
        self.out: list[Node] = []

    def read(self) -> tuple[Node, ...]:
        source = self.source
        while (start := source.find("{{", self.place)) >= 0:
            self._text(source[self.place : start])
            inside = start + 2
            while inside < len(source) and source[inside] in " \t\n":
                inside += 1
            if source.startswith('"', inside):
                self._quoted(start, inside)
            else:
                self._tag(start)
        self._text(source[self.place :])
        if self.stack:
            name, line, _, _ = self.stack[-1]
            raise _fault(f"the section `{name}` is never closed", line, f"add `{{{{/ {name} }}}}`")
        return tuple(self.out)

    def _text(self, text: str) -> None:
        if text:
            self.out.append(Text(text))

    def _quoted(self, start: int, inside: int) -> None:
        try:
            text, end = json.JSONDecoder().raw_decode(self.source, inside)
            text.encode()
        except (ValueError, AttributeError):
            raise _fault("the quoted text in a tag is not closed", self._line(start), _QUOTE) from None
        closing = re.compile(r"[ \t\n]*\}\}").match(self.source, end)
        if closing is None:
            raise _fault("after a quoted text the tag must end", self._line(start), _QUOTE)
        self._text(text)
        self.place = closing.end()

    def _tag(self, start: int) -> None:
        line = self._line(start)
        end = self.source.find("}}", start + 2)
        if end < 0:
            raise _fault("a `{{` is never closed", line, _QUOTE)
        content = self.source[start + 2 : end].strip()
        self.place = end + 2
        sign, name = content[:1], content[1:].strip()
        if sign in _REFUSED:
            raise _fault(f"`{{{{{content[:40]}}}}}` is not allowed", line, _REFUSED[sign])
        if sign in ("#", "^", "/", "!"):
            self._swallow_line(start)
        if sign == "!":
            return
        if sign in ("#", "^"):
            self._open(_path(name, line), name, line, sign == "^")
        elif sign == "/":
            self._close(name, line)
        else:
            self.out.append(Hole(_path(content, line), line))

    def _open(self, path: tuple[str, ...], name: str, line: int, inverted: bool) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _fault(f"sections stand more than {MAX_DEPTH} deep in each other", line, "make it flatter")
        self.stack.append((name, line, inverted, self.out))
        self.out = []

    def _close(self, name: str, line: int) -> None:
        if not self.stack or self.stack[-1][0] != name:
            open_ = self.stack[-1][0] if self.stack else ""
            hint = f"the section `{open_}` is open here" if open_ else "no section is open here"
            raise _fault(f"`{{{{/ {name[:60]} }}}}` closes nothing", line, hint)
        _, opened, inverted, above = self.stack.pop()
        above.append(Section(_path(name, line), opened, inverted, tuple(self.out)))
        self.out = above

    def _swallow_line(self, start: int) -> None:
        """Take the line of a tag that stands alone on it out of the text."""
        begin, stop = start, self.place
        while begin and self.source[begin - 1] in " \t":
            begin -= 1
        while stop < len(self.source) and self.source[stop] in " \t":
            stop += 1
        ends = stop == len(self.source)
        if (begin and self.source[begin - 1] != "\n") or not (ends or self.source[stop] == "\n"):
            return
        if start > begin:
            last = self.out.pop()
            assert isinstance(last, Text)
            self._text(last.text[: len(last.text) - (start - begin)])
        self.place = stop if ends else stop + 1

    def _line(self, place: int) -> int:
        # Tags come in order, so no part of the text is counted twice.
        self.lines += self.source.count("\n", self.counted, place)
        self.counted = place
        return self.lines


_QUOTE = 'literal braces are written `{{ "{{" }}`'


def _path(name: str, line: int) -> tuple[str, ...]:
    if name == HERE:
        return (HERE,)
    if not _PATH.match(name) or len(name) > 200:
        shown = name.replace("\n", " ")[:60]
        raise _fault(
            f"`{shown}` in a tag is no name", line, f"names are letters, digits, `_` and `-`; {_QUOTE}"
        )
    return tuple(name.split("."))


def _fault(message: str, line: int, hint: str) -> InvalidInputError:
    return InvalidInputError(message, hint=hint, line=line)


# -- checking ----------------------------------------------------------------------------------------------------------
def _check(body: Sequence[Node], types: Mapping[str, InputType], *, inside_item: bool, inside: bool) -> None:
    for node in body:
        if isinstance(node, Text):
            continue
        head, line = node.path[0], node.line
        kind = types.get(head)
        if head == HERE:
            if not inside:
                raise _fault("`{{ . }}` stands outside of every section", line, "it is the item of a list")
        elif kind is None and not inside_item:
            raise _fault(f"`{head}` is not among the inputs", line, f"declare it: `inputs: {{{head}: text}}`")
        elif kind in _STRICT and len(node.path) > 1 and not inside_item:
            raise _fault(f"the input `{head}` is a {kind} and has no parts", line, "declare it as `json`")
        if isinstance(node, Section):
            if kind == "number" and not inside_item:
                raise _fault(
                    f"a section cannot be opened with the number `{head}`", line, "use a list or a boolean"
                )
            item = inside_item or (not node.inverted and (head == HERE or kind in ("list", "json")))
            _check(node.body, types, inside_item=item, inside=inside or not node.inverted)


# -- filling in --------------------------------------------------------------------------------------------------------
_ABSENT = object()


class _Filling:
    """One rendering: what came out so far, and how much work it was, over all messages."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.scopes: list[tuple[str, Any]] = [("", values)]
        self.steps = 0
        self.chars = 0

    def text(self, body: Sequence[Node]) -> str:
        out: list[str] = []
        self._fill(body, out)
        return "".join(out)

    def _fill(self, body: Sequence[Node], out: list[str]) -> None:
        for node in body:
            self._step()
            if isinstance(node, Section):
                self._section(node, out)
                continue
            text = node.text if isinstance(node, Text) else self._value(node)
            self.chars += len(text)
            if self.chars > MAX_OUTPUT_CHARS:
                raise TooLargeError(
                    f"the prompt is longer than {MAX_OUTPUT_CHARS:,} characters", hint="give shorter values"
                )
            out.append(text)

    def _step(self) -> None:
        # Also for an item whose part of the template is empty: lists in lists multiply.
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLargeError(
                f"filling in the prompt takes more than {MAX_STEPS:,} steps", hint="give shorter lists"
            )

    def _value(self, hole: Hole) -> str:
        found = self._look_up(hole.path)
        if found is _ABSENT:
            raise InvalidInputError(
                f"{self._where(hole.path)} has no `{hole.path[-1]}`",
                hint=f"the template asks for `{'.'.join(hole.path)}` in line {hole.line} of its message",
            )
        return as_text(found)

    def _section(self, section: Section, out: list[str]) -> None:
        found = self._look_up(section.path)
        label = ".".join(section.path)
        if isinstance(found, int | float) and not isinstance(found, bool):
            raise InvalidInputError(
                f"`{label}` is a number; a section needs a list, an object, a text or a boolean",
                hint="give a list or a condition",
            )
        filled = found is not _ABSENT and bool(found)
        if section.inverted:
            if not filled:
                self._fill(section.body, out)
            return
        if not filled:
            return
        items = found if isinstance(found, list) else [found]
        for place, item in enumerate(items):
            self._step()
            self.scopes.append((f"{label}[{place}]" if isinstance(found, list) else label, item))
            self._fill(section.body, out)
            self.scopes.pop()

    def _look_up(self, path: tuple[str, ...]) -> Any:
        if path == (HERE,):
            return self.scopes[-1][1]
        for _, scope in reversed(self.scopes):
            if isinstance(scope, dict) and path[0] in scope:
                found: Any = scope
                for part in path:
                    if not isinstance(found, dict) or part not in found:
                        return _ABSENT
                    found = found[part]
                return found
        return _ABSENT

    def _where(self, path: tuple[str, ...]) -> str:
        above = ".".join(path[:-1])
        return f"`{above}`" if above else f"`{self.scopes[-1][0] or 'the inputs'}`"


def as_text(value: Any) -> str:
    """Return a JSON value as a hole shows it: text as it stands, an absent value as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
