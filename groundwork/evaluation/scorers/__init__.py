"""Scorers say how good one output is. A metric makes one number of many scores; the two are apart.

A scorer is deterministic for equal arguments (one that asks a judge is as deterministic as it), never changes what it is
given, and answers a `Score` for whatever it gets: empty and huge texts, missing references, failed outputs. A failed output
(`output.error`) gets `worst`, unless the scorer measures failing itself. What has nothing to be scored (no reference) comes
back with `applies=False`. NaN and infinities never leave a scorer.

The file name is the name used in the spec: `scorers = ["exact", {name = "rouge_l", as = "overlap"}]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from groundwork.core.shelf import Shelf
from groundwork.datasets.types import Example
from groundwork.evaluation.types import Output, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from groundwork.evaluation.judges.types import Asker

    FloatArray = NDArray[np.float64]


class Services(Protocol):
    """What a scorer may use beside its arguments; built by `app`, safe to use from several threads."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors, shape (n, d), of the local encoder. Raises MissingModelError where none is there."""
        ...

    def judge(self, name: str) -> Asker:
        """Return a judge of the spec. Raises NotFoundError."""
        ...

    def grounded(self, claim: str, passages: Sequence[str]) -> Any:
        """Return `groundedness.Finding` for one sentence against passages."""
        ...


class Scorer(Protocol):
    """Scores one output. Parameters are those of the constructor; they are part of an evaluation's plan."""

    version: ClassVar[int]
    """Raised whenever equal arguments may get another score."""
    higher_is_better: ClassVar[bool]
    worst: ClassVar[float | None]
    """The score of what failed or is missing; None where there is no bound: the gate then takes the worst score seen."""
    binary: ClassVar[bool]
    """Every value is 0 or 1, so that exact tests apply."""
    needs: ClassVar[frozenset[str]]
    """Of `expected`, `context`, `relevant`, `tools`, `passages`, `citations`, `value`, `messages`, `confidence`; for
    messages in front of a run: what the dataset or the subject lacks."""
    metrics: ClassVar[tuple[str, ...]]
    """The metrics reported for it, the first being what a gate means by the bare name; mostly `("mean",)`."""

    def score(self, example: Example, output: Output, services: Services) -> Score: ...


SCORERS = Shelf[Scorer]("scorer", home="groundwork.evaluation.scorers")
