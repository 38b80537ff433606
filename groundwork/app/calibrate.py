"""Ask an app every question of a labelled file, and find the threshold that keeps its promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.answers import store
from groundwork.answers.calibration import Calibration, Scored, calibrate, holds_answer, read_labelled
from groundwork.answers.pipeline import holds_for
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
