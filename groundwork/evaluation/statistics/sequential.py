"""P5: tests that may be looked at after every example, and stopped at any time.

An e-process is a running bet against "there is no difference": under the null it exceeds 1/alpha at any time with
probability at most alpha (Ville's inequality), however often one looks and for whatever reason one stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, lgamma, log, log1p
from typing import Any, Literal

import numpy as np
from scipy import special

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, IntArray, count, numbers, proper_alpha
from groundwork.evaluation.statistics.confidence_sequence import ConfidenceSequence

__all__ = ["ConfidenceSequence", "Decision", "SequentialPairs", "SequentialRates", "average_e", "log_e_value"]

Decision = Literal["benefit", "harm"]
LN2 = log(2.0)


def log_e_value(wins: int, losses: int) -> float:
    """Return the natural logarithm of the e-value for "a win is more likely than a loss" after so many of either.

    The bet is spread evenly over p in (1/2, 1]: E = 2^(t+1) B(w+1, l+1) I_{1/2}(l+1, w+1) with t = w + l; 0 at the start.

    Source:
        Ville (1939); Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
        Statistics 41 (1970) 1397-1409; Ramdas et al., Game-theoretic statistics and safe anytime-valid inference (2023).
    """
    w, l = count(wins, "wins"), count(losses, "losses")  # noqa: E741
    t = w + l
    beta = lgamma(w + 1) + lgamma(l + 1) - lgamma(t + 2)
    return (t + 1) * LN2 + beta + _log_lower_half(w, t + 1)


def log_e_values(wins: IntArray, losses: IntArray) -> FloatArray:
    """Return `log_e_value` of many counts at once; -inf where it is below about -575."""
    t = wins + losses
    with np.errstate(divide="ignore"):
        lower = np.log(special.bdtr(wins, t + 1, 0.5))
    return np.asarray((t + 1) * LN2 + special.betaln(wins + 1, losses + 1) + lower)


def average_e(es: Sequence[float]) -> float:
    """Return the mean of e-values: an e-value again, however they depend on each other. Raises on none at all.

    Source:
        Vovk and Wang, E-values: calibration, combination and applications, Annals of Statistics 49 (2021).
    """
    values = numbers(es, "e-value")
    if values.size == 0:
        raise InvalidInputError("there are no e-values to average")
    if (values < 0).any():
        raise InvalidInputError(f"an e-value of {float(values.min())}; it is 0 or more")
    return float(values.mean())


@dataclass
class _Budgets:
    """Two bets with a budget each: that the candidate is better, and that it is worse. The first to succeed decides."""

    alpha: float = 0.05
    harm_alpha: float = 0.05
    decision: Decision | None = None
    decided_at: int | None = None
    n: int = 0
    most_benefit: float = 0.0
    most_harm: float = 0.0

    def __post_init__(self) -> None:
        proper_alpha(self.alpha)
        proper_alpha(self.harm_alpha)

    @property
    def p_benefit(self) -> float:
        """Anytime-valid p-value of "no better": min(1, 1 / the largest e-value so far)."""
        return min(1.0, exp(-self.most_benefit))

    @property
    def p_harm(self) -> float:
        """Anytime-valid p-value of "no worse"."""
        return min(1.0, exp(-self.most_harm))

    def _settle(self, benefit: float, harm: float) -> Decision | None:
        self.most_benefit = max(self.most_benefit, benefit)
        self.most_harm = max(self.most_harm, harm)
        if self.decision is None:
            if harm >= -log(self.harm_alpha) - 1e-12:
                self.decision, self.decided_at = "harm", self.n
            elif benefit >= -log(self.alpha) - 1e-12:
                self.decision, self.decided_at = "benefit", self.n
        return self.decision


@dataclass
class SequentialPairs(_Budgets):
    """Candidate and baseline on the same requests, one after the other.

    Args:
        alpha: how often a candidate that is no better may ever be called better.
        harm_alpha: how often one that is no worse may ever be called worse; its own budget.

    `benefit` and `harm` are log e-values; `decision` stays once it is there.
    """

    wins: int = 0
    losses: int = 0

    def add(self, outcome: Literal["win", "loss", "tie"]) -> Decision | None:
        """Take the next pair in; a tie says nothing about which is better. Returns the decision so far."""
        if outcome not in ("win", "loss", "tie"):
            raise InvalidInputError(
                f"`{outcome}` is no outcome", hint="win, loss or tie, seen from the candidate"
            )
        self.n += 1
        self.wins += outcome == "win"
        self.losses += outcome == "loss"
        return self._settle(self.benefit, self.harm)

    @property
    def benefit(self) -> float:
        return log_e_value(self.wins, self.losses)

    @property
    def harm(self) -> float:
        return log_e_value(self.losses, self.wins)

    def state(self) -> dict[str, Any]:
        """Return everything there is to keep, JSON-compatible; `restore` goes on from it."""
        return {k: getattr(self, k) for k in self.__dataclass_fields__}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> SequentialPairs:
        """Return the process that `state()` described."""
        return cls(**_known(cls, state))


@dataclass
class SequentialRates(_Budgets):
    """Two rates on different requests: each request is served, and scored, by one of the two.

    Requests are gathered in blocks that close as soon as both sides have at least one, whichever way they were scored.
    Within a block the bet is the likelihood ratio of (p_base, p_cand) as estimated from former blocks against their mean p0,
    weighted by how many requests either side has; while the estimate does not favour the alternative nothing is bet. With
    slopes s = (p - p0) / (p0 (1 - p0)) the expected factor at rates (q, q) is (1 + (q-p0) s_b)^n_b (1 + (q-p0) s_c)^n_c,
    which is largest, and 1, at q = p0; at rates on the wrong side each factor is smaller still. So it is an e-process for
    "no better", and, turned round, for "no worse". Which request goes to which side must not depend on how it is scored.

    Source:
        Turner, Ly and Grünwald, Generic E-variables for exact sequential k-sample tests that allow for optional stopping,
        Journal of Statistical Planning and Inference 230 (2024).
    """

    log_benefit: float = 0.0
    log_harm: float = 0.0
    good: list[float] = field(default_factory=lambda: [0.0, 0.0])
    seen: list[int] = field(default_factory=lambda: [0, 0])
    block_good: list[int] = field(default_factory=lambda: [0, 0])
    block_seen: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, side: Literal["candidate", "baseline"], good: bool) -> Decision | None:
        """Take the next request in. Returns the decision so far."""
        if side not in ("candidate", "baseline"):
            raise InvalidInputError(f"`{side}` is no side", hint="candidate or baseline")
        at = int(side == "candidate")
        self.n += 1
        self.block_seen[at] += 1
        self.block_good[at] += bool(good)
        if min(self.block_seen):
            self._close()
        return self._settle(self.log_benefit, self.log_harm)

    @property
    def benefit(self) -> float:
        return self.log_benefit

    @property
    def harm(self) -> float:
        return self.log_harm

    def state(self) -> dict[str, Any]:
        """Return everything there is to keep, JSON-compatible; `restore` goes on from it."""
        kept = {k: getattr(self, k) for k in self.__dataclass_fields__}
        return {k: list(v) if isinstance(v, list) else v for k, v in kept.items()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> SequentialRates:
        """Return the process that `state()` described."""
        known = _known(cls, state)
        known |= {k: list(v) for k, v in known.items() if isinstance(v, list)}
        return cls(**known)

    def _close(self) -> None:
        base, candidate = ((g + PRIOR) / (n + 2 * PRIOR) for g, n in zip(self.good, self.seen, strict=True))
        factor = _block(base, candidate, self.block_good, self.block_seen)
        if candidate > base:
            self.log_benefit += factor
        elif candidate < base:
            self.log_harm += factor
        for side in (0, 1):
            self.good[side] += self.block_good[side]
            self.seen[side] += self.block_seen[side]
        self.block_good, self.block_seen = [0, 0], [0, 0]


PRIOR = 0.5
"""Pseudo-counts of either outcome (Jeffreys), so that no estimate is 0 or 1 and no bet loses everything."""


def _block(base: float, candidate: float, good: Sequence[int], seen: Sequence[int]) -> float:
    """Return the log likelihood ratio of one block: two rates against their common mean."""
    middle = (seen[0] * base + seen[1] * candidate) / (seen[0] + seen[1])
    total = 0.0
    for rate, k, n in ((base, good[0], seen[0]), (candidate, good[1], seen[1])):
        total += k * (log(rate) - log(middle)) + (n - k) * (log1p(-rate) - log1p(-middle))
    return total


def _log_lower_half(w: int, t: int) -> float:
    """Return ln P(Bin(t, 1/2) <= w), also where the probability itself is too small for a float."""
    p = float(special.bdtr(w, t, 0.5)) if w < t else 1.0
    if p > 1e-250:
        return log(p)
    term = lgamma(t + 1) - lgamma(w + 1) - lgamma(t - w + 1) - t * LN2
    total, factor = 1.0, 1.0
    for j in range(w):
        factor *= (w - j) / (t - w + 1 + j)
        total += factor
        if factor < 1e-17:
            break
    return term + log(total)


def _known(cls: type[Any], state: Mapping[str, Any]) -> dict[str, Any]:
    known = cls.__dataclass_fields__
    return {k: v for k, v in state.items() if k in known}
