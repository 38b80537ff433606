"""The mean over examples."""

from __future__ import annotations

from groundwork.evaluation.metrics._base import PerExample


class Mean(PerExample):
    """The mean of the examples' scores, in the scorer's units; repeats are averaged within their example first."""


plugin = Mean
