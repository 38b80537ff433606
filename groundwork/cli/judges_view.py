"""How judges, their samples and their cards look on a terminal, and as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.money import usd
from groundwork.cli.bench_view import interval
from groundwork.cli.screen import Screen, count, moment, one_line, visible

if TYPE_CHECKING:
    from groundwork.evaluation.judges.calibrating import Drift
    from groundwork.evaluation.judges.correcting import Corrected
    from groundwork.evaluation.judges.judges import JudgeInfo
    from groundwork.evaluation.judges.samples import Card, Progress, Sample, SampleItem
    from groundwork.evaluation.judges.types import JudgeVerdict, Shown

_LEANINGS = {
    "position": "takes the first place {points} more often than the second",
    "length": "sides with the longer output {points} more often than people do",
    "self_preference": "sides with its own family {points} more often than people do",
}


# -- documents ----------------------------------------------------------------------------------------------------------
def judge_document(info: JudgeInfo) -> dict[str, Any]:
    trust = info.trust
    return {
        "name": info.name,
        "kind": info.kind,
        "version": info.version,
        "labels": list(info.labels),
        "passing": info.passing,
        "gates": trust.gates,
        "unattended": trust.unattended,
        "state": admission(info),
        "reason": trust.reason,
        "card": trust.card_id or (info.card.id if info.card else ""),
        "stale": info.stale,
        "problem": info.problem,
        "samples": len(info.samples),
        "spec": info.spec.model_dump(mode="json") if info.spec else None,
    }


def sample_document(sample: Sample, counted: tuple[int, int]) -> dict[str, Any]:
    found = sample.as_dict()
    found.pop("recorded")
    return {**found, "items": list(sample.items), "labelled": counted[0], "raters": counted[1]}


def item_document(item: SampleItem) -> dict[str, Any]:
    return item.as_dict()


# -- words ---------------------------------------------------------------------------------------------------------------
def admission(info: JudgeInfo) -> str:
    """Return what a judge may do, in words."""
    if info.problem:
        return "cannot be asked"
    if info.trust.unattended:
        return "may gate unattended"
    return "may gate" if info.trust.gates else "may not gate"


def judges(found: Sequence[JudgeInfo], screen: Screen) -> list[str]:
    if not found:
        return [
            "The spec names no judge yet. Write one into groundwork.toml:",
            "",
            "    [judges.correctness]",
            '    model = "openai/gpt-5-mini"',
        ]
    rows = []
    for info in found:
        kappa = (info.card.record.get("kappa") if info.card else None) or {}
        shown = interval(kappa) if kappa else "–"
        n = str(info.card.n) if info.card else "–"
        rows.append([one_line(info.name), info.kind, info.version[:7] or "–", n, shown, admission(info)])
    lines = screen.table(["judge", "kind", "version", "labels", "kappa", "admission"], rows, "<<<>", 0)
    for info in found:
        if info.trust.reason:
            lines += screen.paragraph(f"{info.name}: {one_line(info.trust.reason)}", "  ")
    return lines


def judge(
    info: JudgeInfo,
    samples: Sequence[tuple[Sample, tuple[int, int]]],
    cards: Sequence[Card],
    drift: Drift,
    screen: Screen,
) -> list[str]:
    lines = [f"{screen.bold(info.name)}  {info.kind}  {admission(info)}"]
    if info.trust.reason:
        lines += screen.paragraph(info.trust.reason)
    if info.spec is not None:
        asks = info.spec.model or ", ".join(info.spec.members)
        lines += [f"asks {asks}, says {', '.join(info.labels)}; passes from `{info.passing}`"]
        lines += screen.paragraph(f"rubric: {one_line(info.spec.rubric)}") if info.spec.rubric else []
    lines += [f"version {info.version[:12]}"] if info.version else []
    if info.card is not None:
        lines += ["", *card(info.card, screen)]
    if drift.state != "unknown" or info.card is not None:
        lines += ["", *screen.paragraph(f"{drift.state}: {drift.reason}")]
    if samples:
        rows = [
            [
                s.id,
                s.evaluation_id or "imported",
                s.scheme,
                f"{n[0]} of {len(s.items)}",
                str(n[1]),
                moment(s.created_at),
            ]
            for s, n in samples
        ]
        head = ["sample", "drawn from", "scheme", "labelled", "people", "made (UTC)"]
        lines += ["", *screen.table(head, rows, "<<<>>", 1)]
    if cards:
        rows = [[c.id, c.version[:7], str(c.n), moment(c.created_at), c.created_by] for c in cards]
        lines += ["", *screen.table(["card", "version", "labels", "made (UTC)", "by"], rows, "<<>")]
    return lines


def card(found: Card, screen: Screen) -> list[str]:
    """Lay out a card: agreement with its interval, errors, leanings, people among themselves."""
    r = found.record
    lines = [f"{screen.bold('card')} {found.id}, {moment(found.created_at)} UTC by {found.created_by}"]
    about = [f"{count(int(r['n']), 'labelled item')} of {r['raters']} people"]
    about += [f"{r['unread']} verdicts could not be read"] if r["unread"] else []
    about += [f"{r['divided']} on which people are divided"] if r["divided"] else []
    about += [f"{r['gone']} whose output is gone"] if r.get("gone") else []
    about += ["verdicts were recorded elsewhere"] if r.get("origin") == "imported" else []
    lines += screen.paragraph(", ".join(about))
    rows = [
        [word, interval(r[key])]
        for key, word in (
            ("agreement", "agreement"),
            ("kappa", "Cohen's kappa" + (", quadratic weights" if r["ordered"] else "")),
            ("kappa_unweighted", "Cohen's kappa, unweighted"),
            ("ac1", "Gwet's AC1"),
            ("sensitivity", "sensitivity: it passes what people pass"),
            ("specificity", "specificity: it fails what people fail"),
        )
        if r.get(key)
    ]
    people = r.get("people", {})
    rows += (
        [["people among themselves, Krippendorff's alpha", interval(people["alpha"])]]
        if "alpha" in people
        else []
    )
    lines += screen.table(["", "value [95 % interval]"], rows) if rows else []
    lines += screen.paragraph(str(r["constant"])) if r.get("constant") else []
    for key, words in _LEANINGS.items():
        lines += _leaning(r.get(key) or {}, words, screen)
    return lines


def _leaning(leaning: Mapping[str, Any], words: str, screen: Screen) -> list[str]:
    if leaning.get("found") is None:
        return []
    says = "leans" if leaning["found"] else "no leaning shown"
    text = words.format(points=interval(leaning["points"]))
    more = f"; the same in both orders {interval(leaning['consistent'])}" if "consistent" in leaning else ""
    slope = leaning.get("slope")
    more += f"; slope on log length {interval(slope)}" if slope else ""
    return screen.paragraph(f"{says}: {text}{more} (p = {leaning['p_value']:.2g})", "  ")


def tried(verdict: JudgeVerdict, screen: Screen) -> list[str]:
    if verdict.error:
        return [f"no verdict ({verdict.error})", *screen.paragraph(visible(verdict.reason))]
    lines = [screen.bold(verdict.label), *screen.paragraph(visible(verdict.reason))]
    if verdict.preference:
        lines.append(f"in the given order {verdict.preference}, in the other one {verdict.swapped}")
    for name, member in verdict.members.items():
        lines.append(f"  {name}: {member['label'] or member['error']}")
    lines.append("from the cache" if verdict.cached else usd(verdict.cost_usd))
    return lines


def drawn(sample: Sample, screen: Screen) -> list[str]:
    head = (
        f"{sample.id}: {count(len(sample.items), 'item')} of {sample.population:,} drawn, seed {sample.seed}"
    )
    return [
        *screen.paragraph(f"{head}, population {sample.population_digest[:12]}"),
        f"Label them: groundwork judge label {sample.id}",
    ]


def labelled(progress: Progress, sample_id: str, judge: str) -> list[str]:
    lines = [f"{progress.mine} of {progress.of} labelled by you, {progress.anybody} by anybody."]
    lines += (
        [f"{progress.gone} cannot be labelled any more: their outputs are gone."] if progress.gone else []
    )
    if progress.anybody:
        lines.append(f"Make the card: groundwork judge card {judge} --make")
    return lines


def item(found: SampleItem, labels: Sequence[str], keys: Sequence[str], screen: Screen) -> list[str]:
    """Lay out one item for its labeller: context, output, what may be said; never the judge's verdict."""
    lines = ["", screen.soft(f"── {found.place} of {found.of} ──")]
    shown = found.shown
    lines += _part("asked", shown.input, screen) + _part("expected", shown.expected, screen)
    for n, context in enumerate(shown.contexts, 1):
        lines += _part(f"passage {n}", context, screen)
    lines += _part("output" if not shown.other else "first", shown.output, screen, strong=True)
    lines += _part("second", shown.other, screen, strong=True) if shown.other else []
    said = "  ".join(f"{screen.bold(key)} {label}" for key, label in zip(keys, labels, strict=False))
    lines += ["", f"{said}  {screen.soft('s skip  u undo  c comment  q quit')}"]
    return lines


def _part(name: str, text: str, screen: Screen, *, strong: bool = False) -> list[str]:
    if not text:
        return []
    lines = [screen.bold(name) if strong else screen.soft(name)]
    for line in visible(text).splitlines():
        lines += screen.paragraph(line, "  ", "  ")
    return lines


def checked(check: Card, drift: Drift, screen: Screen) -> list[str]:
    r = check.record
    changed, agreement = r["changed"], r["agreement"]
    return [
        *screen.paragraph(
            f"Asked again for {count(int(r['n']), 'item')}: {changed['n']} verdicts changed ({interval(changed)}), "
            f"it agrees with people in {interval(agreement)}, {r['agreement_before']:.3f} when its card was made."
        ),
        *screen.paragraph(f"{drift.state}: {drift.reason}"),
    ]


def corrected(found: Corrected, screen: Screen) -> list[str]:
    m = found.measured
    lines = [
        f"judged      {found.judged:.3f} of {m.n} outputs, as {found.judge} counts"
        if found.judged is not None
        else "judged      –"
    ]
    if m.value is not None:
        lines.append(f"corrected   {interval({'value': m.value, 'low': m.low, 'high': m.high})}  {m.method}")
    for word, made in (
        ("labels alone", found.human_only), ("with judge  ", found.powered), ("cross-check ", found.cross_check),
    ):  # fmt: skip
        lines += [f"{word} {interval(made.as_dict())}  {made.method}"] if made else []
    for note in found.notes:
        lines += screen.paragraph(note)
    return lines


def shown_document(shown: Shown) -> dict[str, Any]:
    return {"input": shown.input, "output": shown.output, "expected": shown.expected, "other": shown.other}
