"""Reports as Markdown, for a pull request: the sentence, the table, the links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundwork.core.digest import short
from groundwork.evaluation.comparing import in_words
from groundwork.evaluation.gates.types import Comparison, Verdict
from groundwork.evaluation.gates.wording import (
    OUTCOMES,
    STATES,
    around,
    figure,
    p_words,
    signed,
    slice_sentence,
    span,
)
from groundwork.evaluation.metrics.naming import with_unit
from groundwork.evaluation.reports.links import Links, marked
from groundwork.evaluation.reports.page import moment
from groundwork.evaluation.types import Evaluation

MARKS = {"promote": "✅", "reject": "❌", "insufficient": "⚠️"}
STATE_MARKS = {"pass": "✅", "fail": "❌", "undecided": "⚠️"}


def evaluation_summary(evaluation: Evaluation, *, base: str = "") -> str:
    """Return an evaluation: its metrics with intervals."""
    links = Links(base)
    rows = [
        [
            code(with_unit(name, name, evaluation.scorers)),
            figure(m.get("value")),
            _around(m),
            f"{m.get('n', 0):,}",
        ]
        for name, m in (evaluation.summary or {}).items()
        if isinstance(m, Mapping) and "value" in m
    ]
    return "\n".join(
        [
            f"### {plain(evaluation.title or 'Evaluation')}",
            "",
            f"{evaluation.n:,} examples of `{evaluation.dataset}` ({short(evaluation.dataset_version)}, "
            f"{evaluation.split or 'all'}), {marked(links.evaluation(evaluation.id), evaluation.id)}, "
            f"{figure(evaluation.cost_usd)} USD.",
            "",
            *_table(["metric", "value", "95 % interval", "n"], rows),
            "",
        ]
    )


def comparison_summary(found: Comparison, *, base: str = "") -> str:
    """Return a comparison: the sentences, then the figures."""
    links = Links(base)
    a, b = found.baseline.id, found.candidate.id
    rows = [
        [
            code(m.metric), figure(m.baseline.value), figure(m.candidate.value), signed(m.difference.value),
            span(m.difference.low, m.difference.high), p_words(m.p_value), f"{m.wins:,} / {m.losses:,} / {m.ties:,}",
        ]
        for m in found.metrics
    ]  # fmt: skip
    head = ["metric", "first", "second", "difference", "95 % interval", "p", "better / worse / same"]
    warned = [f"- {slice_sentence(s)}" for m in found.metrics for s in m.slices if s.warning]
    return "\n".join(
        [
            "### Comparison",
            "",
            *[f"- {plain(s)}" for s in in_words(found)],
            "",
            *_table(head, rows),
            "",
            *([*warned, ""] if warned else []),
            f"First {marked(links.evaluation(a), a)}, second {marked(links.evaluation(b), b)}, "
            f"{found.n:,} examples {_side_by_side(links.compare(a, b))}.",
            "",
        ]
    )


def verdict_summary(verdict: Verdict, *, base: str = "") -> str:
    """Return a verdict: the outcome in a sentence, what had to be shown, and how sure it is."""
    links = Links(base)
    rows = [
        [
            STATE_MARKS[c.state] + " " + STATES[c.state] + ("" if c.required else " (warning)"),
            code(c.metric), figure(c.baseline), figure(c.candidate), signed(c.difference), around(c),
            p_words(c.p_value), f"{c.n:,}",
        ]
        for c in verdict.checks
    ]  # fmt: skip
    head = ["", "metric", "before", "after", "difference", "interval", "p", "n"]
    return "\n".join(
        [
            f"### {MARKS[verdict.outcome]} {OUTCOMES[verdict.outcome]}: gate `{verdict.gate}`",
            "",
            plain(verdict.headline),
            "",
            *[
                f"> **Overridden** by {plain(o.principal)} ({o.role}), {moment(o.at)}: {plain(o.reason)}\n"
                for o in verdict.overrides
            ],
            *_table(head, rows),
            "",
            *[f"- ⚠️ {plain(w)}" for w in verdict.warnings],
            *([""] if verdict.warnings else []),
            "<details><summary>How sure this is</summary>",
            "",
            plain(verdict.statement),
            "",
            f"Plan `{verdict.plan}`, stored {moment(verdict.planned_at)}.",
            "",
            "</details>",
            "",
            f"{marked(links.verdict(verdict.id), verdict.id)}: baseline "
            f"{marked(links.evaluation(verdict.baseline), verdict.baseline)}, candidate "
            f"{marked(links.evaluation(verdict.candidate), verdict.candidate)}, dataset "
            f"{marked(links.dataset(verdict.dataset), verdict.dataset)}.",
            "",
        ]
    )


def plain(text: str) -> str:
    """Return text that cannot break out of a line of Markdown; code spans stay."""
    flat = " ".join(text.split())
    return flat.replace("<", "&lt;").replace("|", "\\|").replace("[", "\\[").replace("@", "@\u200b")


def code(text: str) -> str:
    """Return text as a code span that stays in its cell of a table."""
    flat = " ".join(text.split()).replace("`", "'").replace("<", "‹").replace("|", "¦")
    return f"`{flat}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    line = "| " + " | ".join(head) + " |"
    return [line, "|" + "|".join(" --- " for _ in head) + "|", *["| " + " | ".join(r) + " |" for r in rows]]


def _around(m: Mapping[str, object]) -> str:
    low, high = m.get("low"), m.get("high")
    if isinstance(low, int | float) and isinstance(high, int | float):
        return f"{figure(low)} to {figure(high)}"
    return str(m.get("method", ""))


def _side_by_side(address: str) -> str:
    return f"[side by side]({address})" if address else "on both sides"
