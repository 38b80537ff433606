"""The shapes of the JSON interface of prompts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundwork.server.bodies import Digest, In, Moment, Out

MAX_SOURCE = 256 * 1024
MAX_VALUE_CHARS = 4_000_000


class MessageBody(Out):
    """One message, of a template (with holes) or rendered (without)."""

    role: Literal["system", "user", "assistant"]
    text: str


class InputBody(Out):
    """A hole of the template and what may stand in it."""

    name: str
    type: Literal["text", "number", "boolean", "list", "json"]
    required: bool
    default: Any = None
    description: str = ""


class PromptTestBody(Out):
    """One test of a prompt."""

    name: str
    inputs: dict[str, Any]
    expect: list[dict[str, Any]]
    reply: str | None = Field(None, description="What stands for a completion when no model is asked.")


class PromptVersionLine(Out):
    """One version, as lists show it."""

    name: str
    digest: Digest
    created_at: Moment
    created_by: str
    labels: list[str] = Field(description="The labels that point at it now.")


class PromptVersionBody(PromptVersionLine):
    """One version: what a model would be asked, and the file it was read from."""

    description: str
    messages: list[MessageBody]
    inputs: list[InputBody]
    hints: dict[str, Any] = Field(description="Model and parameters; a caller may override them.")
    tests: list[PromptTestBody]
    source: str = Field(description="The file as it was written.")


class PromptErrorBody(BaseModel):
    """Why a file cannot be read."""

    code: str
    message: str
    hint: str


class PromptEntryBody(BaseModel):
    """One prompt at a glance."""

    name: str
    origin: Literal["file", "built-in", "gone"] = Field(
        description="`gone`: its file is no more, its versions are."
    )
    latest: PromptVersionLine | None = Field(
        description="What the file is now; null where it cannot be read."
    )
    description: str
    labels: dict[str, str] = Field(description="The digest that each label points at.")
    versions: int
    tests: int
    error: PromptErrorBody | None
    source_digest: str = Field(description="SHA-256 of the file's text, for `expected`; empty: no file.")


class PromptWriteIn(In):
    """A prompt's file."""

    source: str = Field(max_length=MAX_SOURCE, description="Front matter and messages.")
    expected: str | None = Field(
        None,
        max_length=64,
        description="`source_digest` of the text that is replaced; empty: there is no file yet; null: no condition.",
    )


class PromptLabelIn(In):
    """Where a label is to point."""

    version: str = Field(max_length=64, description="A digest, at least 4 digits of one, or a label.")
    expected: str | None = Field(
        None, max_length=64, description="Digest it must point at now; empty: it must not exist; null: any."
    )
    reason: str = Field("", max_length=1000, description="Recorded with the move.")


class PromptRenderIn(In):
    """Values for a prompt."""

    inputs: dict[str, Any] = Field(default_factory=dict, description="One value per input.")
    version: str = Field(
        "latest", max_length=64, description="A label, a digest, or at least 4 digits of one."
    )


class PromptRenderBody(BaseModel):
    """What a model would be asked."""

    name: str
    digest: Digest
    messages: list[MessageBody]
    hints: dict[str, Any]


class PromptRef(In):
    """Which version."""

    version: str = Field(
        "latest", max_length=64, description="A label, a digest, or at least 4 digits of one."
    )


class TestResultBody(BaseModel):
    """How one test came out."""

    name: str
    passed: bool
    faults: list[str]
    output: str = Field(description="The completion, cut at 4,000 characters.")
    call_id: str
    cost_usd: float


class TestReportBody(BaseModel):
    """One run of the tests of one version."""

    id: str
    name: str
    digest: Digest
    model: str = Field(description="`scripted` where no model was asked.")
    passed: bool
    created_at: Moment
    principal: str
    results: list[TestResultBody]


class MoveBody(Out):
    """One move of a label."""

    id: str
    old: str | None
    new: str
    principal: str
    reason: str
    at: Moment


class LineDiffBody(BaseModel):
    """A line that both have (`=`), only the old one (`-`) or only the new one (`+`)."""

    sign: Literal["=", "-", "+"]
    text: str


class MessageDiffBody(BaseModel):
    """Two messages that stand for each other; a role is null where a side has none."""

    old_role: str | None
    new_role: str | None
    changed: bool
    lines: list[LineDiffBody]


class ValueDiffBody(BaseModel):
    """An input or hint that is not as it was."""

    name: str
    was: str
    now: str


class PromptDiffBody(BaseModel):
    """What it takes to get from one version to another."""

    name: str
    old: Digest
    new: Digest
    same: bool
    messages: list[MessageDiffBody]
    inputs: list[ValueDiffBody]
    hints: list[ValueDiffBody]
