"""Mean absolute error."""

from __future__ import annotations

from groundwork.evaluation.metrics._base import PerExample


class Mae(PerExample):
    """The mean of the absolute errors that `error` scores, in units of the number; lower is better."""

    higher_is_better = False


plugin = Mae
