"""Evaluation in a workspace: the parts of the room, built from the settings here and introduced to the rooms they ask."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.once import once

if TYPE_CHECKING:
    from groundwork.app.subjects_evaluated import SubjectMaker
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.book import Evaluations
    from groundwork.evaluation.comparing import Comparisons
    from groundwork.evaluation.gates.gates import Gates
    from groundwork.evaluation.judges.judges import Judges
    from groundwork.evaluation.running import Runner
    from groundwork.evaluation.scorers import Services
    from groundwork.evaluation.tuning.tuner import Tuner


@dataclass
class EvaluationRoom:
    """The parts, each made when it is first asked for."""

    workspace: Workspace
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def book(self) -> Evaluations:
        """The records of evaluations and their results."""
        from groundwork.app.running import make_book

        return make_book(self.workspace)

    @once
    def subjects(self) -> SubjectMaker:
        """Makes what can be evaluated of apps, releases, models and files."""
        from groundwork.app.subjects_evaluated import SubjectMaker

        return SubjectMaker(self.workspace)

    @once
    def services(self) -> Services:
        """What scorers may use: the encoder, judges, the groundedness detector."""
        from groundwork.app.scoring import HouseServices

        return HouseServices(self.workspace)

    @once
    def runner(self) -> Runner:
        """Runs evaluations; see `Workspace.evaluate`."""
        from groundwork.app.running import make_runner

        return make_runner(self.workspace)

    @once
    def judges(self) -> Judges:
        """The judges of the spec, their samples, labels and cards."""
        from groundwork.app.judging import make_judges

        return make_judges(self.workspace)

    @once
    def comparisons(self) -> Comparisons:
        """Compares two evaluations example by example."""
        from groundwork.app.gating import make_comparisons

        return make_comparisons(self.workspace)

    @once
    def gates(self) -> Gates:
        """The gates of the spec, their plans and verdicts."""
        from groundwork.app.gating import make_gates

        return make_gates(self.workspace)

    @once
    def tuner(self) -> Tuner:
        """Searches for a better configuration of an app."""
        from groundwork.app.tuning import make_tuner

        return make_tuner(self.workspace)
