"""Recall of labels: how many of a class are found."""

from __future__ import annotations

from groundwork.evaluation.metrics._labels import OfClasses


class Recall(OfClasses):
    """Recall of the class `positive`, or the unweighted mean over classes; 0 for one that is never expected."""

    which = 1


plugin = Recall
