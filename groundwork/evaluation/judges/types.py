"""The values of judges: what they are shown, what they say, and what is known of how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

Preference = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a judge is shown of one output; `other` is the second output of a pair."""

    input: str
    output: str
    expected: str = ""
    contexts: tuple[str, ...] = ()
    other: str = ""
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeVerdict:
    """What a judge said.

    Attributes:
        label: one of the judge's labels; empty where it said nothing that can be read (`error`).
        value: its place among the labels, from 0 (worst) to 1 (best); for a pair 1 first, 0 second, .5 tie; None on error.
        reason: why, in the judge's words.
        preference, swapped: of a pair, which of the two was preferred when it was shown in the given order and in the other
            one; both name the outputs as they were given, and count as a win only where they agree.
        members: of a jury, what each said.
        error: `judge_garbage`, or the code of what went wrong.
    """

    label: str
    value: float | None
    reason: str = ""
    preference: Preference | None = None
    swapped: Preference | None = None
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    error: str = ""
    cost_usd: float = 0.0
    cached: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Asker(Protocol):
    """A judge that can be asked; reading its words asks nobody."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Digest of spec, prompt version, labels and members: a card holds for one version."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What it may say, worst first; of a judge of pairs `second`, `tie`, `first`."""
        ...

    @property
    def passing(self) -> str:
        """The least label that passes."""
        ...

    def ask(self, shown: Shown, scope: str = "") -> JudgeVerdict:
        """Return the verdict; a judge that answers garbage is asked once more and is then an `error`, never a pass.

        Args:
            scope: names this question once, for a judge that is not deterministic, so that it is paid once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Trust:
    """What a judge's newest card allows it.

    Attributes:
        gates: it may decide a gate that a person signs (lower kappa bound at least .40 on at least 100 human labels).
        unattended: it may decide alone (.60).
        correction: sensitivity and specificity with their n, for corrected rates; None without a card.
        reason: why it may not, with what would change that, in words.
    """

    judge: str
    version: str
    gates: bool
    unattended: bool
    card_id: str = ""
    reason: str = ""
    correction: Mapping[str, float] | None = None
