"""What a judge of the spec says of an output."""

from __future__ import annotations

from groundwork.core.errors import SettingsError
from groundwork.evaluation.scorers._judged import Judged


class Judge(Judged):
    """The verdict of the judge that is named; see `judges` in the spec for its rubric and labels.

    Args:
        judge: name of a judge of the spec.
        graded: the place of the label among the judge's labels, from 0 to 1, instead of passing (1) or not (0).
        declined: what a declined answer is: `judged` like any other, `fail`, or `skip` to leave it out.
    """

    def __init__(self, judge: str = "default", graded: bool = False, declined: str = "judged") -> None:
        if declined not in ("judged", "fail", "skip"):
            raise SettingsError(f"`declined = {declined}` is not known", hint="one of judged, fail, skip")
        super().__init__(judge, graded, declined)


plugin = Judge
