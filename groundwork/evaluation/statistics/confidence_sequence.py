"""P5: intervals of a mean that hold at every moment at once, for bounded scores."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, log1p, sqrt
from typing import Any, Literal

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.checking import FloatArray, proper_alpha
from groundwork.evaluation.statistics.types import Interval

GRID = 1_001


class ConfidenceSequence:
    """A sequence of intervals that holds the mean at all times together with probability 1 - alpha.

    Args:
        alpha: how often it may ever miss. low, high: bounds of the scores; (-1, 1) for differences of scores in 0..1.
        method: `bernstein`: the predictable plug-in empirical-Bernstein sequence; `betting`: the hedged capital process on a
            grid of 1,001 means, narrower and slower (about 20 microseconds a score).

    Scores may depend on those before them as long as their conditional mean stays the same.

    Source:
        Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024) 1-27:
        theorem 2 (empirical Bernstein) and theorem 3 (hedged, theta 1/2, c 1/2).
    """

    def __init__(
        self,
        alpha: float = 0.05,
        low: float = 0.0,
        high: float = 1.0,
        method: Literal["bernstein", "betting"] = "bernstein",
    ) -> None:
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise InvalidInputError(f"bounds of {low} and {high}; the lower is less than the upper")
        self.alpha, self.low, self.high, self.method = proper_alpha(alpha), float(low), float(high), method
        self.n = 0
        self._sum = 0.0
        self._squares = 0.25
        self._weights = self._weighted = self._spent = 0.0
        self._bounds = [0.0, 1.0]
        self._means: FloatArray = np.linspace(0, 1, GRID)
        self._capital: FloatArray = np.zeros((2, GRID))

    def add(self, score: float) -> Interval:
        """Take the next score in. Returns the interval so far; raises InvalidInputError outside the bounds."""
        score = float(score)
        if not (np.isfinite(score) and self.low <= score <= self.high):
            raise InvalidInputError(
                f"score {self.n} is {score}, outside {self.low:g}..{self.high:g}",
                hint="give bounds that hold for every score",
            )
        x = (score - self.low) / (self.high - self.low)
        before, t = (0.5 + self._sum) / (self.n + 1), self.n + 1
        variance = self._squares / t
        stake = sqrt(2 * log(2 / self.alpha) / (variance * t * log1p(t)))
        if self.method == "betting":
            self._bet(x, stake)
        else:
            self._bernstein(x, min(stake, 0.5), before)
        self.n, self._sum = t, self._sum + x
        self._squares += (x - (0.5 + self._sum) / (t + 1)) ** 2
        return self.interval

    @property
    def interval(self) -> Interval:
        """The interval so far; all of the bounds before the first score. `value` is the mean score, held inside."""
        low, high = self._bounds
        middle = self._sum / self.n if self.n else 0.5
        span = self.high - self.low
        value, low, high = (self.low + span * v for v in (min(max(middle, low), high), low, high))
        name = {"bernstein": "empirical Bernstein", "betting": "hedged betting"}[self.method]
        return Interval(value, low, high, 1 - self.alpha, f"{name} confidence sequence")

    def state(self) -> dict[str, Any]:
        """Return everything there is to keep, JSON-compatible; `restore` goes on from it."""
        kept: dict[str, Any] = {
            "alpha": self.alpha,
            "low": self.low,
            "high": self.high,
            "method": self.method,
            "n": self.n,
        }
        kept |= {k: getattr(self, f"_{k}") for k in ("sum", "squares", "weights", "weighted", "spent")}
        kept["bounds"] = list(self._bounds)
        if self.method == "betting":
            kept["capital"] = self._capital.tolist()
        return kept

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> ConfidenceSequence:
        """Return the sequence that `state()` described."""
        made = cls(state["alpha"], state["low"], state["high"], state["method"])
        made.n, made._bounds = int(state["n"]), [float(b) for b in state["bounds"]]
        for key in ("sum", "squares", "weights", "weighted", "spent"):
            setattr(made, f"_{key}", float(state[key]))
        if "capital" in state:
            made._capital = np.asarray(state["capital"], dtype=np.float64)
        return made

    def _bernstein(self, x: float, stake: float, before: float) -> None:
        self._weights += stake
        self._weighted += stake * x
        self._spent += 4 * (x - before) ** 2 * (-log1p(-stake) - stake) / 4
        centre = self._weighted / self._weights
        radius = (log(2 / self.alpha) + self._spent) / self._weights
        self._narrow(centre - radius, centre + radius)

    def _bet(self, x: float, stake: float) -> None:
        m = self._means
        with np.errstate(divide="ignore"):
            up = np.minimum(stake, np.where(m > 0, 0.5 / np.maximum(m, 1e-300), np.inf))
            down = np.minimum(stake, np.where(m < 1, 0.5 / np.maximum(1 - m, 1e-300), np.inf))
        self._capital[0] += np.log1p(up * (x - m))
        self._capital[1] += np.log1p(-down * (x - m))
        kept = m[np.maximum(self._capital[0], self._capital[1]) < log(2 / self.alpha)]
        step = 1 / (GRID - 1)
        if kept.size:
            self._narrow(float(kept[0]) - step, float(kept[-1]) + step)

    def _narrow(self, low: float, high: float) -> None:
        """Intersect with what was known; a sequence that missed the truth keeps a single point and never turns round."""
        low, high = max(self._bounds[0], low), min(self._bounds[1], high)
        if low <= high:
            self._bounds = [low, high]
