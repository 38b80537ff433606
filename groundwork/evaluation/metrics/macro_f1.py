"""F1 of labels, averaged over classes of any size alike."""

from __future__ import annotations

from groundwork.evaluation.metrics._labels import OfClasses


class MacroF1(OfClasses):
    """F1 of the class `positive`, or the unweighted mean over every class that is expected or predicted; between 0 and 1."""

    which = 2


plugin = MacroF1
