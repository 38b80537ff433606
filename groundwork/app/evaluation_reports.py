"""Evaluations as files: reports, exports for other tools, and evaluations of other tools brought here."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import GroundworkError, InvalidInputError, StorageFullError
from groundwork.core.principal import Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.planning import RunPlan
from groundwork.evaluation.types import Evaluation, Result
from groundwork.evaluation.worst import worst

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.interop.inspect_log import Imported

WORST = 20
SUFFIX = {"html": ".html", "md": ".md", "json": ".json", "junit": ".xml"}


def corrected_of(workspace: Workspace, principal: Principal, found: Evaluation) -> dict[str, Any]:
    """Return the rates that judges gave, corrected for their error, by scorer; those that cannot be are left out."""
    judged = [name for name, known in found.scorers.items() if known["parameters"].get("judge")]
    if not judged or found.state != "done":
        return {}
    from groundwork.evaluation.judges.correcting import corrected

    rates: dict[str, Any] = {}
    for name in judged:
        try:
            rates[name] = corrected(principal, found, name, judges=workspace.evaluation.judges).as_dict()
        except (GroundworkError, NotImplementedError):
            continue
    return rates


def report_of(
    workspace: Workspace, principal: Principal, found: Evaluation, form: str, *, base: str = ""
) -> str:
    """Return an evaluation as `html`, `md`, `json` or `junit`.

    Args:
        base: address of the console, for links to records.
    """
    book = workspace.evaluation.book
    corrected = corrected_of(workspace, principal, found)
    shown = _with_corrected(found, corrected)
    if form == "md":
        from groundwork.evaluation.reports.markdown import evaluation_summary

        return evaluation_summary(shown, base=base)
    results = book.results(principal, found.id)
    if form == "json":
        low = worst(found.scorers, results, WORST)
        document = {
            **found.as_dict(),
            "corrected": corrected,
            "worst": [{**asdict(w.result), "scorer": w.scorer, "why": w.why} for w in low],
        }
        return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"
    examples = book.examples(principal, found.id)
    if form == "junit":
        from groundwork.evaluation.reports.junit import evaluation_junit

        return evaluation_junit(found, results, examples)
    from groundwork.evaluation.reports.html import evaluation_report

    return evaluation_report(shown, results, examples, base=base)


def export_of(workspace: Workspace, principal: Principal, found: Evaluation, form: str) -> str:
    """Return the results as `jsonl`, `csv`, or for another tool: `inspect`, `promptfoo`."""
    book = workspace.evaluation.book
    results, examples = book.results(principal, found.id), book.examples(principal, found.id)
    if form == "inspect":
        from groundwork.evaluation.interop.inspect_log import inspect_document

        return _json(inspect_document(found, examples, results))
    if form == "promptfoo":
        from groundwork.evaluation.interop.promptfoo import results_document

        return _json(results_document(found, examples, results))
    by_id = {x.id: x for x in examples}
    if form == "csv":
        return _csv(found, results, by_id)
    lines = []
    for r in results:
        example = by_id.get(r.example_id)
        asked = (
            {}
            if example is None
            else {"input": example.input, "expected": example.expected, "tags": example.tags}
        )
        lines.append(json.dumps({**asdict(r), **asked}, ensure_ascii=False, default=str))
    return "".join(f"{line}\n" for line in lines)


def written(output: str, text: str) -> str:
    """Write a text and return where, or return the text itself where no file is named.

    Raises:
        InvalidInputError: the file cannot be written. StorageFullError: the disk is full.
    """
    if not output:
        return text
    path = Path(output)
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        if error.errno == 28:
            raise StorageFullError(f"the disk is full; {path} was not written") from error
        raise InvalidInputError(
            f"`{path}` cannot be written: {error.strerror}", hint="name a file in a folder that is there"
        ) from None
    return str(path)


def import_evaluation(
    workspace: Workspace,
    principal: Principal,
    file: Path,
    *,
    kind: str = "",
    dataset: str = "",
    title: str = "",
) -> tuple[Evaluation, list[str]]:
    """Bring an evaluation of another tool here: its examples become a dataset, its outputs and scores an evaluation.

    Args:
        kind: `inspect` or `promptfoo`; empty: found out. dataset: name; empty: as the file says.

    Returns:
        The evaluation, and what could not be taken over, in sentences.

    Raises:
        InvalidInputError: the file cannot be read or holds no results.
    """
    read = _read(file, kind)
    if not read.results:
        raise InvalidInputError(
            f"`{file}` holds no results", hint="bring its examples with `groundwork dataset import`"
        )
    name = dataset or _name_of(read.name or file.stem)
    version = workspace.datasets.create(principal, name, list(read.examples), note=f"from {file.name}")
    splits = {x.split for x in read.examples}
    split = next(iter(splits)) if len(splits) == 1 else ""
    scorers = _foreign(read.results)
    digest = digest_json([[r.example_id, r.repeat, r.output.as_dict()] for r in read.results])
    plan = RunPlan(
        word=f"file:{file.name}",
        subject={
            "kind": "recorded",
            "name": read.model or read.name,
            "pins": {"file": digest},
            "digest": digest,
        },
        app="",
        release="",
        dataset=version.name,
        dataset_ref=version.ref,
        dataset_version=version.digest,
        split=split,
        scorers=scorers,
        repeats=1 + max(r.repeat for r in read.results),
        limit=None,
        seed=0,
        n=len(read.examples),
        clusters=len({x.group for x in read.examples}),
        expected_cost_usd=0.0,
        title=title or read.name,
        notes=tuple(read.notes),
    )
    found = workspace.evaluation.book.take_in(principal, plan, read.results, list(read.examples))
    return found, list(read.notes)


def _read(file: Path, kind: str) -> Imported:
    from groundwork.evaluation.interop import inspect_log, promptfoo

    if kind not in ("", "inspect", "promptfoo"):
        raise InvalidInputError(
            f"evaluations do not come from `{kind[:40]}`", hint="one of: inspect, promptfoo"
        )
    if not kind:
        kind = "inspect" if _is_inspect(file) else "promptfoo"
    return inspect_log.read_inspect(file) if kind == "inspect" else promptfoo.read_results(file)


def _is_inspect(file: Path) -> bool:
    if file.suffix == ".eval":
        return True
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"`{file}` cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        return False
    return isinstance(document, Mapping) and "eval" in document


def _name_of(written: str) -> str:
    """Return a name a dataset may have, made of what a file calls it."""
    return re.sub(r"[^a-z0-9_-]+", "-", written.lower()).strip("-_")[:60] or "imported"


def _foreign(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Return what is kept of scorers that are not ours: their scores are all that is known of them."""
    names = sorted({name for r in results for name in r.scores})
    values = {n: [s.value for r in results if (s := r.scores.get(n)) and s.value is not None] for n in names}
    return {
        name: {
            "name": name,
            "parameters": {},
            "version": 1,
            "higher_is_better": True,
            "worst": 0.0 if all(0 <= v <= 1 for v in values[name]) else None,
            "binary": all(v in (0.0, 1.0) for v in values[name]),
            "metrics": ["mean"],
            "needs": [],
            "foreign": True,
        }
        for name in names
    }


def _with_corrected(found: Evaluation, corrected: Mapping[str, Any]) -> Evaluation:
    if not corrected or found.summary is None:
        return found
    added = {f"{name}, corrected for the judge": m for name, m in corrected.items()}
    return replace(found, summary={**found.summary, **added})


def _csv(found: Evaluation, results: Sequence[Result], examples: Mapping[str, Example]) -> str:
    out = io.StringIO()
    names = list(found.scorers)
    head = ["seq", "repeat", "example_id", "state", "input", "expected", "output", "abstained", "error"]
    writer = csv.writer(out)
    writer.writerow([*head, *names, "latency_ms", "cost_usd", "model", "answer_id", "trace_id"])
    for r in results:
        example = examples.get(r.example_id)
        asked = ["", ""] if example is None else [example.question, " | ".join(example.references)]
        scores = [None if (s := r.scores.get(n)) is None else s.value for n in names]
        o = r.output
        row = [r.seq, r.repeat, r.example_id, r.state, *asked, o.text, o.abstained, o.error]
        writer.writerow(_plain([*row, *scores, o.latency_ms, o.cost_usd, o.model, o.answer_id, o.trace_id]))
    return out.getvalue()


def _plain(row: Sequence[Any]) -> list[Any]:
    """Return cells that a spreadsheet takes for what they are: no text of a document is a formula."""
    return [f"'{c}" if isinstance(c, str) and c[:1] in ("=", "+", "-", "@", "\t", "\r") else c for c in row]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"
