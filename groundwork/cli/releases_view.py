"""How releases, environments and trials look on a terminal, and as documents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.cli.screen import Screen, count, moment, one_line

if TYPE_CHECKING:
    from groundwork.answers.types import Answer
    from groundwork.core.improvement import EnvironmentSpec
    from groundwork.evaluation.statistics.types import Interval
    from groundwork.releases.diff import ReleaseDiff
    from groundwork.releases.evidence import EvaluationLine, VerdictLine
    from groundwork.releases.signing import Verification
    from groundwork.releases.trials import Trial
    from groundwork.releases.types import Approval, Deployment, Promotion, Release, Standing

Places = Mapping[str, Sequence[str]]
"""Environments by the id of the release that stands there."""


def places(standing: Sequence[Standing]) -> dict[str, list[str]]:
    """Return the environments that each release stands in."""
    found: dict[str, list[str]] = {}
    for s in standing:
        if s.release is not None:
            found.setdefault(s.release.id, []).append(s.environment)
    return found


def line_document(release: Release, standing: Places) -> dict[str, Any]:
    """Return a release without its manifest and envelope."""
    manifest = release.manifest
    return {
        "ref": release.ref,
        "id": release.id,
        "digest": release.digest,
        "app": release.app,
        "number": release.number,
        "index": manifest.index,
        "snapshot": manifest.snapshot,
        "prompt": manifest.prompt,
        "models": sorted(manifest.models),
        "note": release.note,
        "redacted": release.redacted,
        "created_at": release.created_at,
        "created_by": release.created_by,
        "environments": list(standing.get(release.id, [])),
    }


def verdict_document(verdict: VerdictLine) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in verdict.__slots__}


def created(release: Release, new: bool, screen: Screen) -> list[str]:
    said = "is new" if new else "was there already: it pins the same"
    lines = [f"{screen.bold(release.ref)} {screen.teal(release.digest[:7])} {said}", *_pins(release, screen)]
    return [*lines, "", screen.soft(f"Serve it: `groundwork release promote {release.ref} --to production`.")]


def releases(found: Sequence[Release], standing: Places, screen: Screen) -> list[str]:
    """Lay out releases, newest first."""
    if not found:
        return ["there is no release yet", screen.soft("Make one: `groundwork release create`.")]
    rows = [
        [
            r.ref,
            r.digest[:7],
            r.snapshot[:7],
            moment(r.created_at),
            one_line(r.created_by),
            ", ".join(standing.get(r.id, [])) or "–",
            one_line(("erased in part; " if r.redacted else "") + r.note),
        ]
        for r in found
    ]
    return screen.table(
        ["release", "digest", "documents", "made (UTC)", "by", "stands in", "note"], rows, stretch=6
    )


def release(
    found: Release,
    checked: Verification,
    evaluations: Sequence[EvaluationLine],
    verdicts: Sequence[VerdictLine],
    approvals: Sequence[Approval],
    standing: Places,
    screen: Screen,
) -> list[str]:
    """Lay out one release and what surrounds it."""
    where = ", ".join(standing.get(found.id, [])) or "no environment"
    lines = [
        f"{screen.bold(found.ref)} {screen.teal(found.digest)}",
        f"made {moment(found.created_at)} UTC by {one_line(found.created_by)}; stands in {where}",
    ]
    if found.note:
        lines += screen.paragraph(one_line(found.note))
    if found.redacted:
        lines += screen.paragraph(screen.red("a document of its snapshot was erased after it was made"))
    lines += ["", *_pins(found, screen), "", *verified(checked, screen)]
    for e in evaluations[:5]:
        lines += screen.paragraph(
            f"evaluation {e.id} on {e.dataset} {e.split}, {moment(e.created_at)}", "    ", "  "
        )
    for v in verdicts[:5]:
        over = "; overridden" if v.overrides else ""
        lines += screen.paragraph(
            f"verdict {v.id} of {v.gate}: {v.outcome}{over}. {one_line(v.headline)}", "    ", "  "
        )
    for a in approvals:
        said = "approved" if a.decision == "approve" else "refused"
        why = f": {one_line(a.comment)}" if a.comment else ""
        lines += screen.paragraph(f"{one_line(a.principal)} {said} it for {a.environment}{why}", "    ", "  ")
    if not evaluations and not verdicts:
        lines.append(
            screen.soft(f"  Nothing was measured of it: `groundwork evaluate {found.ref} --dataset NAME`.")
        )
    return lines


def _pins(release: Release, screen: Screen) -> list[str]:
    m = release.manifest
    model = ", ".join(sorted(m.models)) or str(m.recipe["model"].get("name", ""))
    pins = (
        ("documents", f"{m.index} {m.snapshot[:7]}"),
        ("prompt", m.prompt[: m.prompt.find("@") + 8] if m.prompt else "none"),
        ("model", model),
        ("reader", m.reader[:7]),
        ("threshold", f"{m.threshold:.3f}{' (calibrated)' if m.calibration else ''}"),
        ("settings", m.settings[:7]),
        ("code", _code(m.code)),
    )
    return [f"  {screen.soft(f'{name:<10}')} {one_line(value)}" for name, value in pins]


def _code(code: Mapping[str, Any]) -> str:
    commit = str(code.get("commit", ""))
    changed = " with changes" if code.get("dirty") else ""
    return f"groundwork {code.get('version', '')}" + (f", commit {commit[:7]}{changed}" if commit else "")


def verified(found: Verification, screen: Screen) -> list[str]:
    """Lay out what checking a signature found."""
    if found.valid:
        return screen.paragraph(
            f"{screen.green('signature holds')}: {found.app}@{found.number}, digest {found.digest[:7]}, "
            f"key {found.keyid[:7]}"
        )
    return [line for p in found.problems for line in screen.paragraph(f"{screen.red('does not hold')}: {p}")]


def diff(found: ReleaseDiff, screen: Screen) -> list[str]:
    """Lay out what differs between two releases."""
    lines = [
        f"{screen.bold(found.old.ref)} {screen.teal(found.old.digest[:7])} → "
        f"{screen.bold(found.new.ref)} {screen.teal(found.new.digest[:7])}"
    ]
    if found.same:
        return [*lines, "the same release"]
    for c in found.settings:
        lines += screen.paragraph(
            f"{c.name}: {one_line(c.was) or '–'} → {one_line(c.now) or '–'}", "    ", "  "
        )
    if found.prompt is not None:
        from groundwork.cli.prompts_view import diff as prompt_diff

        lines += ["", screen.bold("prompt"), *prompt_diff(found.prompt, screen)]
    if found.documents is not None:
        lines += ["", screen.bold("documents")]
        for change in found.documents.changes[:50]:
            was = f" (was {one_line(change.was)})" if change.was else ""
            lines.append(f"  {change.kind:<8} {one_line(change.document)}{was}")
        more = len(found.documents.changes) - 50
        lines += [screen.soft(f"  and {more:,} more")] if more > 0 else []
    return [*lines, *(line for n in found.notes for line in screen.paragraph(screen.soft(n)))]


def environments(
    specs: Mapping[str, EnvironmentSpec], standing: Sequence[Standing], own: str, screen: Screen
) -> list[str]:
    """Lay out the environments in the spec's order."""
    rows = []
    for name, spec in specs.items():
        asks = [f"gate {spec.gate}"] if spec.gate else []
        asks += [f"after {spec.after}"] if spec.after else []
        asks += [count(spec.approvals, "approval")] if spec.approvals else []
        stands = [s.release.ref for s in standing if s.environment == name and s.release is not None]
        rows.append(
            [
                name + (" *" if name == own else ""),
                ", ".join(stands) or "–",
                spec.role,
                ", ".join(asks) or "nothing",
            ]
        )
    lines = screen.table(["environment", "stands there", "role", "asks for"], rows, stretch=3)
    return [*lines, "", screen.soft(f"* served by this installation (setting `environment`): {own}")]


def status(standing: Sequence[Standing], screen: Screen) -> list[str]:
    """Lay out what stands where."""
    rows = [
        [
            s.app,
            s.environment,
            s.release.ref if s.release else "–",
            moment(s.since) if s.since else "–",
            f"{s.trial.kind} {s.trial.share:.0%}" if s.trial else "–",
        ]
        for s in standing
    ]
    lines = screen.table(["app", "environment", "release", "since (UTC)", "trial"], rows)
    for s in standing:
        for flag in s.flags:
            ref = s.release.ref if s.release else s.app
            lines += screen.paragraph(f"{screen.red('look at')} {ref} in {s.environment}: {flag}", "  ")
    if not any(s.release for s in standing):
        lines += ["", screen.soft("Without a release an app answers as groundwork.toml has it.")]
    return lines


def history(found: Sequence[Deployment], refs: Mapping[str, str], screen: Screen) -> list[str]:
    """Lay out deployments, newest first."""
    if not found:
        return ["nothing was promoted yet"]
    rows = [
        [
            moment(d.created_at),
            d.environment,
            d.kind,
            refs.get(d.release, d.release),
            refs.get(d.previous, d.previous) or "–",
            "" if d.state == "done" else d.state.replace("_", " "),
            one_line(d.created_by),
            one_line(d.reason),
        ]
        for d in found
    ]
    head = ["when (UTC)", "environment", "what", "release", "before", "state", "by", "why"]
    return screen.table(head, rows, stretch=7)


def moved(found: Promotion, what: str, screen: Screen) -> list[str]:
    """Lay out what came of a promotion or rollback."""
    if not found.promoted:
        return [
            f"{screen.red('not promoted')}: {found.release.ref} is not served in {found.environment}; nothing was changed",
            *checks(found, screen),
        ]
    was = f", before {found.previous.ref}" if found.previous else ""
    word = "promoted" if what == "promote" else "rolled back"
    lines = [f"{screen.green(word)}: {found.release.ref} is served in {found.environment}{was}"]
    for check in found.checks:
        if not check.passed:
            lines += screen.paragraph(f"{screen.amber('note')}: {one_line(check.message)}", "  ")
    if found.previous:
        undo = f"groundwork release rollback {found.release.app} --environment {found.environment}"
        lines += [screen.soft(f"Back: `{undo}`.")] if what == "promote" else []
    return lines


def checks(found: Promotion, screen: Screen) -> list[str]:
    """Lay out what is asked for, and the command for what is missing."""
    lines: list[str] = []
    for c in found.checks:
        word = (
            screen.green("passed")
            if c.passed
            else screen.red("missing")
            if c.blocks
            else screen.amber("note")
        )
        lines += screen.paragraph(f"{word} {c.name}: {one_line(c.message)}", "    ", "  ")
        if not c.passed and c.command:
            lines += screen.paragraph(f"→ {one_line(c.command)}", "      ", "    ")
    return lines


def decided(found: Approval, release: Release, screen: Screen) -> list[str]:
    word = screen.green("approved") if found.decision == "approve" else screen.red("refused")
    return [f"{word}: {release.ref} for {found.environment}, by {one_line(found.principal)}"]


def begun(found: Promotion, kind: str, screen: Screen) -> list[str]:
    """Lay out what came of an attempt to begin a trial."""
    if found.deployment is None:
        return [f"{screen.red('not begun')}: nothing was changed", *checks(found, screen)]
    d = found.deployment
    beside = f" beside {found.previous.ref}" if found.previous else ""
    lines = [
        f"{screen.green(f'the {kind} runs')}: {found.release.ref}{beside} in {found.environment}, {d.id}"
    ]
    if kind == "canary":
        lines.append(f"  {d.share:.0%} of the traffic; it is taken back by itself when it harms")
    return [
        *lines,
        screen.soft(f"See: `groundwork release {kind} status {d.app} --environment {d.environment}`."),
    ]


def trial(found: Trial, refs: Mapping[str, str], screen: Screen) -> list[str]:
    """Lay out how a trial stands: the sentence first, figures second."""
    d, spec = found.deployment, found.spec
    lines = [
        f"{screen.bold(d.kind)} {d.id}: {refs.get(d.release, d.release)} beside {refs.get(d.previous, d.previous)} in "
        f"{d.environment}, {d.state.replace('_', ' ')}",
        *screen.paragraph(found.sentence),
        "",
        f"  requests   {found.n:,} of at most {spec.max_requests:,}; {found.pairs:,} pairs, {found.dropped:,} without",
        f"  candidate  {_rate(found.candidate, found.candidate_n)}; {count(found.errors['candidate'], 'error')}",
        f"  baseline   {_rate(found.baseline, found.baseline_n)}; {count(found.errors['baseline'], 'error')}",
    ]
    if d.kind == "canary":
        lines += [
            f"  benefit    e = {_e(found.log_benefit)} of {1 / spec.alpha:g}, p = {found.p_benefit:.4f}",
            f"  harm       e = {_e(found.log_harm)} of {1 / spec.harm_alpha:g}, p = {found.p_harm:.4f}",
        ]
    ratio = found.ratio
    if ratio is not None and ratio.p_value is not None:
        word = screen.red("does not fit") if ratio.flagged else "fits"
        lines.append(
            f"  shares     {ratio.candidate:,} of {ratio.candidate + ratio.baseline:,} units, "
            f"{ratio.expected:,.0f} expected: {word}, p = {ratio.p_value:.4f}"
        )
    return lines


def both(one: tuple[str, Answer], other: tuple[str, Answer], screen: Screen) -> list[str]:
    """Lay out two answers to one question."""
    from groundwork.cli.answer_view import answer

    lines: list[str] = []
    for ref, found in (one, other):
        lines += [screen.bold(one_line(ref)), *answer(found, screen), ""]
    same = one[1].text == other[1].text and one[1].abstained == other[1].abstained
    return [*lines, "the same answer" if same else "different answers"]


def _rate(found: Interval | None, n: int) -> str:
    if found is None:
        return "nothing scored yet"
    return f"{found.value:.3f} [{found.low:.3f} {found.high:.3f}] served well (n = {n:,})"


def _e(log_e: float) -> str:
    return f"{math.exp(min(log_e, 40.0)):,.2f}"
