"""P9: what was tested, at which level, and what was not checked: printed with every verdict."""

from __future__ import annotations

from collections.abc import Sequence


def error_statement(
    *,
    metric: str,
    test: str,
    alpha: float,
    alternative: str = "greater",
    margin: float = 0.0,
    n: int = 0,
    clusters: int | None = None,
    looks: int = 1,
    anytime: bool = False,
    correction: str = "",
    guards: Sequence[str] = (),
    unchecked: Sequence[str] = (
        "examples are like the requests that will come",
        "clusters do not depend on each other",
    ),
) -> str:
    """Return the error-control statement in plain sentences.

    Args:
        metric: what decides. test: the procedure. alternative: `greater`, `less` or `two-sided`.
        margin: greater than 0 for non-inferiority, in units of the metric.
        looks: how often this data was looked at, this time included. anytime: the test allows looking at any time.
        correction: what was done about several tests; empty: none.
        guards: metrics that all had to pass as well (intersection-union).
        unchecked: assumptions nobody checked.
    """
    side = {"greater": "one-sided", "less": "one-sided"}.get(alternative, "two-sided")
    question = (
        f"no worse by {margin:g} or more"
        if margin > 0
        else ("better" if side == "one-sided" else "different")
    )
    size = f"{n:,} example{'' if n == 1 else 's'}"
    size += f" in {clusters:,} clusters" if clusters is not None and clusters != n else ""
    parts = [
        f"Tested: `{metric}` of the candidate is {question}, by {test}, {side}, alpha {alpha:g}, on {size}."
    ]
    if anytime:
        parts.append("The test stays valid however often it is looked at.")
    elif looks > 1:
        parts.append(
            f"These examples were looked at {looks} times; the level holds for one look, and chance alone passes up to "
            f"{min(1.0, looks * alpha):.0%} of the time over {looks}."
        )
    else:
        parts.append("Looked at once.")
    if guards:
        listed = ", ".join(f"`{g}`" for g in guards)
        parts.append(
            f"Also required: {listed}; all must pass, which needs no correction (intersection-union)."
        )
    parts.append(
        f"Correction: {correction}." if correction else "Correction for several tests: none needed or made."
    )
    if unchecked:
        parts.append(f"Not checked: {'; '.join(unchecked)}.")
    return " ".join(parts)
