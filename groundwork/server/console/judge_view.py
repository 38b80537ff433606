"""Judges in the words of a page: what each may do, its card's figures with their intervals drawn, where it leans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from groundwork.evaluation.judges.admission import GATES_FROM, UNATTENDED_FROM
from groundwork.evaluation.judges.samples import Card
from groundwork.evaluation.reports.page import words
from groundwork.evaluation.reports.plots import interval

if TYPE_CHECKING:
    from groundwork.evaluation.judges.judges import JudgeInfo

WIDE, HIGH, PAD = 640, 120, 10
LEANINGS = (
    ("position", "prefers the first place", "first over second place"),
    ("length", "prefers the longer output", "more often than people do"),
    ("self_preference", "prefers its own family", "more often than people do"),
)


@dataclass(frozen=True)
class Figure:
    """One number of a card with its interval, in words and drawn."""

    name: str
    value: str
    n: str
    says: str
    plot: Markup


def state_of(info: JudgeInfo) -> tuple[str, str]:
    """Return what a judge may do as a slug and in words."""
    if info.problem:
        return "plain", "cannot be asked"
    if info.trust.unattended:
        return "good", "may gate unattended"
    return ("warn", "may gate, with a person's signature") if info.trust.gates else ("bad", "may not gate")


def said(text: str) -> Markup:
    """Return words for a page; what stands between backticks as code."""
    return Markup(words(text))  # noqa: S704 - `words` has escaped them


def kappa_words(card: Card | None) -> str:
    """Return kappa with its interval and n; a dash where there is none."""
    kappa = (card.record.get("kappa") if card else None) or None
    return f"{_between(kappa)} (n = {card.n:,})" if card and kappa else "–"


def figures(record: Mapping[str, Any]) -> list[Figure]:
    """Return agreement, kappa and errors of a card."""
    kappa = "Cohen's kappa" + (", quadratic weights" if record.get("ordered") else "")
    wanted = (
        ("agreement", "says the same as people", None),
        ("kappa", kappa, GATES_FROM),
        ("kappa_unweighted", "Cohen's kappa, unweighted", None),
        ("ac1", "Gwet's AC1", None),
        ("sensitivity", "passes what people pass", None),
        ("specificity", "fails what people fail", None),
    )
    found = []
    for key, name, threshold in wanted:
        value = record.get(key)
        if not value:
            continue
        says = (
            f"the line is {GATES_FROM:.2f}; {UNATTENDED_FROM:.2f} lets it decide alone"
            if key == "kappa"
            else ""
        )
        n = int(value.get("n", record["n"]))
        found.append(Figure(name, _between(value), f"{n:,}", says, _drawn(name, value, threshold)))
    alpha = record.get("people", {}).get("alpha")
    if alpha:
        name = "people among themselves, Krippendorff's alpha"
        twice = f"{record['people'].get('twice', 0):,}"
        found.append(
            Figure(name, _between(alpha), twice, "no judge can be asked for more", _drawn(name, alpha, None))
        )
    return found


def leanings(record: Mapping[str, Any]) -> list[Figure]:
    """Return where a judge leans, in points with intervals; what could not be measured says why."""
    found = []
    for key, name, unit in LEANINGS:
        leaning = record.get(key)
        if not leaning:
            continue
        if leaning.get("found") is None:
            found.append(
                Figure(name, "–", f"{leaning.get('n', 0):,}", str(leaning.get("note", "")), Markup(""))
            )
            continue
        says = f"{'it leans' if leaning['found'] else 'not shown'} (p = {leaning['p_value']:.2g})"
        if "consistent" in leaning:
            says += f"; the same in both orders {_between(leaning['consistent'])}"
        slope = leaning.get("slope")
        says += f"; slope on log length {_between(slope)}" if slope else ""
        n = leaning.get("own", leaning.get("n", 0)) if key == "self_preference" else leaning.get("n", 0)
        points = leaning["points"]
        drawn = interval(points["value"], points["low"], points["high"], label=f"{name}: {_between(points)}")
        plot = Markup(drawn)  # noqa: S704 - made of numbers and words that `interval` has escaped
        found.append(Figure(name, f"{_between(points, 100)} points {unit}", f"{n:,}", says, plot))
    return found


def confusion(record: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """Return the judge's labels and, by what people said, how often it said each."""
    labels = [str(x) for x in record["labels"]]
    table = record["confusion"]
    return labels, [(h, [int(table[h][v]) for v in labels]) for h in labels]


def disagreements(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the items on which judge and people differ, each with the address of its record."""
    return [
        {
            "item": i["item"].rpartition(":")[2],
            "human": i["human"],
            "verdict": i["verdict"] or i.get("error", ""),
            "people": ", ".join(f"{r}: {v}" for r, v in sorted(i["people"].items())),
            "href": item_href(i["item"]),
        }
        for i in record["items"]
        if i["human"] and i["verdict"] != i["human"]
    ]


def item_href(name: str) -> str:
    """Return the address of the result that a card's item names; empty for what was imported."""
    where, mark, item = name.partition(":")
    example, slash, repeat = item.rpartition("/")
    evaluation = where.partition("+")[0]
    if not mark or not slash or not evaluation.startswith("evl_"):
        return ""
    more = f"?repeat={repeat}" if repeat not in ("", "0") else ""
    return f"/evaluations/{quote(evaluation)}/examples/{quote(example)}{more}"


def path_plot(cusum: Mapping[str, Any] | None) -> Markup:
    """Draw the cumulative sum of a judge's checks with the line that raises the alarm."""
    if not cusum or not cusum["path"]:
        return Markup("")
    path: Sequence[float] = cusum["path"]
    top = max(*path, float(cusum["threshold"]), 1e-9) * 1.1
    step = (WIDE - 2 * PAD) / max(1, len(path) - 1)
    points = " ".join(f"{PAD + n * step:.1f},{_y(v, top):.1f}" for n, v in enumerate(path))
    line = _y(float(cusum["threshold"]), top)
    said = f"cumulative sum over {len(path)} answers, now {path[-1]:.2f}; the alarm is at {cusum['threshold']:.2f}"
    return Markup(
        '<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="trend-edge" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<line class="whisker-margin" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<polyline class="trend-line" points="{}"/></svg>'
    ).format(WIDE, HIGH, said, PAD, WIDE - PAD, HIGH - PAD, HIGH - PAD, PAD, WIDE - PAD, line, line, points)


def _y(value: float, top: float) -> float:
    return HIGH - PAD - (HIGH - 2 * PAD) * value / top


def _between(value: Mapping[str, Any], times: float = 1.0) -> str:
    form = "{:.1f}" if times != 1.0 else "{:.3f}"
    middle, low, high = (form.format(times * float(value[k])) for k in ("value", "low", "high"))
    return f"{middle} ({low} to {high})"


def _drawn(name: str, value: Mapping[str, Any], threshold: float | None) -> Markup:
    low = min(0.0, float(value["low"]))
    said = f"{name}: {_between(value)}"
    drawn = interval(
        value["value"], value["low"], value["high"], threshold=threshold, least=low, most=1.0, label=said
    )
    return Markup(drawn)  # noqa: S704 - made of numbers and words that `interval` has escaped
