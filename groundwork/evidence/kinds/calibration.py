"""Calibrations: the confidence under which an app declines, found on labelled questions."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, text, time
from groundwork.storage import tables as t

c = t.calibrations.c


class Calibrations(Kind):
    """One calibration of an app."""

    title = "calibrations"
    room = "answers"
    made_by = "groundwork calibrate"
    table = t.calibrations
    id = c.id
    at = c.created_at
    timed = True
    fields = described(
        id=text(c.id, "its id"),
        app=text(c.app, "of which app"),
        at=time(c.created_at, "when"),
    )
    named = ("app",)


plugin = Calibrations
