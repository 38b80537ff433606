"""Precision of labels: how many of those said to be of a class are of it."""

from __future__ import annotations

from groundwork.evaluation.metrics._labels import OfClasses


class Precision(OfClasses):
    """Precision of the class `positive`, or the unweighted mean over classes; 0 for a class that is never predicted."""

    which = 0


plugin = Precision
