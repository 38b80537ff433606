"""The request a model gets: a prompt version filled with the question and the packed passages.

Documents are untrusted text. Before they stand in a prompt, everything in them that could pass for something else is
broken: markers of citations, the fence around a passage, and the control words of chat templates, which some servers read
even inside a message. What a sentence is checked against later is the stored text, not this copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from groundwork.answers.generating.packing import Block
from groundwork.answers.types import Turn
from groundwork.core.errors import NotFoundError
from groundwork.gateway.types import ChatRequest, Message, TextPart
from groundwork.prompts.files import parse_prompt
from groundwork.prompts.folder import BUILT_IN, Folder
from groundwork.prompts.template import render
from groundwork.prompts.types import PromptTemplate, PromptVersion

Prompts = Callable[[str, str], PromptVersion]
"""Returns a version by the prompt's name and a label or digest; NotFoundError when there is none."""

NO_ANSWER = "NO ANSWER"
"""What the model is told to reply where the passages do not answer."""

FENCE, FENCE_END = "<passage>", "</passage>"
_FENCES = re.compile(r"<(?=\s*/?\s*passage\b)", re.IGNORECASE)
_MARKERS = re.compile(r"[\[【［](\^?\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)[\]】］]")
_CONTROL = re.compile(
    r"<(?=\|)|(?<=\|)>|<(?=/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|system|user|assistant|think)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])|<<(?=/?SYS>>)",
    re.IGNORECASE,
)
_BROKEN = {"<": "‹", ">": "›", "[": "⟦", "<<": "‹‹"}


def harmless(text: str) -> str:
    """Return untrusted text with nothing in it that reads as a marker, a fence or a control word."""
    text = text.replace("\x00", " ").encode("utf-8", "replace").decode()
    text = _MARKERS.sub(r"(\1)", text)
    return _CONTROL.sub(lambda m: _BROKEN[m[0]], _FENCES.sub("‹", text))


@dataclass(frozen=True)
class Prompting:
    """Fills the prompt of an app.

    Args:
        template: of the answer; its inputs are `question` and `passages` (`n`, `document`, `heading`, `text`).
    """

    template: PromptTemplate
    max_output_tokens: int
    temperature: float = 0.0

    def request(self, model: str, question: str, blocks: Sequence[Block]) -> ChatRequest:
        """Return what the model is asked.

        Raises:
            InvalidInputError: the prompt has inputs that an answer cannot fill.
        """
        passages = [
            {
                "n": block.number,
                "document": " ".join(harmless(block.document).split()),
                "heading": " ".join(harmless(block.context).split()),
                "text": f"{FENCE}\n{harmless(block.text)}\n{FENCE_END}",
            }
            for block in blocks
        ]
        values = {"question": harmless(question), "passages": passages}
        return _request(self.template, values, model, self.max_output_tokens, self.temperature)


def condense_request(
    template: PromptTemplate, model: str, turns: Sequence[Turn], question: str
) -> ChatRequest:
    """Return what a model is asked to make a follow-up question stand alone."""
    pairs: list[dict[str, str]] = []
    for turn in turns:
        if turn.role == "user":
            pairs.append({"question": harmless(turn.text), "answer": ""})
        elif pairs:
            pairs[-1]["answer"] = harmless(turn.text)
    values = {"question": harmless(question), "turns": pairs}
    return _request(template, values, model, 200, 0.0)


def _request(
    template: PromptTemplate,
    values: Mapping[str, Any],
    model: str,
    max_output_tokens: int,
    temperature: float,
) -> ChatRequest:
    known = {i.name for i in template.inputs}
    filled = {name: value for name, value in values.items() if name in known}
    messages = tuple(Message(m.role, (TextPart(m.text),)) for m in render(template, filled))
    hint = template.hints.get("temperature", temperature)
    return ChatRequest(
        model,
        messages,
        max_output_tokens=max_output_tokens,
        temperature=float(hint) if isinstance(hint, int | float) else temperature,
    )


@cache
def built_in(name: str, reference: str = "latest") -> PromptVersion:
    """Return a prompt that comes with Groundwork, for a reader that no workspace lends its prompts.

    Raises:
        NotFoundError: there is none of that name, or it is not the version that is asked for.
    """
    source = Folder(BUILT_IN).read(name)
    template = None if source is None else parse_prompt(name, source)
    if template is None or not (reference == "latest" or template.digest.startswith(reference)):
        raise NotFoundError(
            f"there is no built-in prompt `{name}@{reference}`",
            hint="ask through a workspace, which keeps every version",
        )
    return PromptVersion(name, template.digest, "", "", template)
