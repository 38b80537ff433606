"""AURC: the area under the curve of risk over coverage.

Source: Geifman and El-Yaniv, Selective classification for deep neural networks (2017); the mean of the risk at each coverage
k/n, as in Geifman, Uziel and El-Yaniv (2019).
"""

from __future__ import annotations

import numpy as np

from groundwork.evaluation.metrics._selective import Floats, Selective


class Aurc(Selective):
    """The mean, over every number k of answers given, of the loss among the k surest; between 0 and 1, lower is better."""

    def number(self, losses: Floats) -> float | None:
        return float((np.cumsum(losses) / np.arange(1, len(losses) + 1)).mean())


plugin = Aurc
