"""The values of the room; all immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Split = Literal["train", "validation", "test", "holdout"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test", "holdout")
HOLDOUT: Split = "holdout"
"""What no tuner reads, and what each look at is counted of."""

CandidateState = Literal["proposed", "accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class ExampleOrigin:
    """Where an example came from: a record here, a line of a file, or a person.

    Attributes:
        kind: `answer`, `trace`, `feedback`, `file`, `console`, or another in one word.
        answer_id, trace_id, span_id, feedback_id: the records; empty where it came from none.
        source: name of the file, with the line.
        principal: who wrote or promoted it.
    """

    kind: str = ""
    answer_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    feedback_id: str = ""
    source: str = ""
    principal: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One input with what is expected of it.

    Attributes:
        id: `exm_…`, or what its file calls it; unique within a version and the same from version to version.
        input: what is asked: text, a list of messages (`{role, content}`), or an object.
        expected: what should come out: a text, several texts any of which is right, an object, a label; None: no reference.
        impossible: the right answer is to decline.
        context: passages that are known to hold the answer, where the set brings them.
        relevant: grade (1 and up) by document (name or id) that retrieval should bring.
        tools: the calls that should be made, in order: `{name, arguments}`.
        cluster: examples that came from one document, conversation or template share it; empty: it stands alone.
        tags: slices it belongs to, such as `language:de` or `hard`; sorted.
        split: where it may be used.
        licence: of what it was made from; empty where unknown.
        weight: how much it counts in a mean; 1 unless the set says otherwise.
        metadata: whatever else the set says.
    """

    id: str
    input: Any
    expected: Any = None
    impossible: bool = False
    context: tuple[str, ...] = ()
    relevant: Mapping[str, float] = field(default_factory=dict)
    tools: tuple[Mapping[str, Any], ...] | None = None
    cluster: str = ""
    tags: tuple[str, ...] = ()
    split: Split = "test"
    origin: ExampleOrigin = field(default_factory=ExampleOrigin)
    licence: str = ""
    weight: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The cluster it is counted in: its own id where it stands alone."""
        return self.cluster or self.id

    @property
    def question(self) -> str:
        """The input as one question: the text, the last message of the user, or the object's `question` or `input`."""
        if isinstance(self.input, str):
            return self.input
        if isinstance(self.input, list):
            asked = [m for m in self.input if isinstance(m, Mapping) and m.get("role") == "user"]
            return str(asked[-1].get("content", "")) if asked else ""
        if isinstance(self.input, Mapping):
            return str(self.input.get("question") or self.input.get("input") or self.input.get("query") or "")
        return "" if self.input is None else str(self.input)

    @property
    def references(self) -> tuple[str, ...]:
        """The texts any of which is right; empty where there is no reference."""
        if self.expected is None:
            return ()
        values = self.expected if isinstance(self.expected, list | tuple) else (self.expected,)
        return tuple(v if isinstance(v, str) else _written(v) for v in values)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One immutable version of a dataset, without its examples.

    Attributes:
        number: from 1 within its name; `golden@3` names it, and so does a prefix of its digest.
        summary: `{splits: {test: n}, tags: {…}, clusters: n, licences: {…}, source, duplicates, leaks, personal}`.
        redacted: an example of it was erased; its digest is still that of what it was.
    """

    name: str
    number: int
    digest: str
    examples: int
    parent: str | None
    summary: Mapping[str, Any]
    note: str
    redacted: bool
    created_at: str
    created_by: str

    @property
    def ref(self) -> str:
        """How people name it."""
        return f"{self.name}@{self.number}"

    def as_dict(self) -> dict[str, Any]:
        return {"ref": self.ref, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An example that somebody proposed and nobody has decided about, or what was decided."""

    id: str
    dataset: str
    example: Example
    state: CandidateState
    reason: str
    created_at: str
    created_by: str
    decided_at: str | None = None
    decided_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _written(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, sort_keys=True)
