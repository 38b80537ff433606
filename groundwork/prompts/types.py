"""The values of a prompt: a template with typed inputs, its rendered messages, its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

InputType = Literal["text", "number", "boolean", "list", "json"]
MessageRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class PromptInput:
    """A hole of the template and what may stand in it."""

    name: str
    type: InputType = "text"
    required: bool = True
    default: Any = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message, of a template (with holes) or rendered (without)."""

    role: MessageRole
    text: str


@dataclass(frozen=True, slots=True)
class PromptTest:
    """One test in the file: values for the inputs and what the completion must be like."""

    name: str
    inputs: Mapping[str, Any]
    expect: tuple[Mapping[str, Any], ...]
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A template as its file says.

    Attributes:
        digest: of everything that can change what a model is asked: inputs, messages, hints; name, description and tests
            are not part of it.
        hints: `model`, `temperature`, `max_output_tokens`, `response_format` and the like; a caller may override them.
    """

    name: str
    messages: tuple[PromptMessage, ...]
    digest: str
    inputs: tuple[PromptInput, ...] = ()
    hints: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[PromptTest, ...] = ()
    description: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One recorded version: when it was first seen and by whom, and the labels that point at it now."""

    name: str
    digest: str
    created_at: str
    created_by: str
    template: PromptTemplate
    labels: tuple[str, ...] = ()
