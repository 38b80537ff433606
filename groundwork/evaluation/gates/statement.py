"""The error-control statement of a verdict (P9): what was tested at which level, how often was looked, what is unchecked."""

from __future__ import annotations

from groundwork.core.improvement import GateSpec
from groundwork.evaluation.gates.types import Verdict
from groundwork.evaluation.gates.wording import count, percent
from groundwork.evaluation.statistics.statement import error_statement

UNCHECKED = (
    "that the examples are a fair sample of real use",
    "that clusters are independent of each other",
    "that the scorers measure what people mean",
)


def statement_of(spec: GateSpec, verdict: Verdict) -> str:
    """Return the statement, a few plain sentences; a function of its arguments alone."""
    aim = spec.primary
    first = verdict.primary
    corrected = (
        f"a slice that is worse beyond the margin blocks at {percent(spec.alpha)} over all slices (Holm), warnings have a "
        "false discovery rate of 10 % (Benjamini and Hochberg)"
    )
    said = [
        error_statement(
            metric=aim.metric,
            test=first.test
            if first is not None and first.test
            else "no test, as there was too little to test",
            alpha=spec.alpha,
            margin=aim.margin if aim.test == "non_inferiority" else 0.0,
            n=verdict.n,
            clusters=verdict.clusters,
            looks=max(1, verdict.looks),
            correction=corrected if spec.slices else "",
            guards=[g.metric for g in spec.guards if g.required],
            unchecked=UNCHECKED,
        ),
        f"A candidate that is no better passes at most {percent(spec.alpha)} of the time, if it is planned and judged once.",
    ]
    if spec.limits:
        said.append("Limits compare the measured value and have no level of error.")
    if verdict.posthoc:
        said.append(
            "The evaluations began before the plan: the level does not hold, and nothing is promoted by it."
        )
    if verdict.earlier:
        said.append(
            f"This gate has decided {count(verdict.earlier, 'other plan')} on this version of the dataset before; over all "
            f"of them together the level is not {percent(spec.alpha)}."
        )
    if verdict.split == "holdout":
        said.append(
            f"The holdout has been evaluated {count(verdict.looks, 'time')} by now, this gate's runs included; each look "
            "wears it out."
        )
    if verdict.judges:
        said.append("Errors of the judge are bounded by its card and are not part of the level.")
    return " ".join(said)
