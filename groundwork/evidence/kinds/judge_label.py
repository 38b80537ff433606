"""Labels that people gave outputs, for judges to be measured by; never the output or the comment."""

from __future__ import annotations

from sqlalchemy import select

from groundwork.evidence.records import Kind, described, text, time
from groundwork.storage import improvement_tables as t

w = t.judge_labels.c
_judge = (
    select(t.judge_samples.c.judge)
    .where(t.judge_samples.c.tenant == w.tenant, t.judge_samples.c.id == w.sample_id)
    .correlate(t.judge_labels)
    .scalar_subquery()
)


class JudgeLabels(Kind):
    """What one person said of one item."""

    title = "labels of people"
    room = "evaluation"
    made_by = "groundwork judge label SAMPLE"
    table = t.judge_labels
    id = w.id
    at = w.created_at
    timed = True
    fields = described(
        id=text(w.id, "its id"),
        sample=text(w.sample_id, "the sample it belongs to"),
        judge=text(_judge, "the judge the sample was drawn for"),
        item=text(w.item, "which output"),
        rater=text(w.principal, "who"),
        at=time(w.created_at, "when"),
    )
    named = ("judge",)
    page = "/judges/samples/{sample}"


plugin = JudgeLabels
