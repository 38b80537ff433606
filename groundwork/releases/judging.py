"""How a canary is judged: after every request, by two bets with a budget each, that the candidate helps and that it harms.

The numbers are pure: equal requests in equal order give equal decisions, in a simulation as in a server. Looking after each
request costs nothing, since an e-process holds its promise at any time (`evaluation.statistics.sequential`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from groundwork.core.improvement import CanarySpec
from groundwork.releases.types import Arm

if TYPE_CHECKING:
    from groundwork.evaluation.statistics.sequential import SequentialPairs, SequentialRates

Outcome = Literal["win", "loss", "tie", ""]
Decision = Literal["", "harm", "benefit", "undecided"]
WELL = 0.5
"""From this value on an unpaired request counts as served well."""
_TINY = 1e-12


def outcome_of(candidate: float | None, baseline: float | None) -> Outcome:
    """Return how a pair came out for the candidate; empty where one of the two has no score."""
    if candidate is None or baseline is None:
        return ""
    return "tie" if candidate == baseline else "win" if candidate > baseline else "loss"


@dataclass
class Judge:
    """The state of one canary or shadow; `add` takes the next request in and says what is to be done.

    Args:
        spec: budgets, least and greatest number of requests, and whether requests come in pairs.
        acts: False for a shadow: nothing is decided, and it ends after `max_requests`.

    Attributes:
        n: requests taken in. dropped: of these, those without what was to be compared. settled: the decision, for good.
    """

    spec: CanarySpec
    acts: bool = True
    n: int = 0
    dropped: int = 0
    settled: Decision = ""
    benefit_at: int | None = None
    process: SequentialPairs | SequentialRates = field(init=False)

    def __post_init__(self) -> None:
        from groundwork.evaluation.statistics.sequential import SequentialPairs, SequentialRates

        kind = SequentialPairs if self.spec.mirror or not self.acts else SequentialRates
        self.process = kind(alpha=self.spec.alpha, harm_alpha=self.spec.harm_alpha)

    def add(self, arm: Arm, candidate: float | None, baseline: float | None) -> Decision:
        """Take a request in.

        Args:
            arm: who served it. candidate, baseline: the scores; None where there is none.

        Returns:
            `harm`: take the candidate back now. `benefit`: it is shown to be better, after `min_requests`. `undecided`:
            `max_requests` are over. Empty: go on.
        """
        self.n += 1
        from groundwork.evaluation.statistics.sequential import SequentialPairs

        if isinstance(self.process, SequentialPairs):
            outcome = outcome_of(candidate, baseline)
            if outcome:
                self.process.add(outcome)
            else:
                self.dropped += 1
        else:
            value = candidate if arm == "candidate" else baseline
            if value is None:
                self.dropped += 1
            else:
                self.process.add(arm, value >= WELL)
        return self._decided()

    @property
    def harm(self) -> float:
        """Log of the e-value for harm; it is taken back from `-log(harm_alpha)` on."""
        return self.process.harm

    @property
    def benefit(self) -> float:
        """Log of the e-value for benefit."""
        return self.process.benefit

    def _decided(self) -> Decision:
        process, spec = self.process, self.spec
        # Harm is watched on after a benefit was shown: the traffic may change.
        if self.acts and process.most_harm >= -math.log(spec.harm_alpha) - _TINY:
            self.settled = "harm"
        elif (
            self.acts
            and self.benefit_at is None
            and self.n >= spec.min_requests
            and process.most_benefit >= -math.log(spec.alpha) - _TINY
        ):
            self.benefit_at, self.settled = self.n, "benefit"
        elif self.n >= spec.max_requests and self.settled != "harm":
            return "undecided"
        return self.settled

    def state(self) -> dict[str, Any]:
        """Return what there is to keep, JSON-compatible and finite; `restored` goes on from it."""
        return {
            "n": self.n,
            "dropped": self.dropped,
            "settled": self.settled,
            "benefit_at": self.benefit_at,
            "process": self.process.state(),
        }

    @classmethod
    def restored(cls, spec: CanarySpec, acts: bool, state: Mapping[str, Any]) -> Judge:
        """Return the judge that `state` described; a new one for an empty state."""
        made = cls(spec, acts)
        if state:
            made.n, made.dropped = int(state["n"]), int(state["dropped"])
            made.settled, made.benefit_at = state["settled"], state["benefit_at"]
            made.process = type(made.process).restore(state["process"])
        return made
